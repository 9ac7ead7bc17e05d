import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR, FLAGS, FRAME } from './frames.ts';
import { data, frame, headers, number, reset, settings, windowUpdate } from './testing/frames.ts';
import { RecordingClient } from './testing/recording-client.ts';

const get = 'GET /a?b HTTP/1.1\r\nHost: test\r\nAccept: */*\r\n\r\n';
const answer = (id: number, end = true): Buffer =>
  headers(
    id,
    [
      [':status', '200'],
      ['x-a', '1'],
    ],
    end,
  );
const goaway = (last: number, code: number = ERROR.NO_ERROR, words = ''): Buffer =>
  frame(FRAME.GOAWAY, 0, 0, Buffer.concat([number(last), number(code), Buffer.from(words)]));

describe('a request', () => {
  test('says in pseudo headers what its first line and Host say, and leaves HTTP/1 behind', () => {
    const client = new RecordingClient();
    client.request(get);
    assert.deepEqual(client.said(), [
      'HEADERS 1 end :method: GET | :scheme: http | :authority: test | :path: /a?b | accept: */*',
    ]);
    assert.equal(client.log.preface, true);
    client.request(
      'POST http://other/p?q HTTP/1.1\r\nHost: other\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n',
      false,
    );
    assert.deepEqual(client.said(), [
      'HEADERS 3 :method: POST | :scheme: http | :authority: other | :path: /p?q | te: trailers',
    ]);
    client.request('OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n');
    client.request('CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n');
    assert.deepEqual(client.said(), [
      'HEADERS 5 end :method: OPTIONS | :scheme: http | :authority: test | :path: *',
      'HEADERS 7 :method: CONNECT | :authority: db:1',
    ]);
  });

  test('towards another Weft goes with a table, and its cookies apart', () => {
    const client = new RecordingClient({}, { encoder: { tableBytes: 4096, huffman: false }, secure: true });
    const text =
      'GET / HTTP/1.1\r\nHost: test\r\nCookie: first=aaaaaaaaaaaaaaaaaaaa; second=bbbbbbbbbbbbbbbbbbbb\r\n\r\n';
    const lengths: number[] = [];
    for (let i = 0; i < 3; i++) {
      client.request(text);
      const frames = client.log.frames(Buffer.from(client.peer.take(), 'latin1'));
      const block = frames.find(({ type }) => type === 'HEADERS')!;
      lengths.push(block.payload.length);
    }
    assert.equal(lengths[2], 6, JSON.stringify(lengths));
  });

  test('waits for the window, and says when it may go on', () => {
    const client = new RecordingClient();
    client.send(settings([4, 10]));
    const { stream } = client.request('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 12\r\n\r\n', false);
    assert.equal(stream.data(Buffer.from('abcdefghijkl'), 0, 12), false);
    stream.end(undefined);
    assert.deepEqual(client.said().slice(1), ['DATA 1 abcdefghij']);
    assert.deepEqual(client.send(windowUpdate(1, 100)), ['DATA 1 end kl']);
  });

  test('that is given up is reset, and what comes of it is passed over', () => {
    const client = new RecordingClient();
    const exchange = client.request(get);
    client.said();
    exchange.stream.cancel('timed-out');
    assert.deepEqual(client.said(), ['RST_STREAM 1 CANCEL']);
    assert.deepEqual(client.send(settings(), answer(1, false), data(1, 'late', true)), []);
    assert.equal(exchange.head, '');
    assert.equal(client.connection.active, 0);
  });
});

describe('an answer', () => {
  test('becomes the lines of HTTP/1, with the usual phrase', () => {
    const client = new RecordingClient();
    const exchange = client.request(get);
    client.send(
      settings(),
      headers(
        1,
        [
          [':status', '103'],
          ['link', '</a>'],
        ],
        false,
      ),
      headers(
        1,
        [
          [':status', '404'],
          ['x-a', '1'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
        false,
      ),
      data(1, 'body'),
      headers(1, [
        ['grpc-status', '5'],
        ['content-length', '9'],
      ]),
    );
    const { informational, head, body, trailers, complete } = exchange;
    assert.deepEqual(
      { informational, head, body, trailers, complete },
      {
        informational: [103],
        head: '404 Not Found|x-a: 1|set-cookie: a=1|set-cookie: b=2',
        body: 'body',
        trailers: 'grpc-status: 5',
        complete: true,
      },
    );
    assert.equal(client.options.counts.of('dropped-trailer'), 1);
  });

  test('is refused by name where it could be read in two ways', () => {
    for (const [fields, words] of [
      [[['x', 'y']], /:status/],
      [[[':status', '20']], /:status is not a number/],
      [[[':status', '101']], /101/],
      [
        [
          [':status', '200'],
          [':path', '/'],
        ],
        /pseudo-header field that this message cannot have/,
      ],
      [
        [
          [':status', '200'],
          ['connection', 'close'],
        ],
        /HTTP\/1 connections/,
      ],
      [
        [
          [':status', '200'],
          ['x', 'a\r\nb: c'],
        ],
        /control character/,
      ],
      [
        [
          [':status', '200'],
          ['content-length', '1'],
          ['content-length', '1'],
        ],
        /more than one Content-Length/,
      ],
    ] as const) {
      const client = new RecordingClient();
      const exchange = client.request(get);
      client.send(settings());
      assert.deepEqual(
        client.send(headers(1, fields, false)),
        ['RST_STREAM 1 PROTOCOL_ERROR'],
        String(words),
      );
      assert.equal(exchange.failure?.flag, 'UPE');
      assert.match(exchange.failure.detail, words);
      assert.equal(exchange.failure.final, 'here');
    }
  });

  test('whose DATA is not what Content-Length says is broken off', () => {
    for (const [text, end] of [
      ['abcd', false],
      ['ab', true],
    ] as const) {
      const client = new RecordingClient();
      const exchange = client.request(get);
      client.send(
        settings(),
        headers(
          1,
          [
            [':status', '200'],
            ['content-length', '3'],
          ],
          false,
        ),
      );
      assert.deepEqual(client.send(data(1, text, end)), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.equal(exchange.failure?.flag, 'UPE');
      assert.equal(exchange.complete, false);
    }
  });

  test('before the request has ended is whole; NO_ERROR takes nothing from it', () => {
    const client = new RecordingClient();
    const exchange = client.request(
      'POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n',
      false,
    );
    client.said();
    client.send(settings());
    assert.deepEqual(client.send(answer(1)), ['RST_STREAM 1 CANCEL']);
    client.send(reset(1, ERROR.NO_ERROR));
    assert.equal(exchange.complete, true);
    assert.equal(exchange.failure, undefined);
  });

  test('without its end, but reset as if it had one, is whole where its length says so', () => {
    for (const [length, complete] of [
      ['3', true],
      ['4', false],
      ['', false],
    ] as const) {
      const client = new RecordingClient();
      const exchange = client.request(get);
      const fields = length === '' ? [] : [['content-length', length] as const];
      client.send(
        settings(),
        headers(1, [[':status', '200'], ...fields], false),
        data(1, 'abc'),
        reset(1, 0),
      );
      assert.equal(exchange.complete, complete, length);
      assert.equal(exchange.failure?.flag, complete ? undefined : 'UR');
      assert.equal(client.connection.active, 0);
    }
  });

  test('that is paused is held within the window, and its end after it', () => {
    const client = new RecordingClient();
    const exchange = client.request(get);
    client.send(settings(), answer(1, false));
    exchange.stream.pauseResponse();
    client.send(data(1, 'abc'), data(1, 'def', true), reset(1, ERROR.NO_ERROR));
    assert.equal(exchange.body, '');
    assert.equal(exchange.complete, false);
    exchange.stream.resumeResponse();
    assert.equal(exchange.body, 'abcdef');
    assert.equal(exchange.complete, true);
    assert.equal(client.connection.active, 0);
  });

  test('that opens a WebSocket is 101 with the answer to the key that the client sent', () => {
    const client = new RecordingClient();
    client.send(settings([8, 1]));
    const exchange = client.request(
      'GET /chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    assert.deepEqual(client.said(), [
      'HEADERS 1 :method: CONNECT | :protocol: websocket | :scheme: http | :authority: test | :path: /chat | sec-websocket-version: 13',
    ]);
    client.send(headers(1, [[':status', '200']], false), data(1, 'hi'));
    assert.equal(
      exchange.head,
      '101 Switching Protocols|connection: Upgrade|upgrade: websocket|sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    );
    assert.equal(exchange.body, 'hi');
    exchange.stream.data(Buffer.from('ho'), 0, 2);
    exchange.stream.end(undefined);
    assert.deepEqual(client.said(), ['DATA 1 end ho']);
    client.send(data(1, '', true));
    assert.equal(exchange.complete, true);
    assert.equal(client.connection.active, 0);
  });

  test('an upgrade that the peer does not take was not sent', () => {
    const client = new RecordingClient();
    client.send(settings());
    const exchange = client.request(
      'GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    assert.deepEqual(client.said(), []);
    assert.equal(exchange.failure?.unread, true);
    assert.equal(client.connection.active, 0);
  });
});

describe('the connection', () => {
  test('has the room that the peer gives, and tells when that changes', () => {
    const client = new RecordingClient();
    assert.equal(client.connection.room, 100, 'assumed');
    client.send(settings([3, 2]));
    assert.equal(client.connection.room, 2);
    client.request(get);
    client.request(get);
    assert.equal(client.connection.room, 0);
    const before = client.rooms;
    client.send(answer(1));
    assert.equal(client.rooms, before + 1);
    client.send(settings([3, 0]));
    assert.equal(client.connection.room, -1);
    const free = new RecordingClient();
    free.send(settings());
    assert.equal(free.connection.room, 1000, 'no limit but ours');
  });

  test('what the peer did not look at may go out again: GOAWAY and REFUSED_STREAM', () => {
    const client = new RecordingClient();
    const exchanges = [client.request(get), client.request(get), client.request(get)];
    client.send(settings(), reset(3, ERROR.REFUSED_STREAM), goaway(1, ERROR.NO_ERROR, 'max_age'));
    assert.deepEqual(
      exchanges.map(({ failure }) => failure && [failure.flag, failure.unread, failure.detail]),
      [
        undefined,
        ['UR', true, 'the upstream reset the stream (REFUSED_STREAM)'],
        ['UR', true, 'the upstream takes no more streams (NO_ERROR: max_age)'],
      ],
    );
    assert.equal(client.draining, 1);
    assert.equal(client.connection.room, 0);
    client.send(answer(1));
    assert.equal(exchanges[0]!.complete, true);
    assert.equal(client.peer.ended, true, 'the last one is over');
  });

  test('the announcement of a GOAWAY takes nothing away', () => {
    const client = new RecordingClient();
    const exchange = client.request(get);
    client.send(settings(), goaway(2 ** 31 - 1));
    assert.equal(client.draining, 1);
    client.send(answer(1));
    assert.equal(exchange.complete, true);
  });

  test('that is drained ends after the last, at once where there is none', () => {
    const client = new RecordingClient();
    client.send(settings());
    const exchange = client.request(get);
    client.connection.drain();
    assert.equal(client.connection.room, 0);
    client.send(answer(1));
    assert.equal(exchange.complete, true);
    assert.equal(client.peer.ended, true);
    const idle = new RecordingClient();
    idle.connection.drain();
    assert.equal(idle.peer.ended, true);
  });

  test('that breaks tells every stream, then the pool', () => {
    const client = new RecordingClient();
    const exchange = client.request(get);
    client.peer.breakOff();
    assert.deepEqual(exchange.failure, {
      flag: 'UC',
      detail:
        "the upstream's connection: ECONNRESET before it said a word of HTTP/2; does it speak that on this port?",
      reused: false,
      unread: false,
    });
    assert.equal(client.gone, 1);
  });

  test('whose peer answers in HTTP/1 says so to the pool, and its streams were not looked at', () => {
    let single = 0;
    const client = new RecordingClient();
    Object.assign(client, { onSingle: () => single++ });
    const exchange = client.request(get);
    client.peer.send('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    assert.deepEqual([single, client.gone], [1, 1]);
    assert.equal(exchange.failure!.unread, true);
    assert.match(exchange.failure!.detail, /answered in HTTP\/1/);
  });

  test('tells a proxy what the client of a request spoke, and nobody else', () => {
    for (const peerIsProxy of [true, false]) {
      const client = new RecordingClient({}, { peerIsProxy });
      client.send(settings());
      client.request(get);
      assert.equal(/x-weft-translated/.test(client.said().join(' ')), peerIsProxy);
    }
  });

  test('takes no pushes, no answers that nobody asked for, no settings that servers may not send', () => {
    for (const bytes of [
      frame(FRAME.PUSH_PROMISE, FLAGS.END_HEADERS, 1, number(2)),
      answer(3),
      answer(2),
      settings([2, 1]),
      data(5, 'x'),
    ]) {
      const client = new RecordingClient();
      client.request(get);
      client.said();
      client.send(settings());
      assert.match(client.send(bytes).at(-1)!, /^GOAWAY 0 PROTOCOL_ERROR/);
    }
  });
});
