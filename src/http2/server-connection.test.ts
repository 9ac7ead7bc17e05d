import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Encoder } from '../hpack/index.ts';
import { encoded } from '../hpack/testing/fields.ts';
import { ERROR, FLAGS, FRAME } from './frames.ts';
import { answerHead } from './testing/bare-server.ts';
import {
  block,
  data,
  frame,
  GET,
  HELLO,
  headers,
  number,
  POST,
  ping,
  reset,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from './testing/frames.ts';
import { RecordingServer } from './testing/recording-server.ts';

const ok = ['HEADERS 1 :status: 200 | content-length: 2', 'DATA 1 end ok'];

describe('a request', () => {
  test('becomes the lines of HTTP/1, Host first, wherever :authority stands', () => {
    const pseudo = GET;
    for (let turn = 0; turn < pseudo.length; turn++) {
      const server = new RecordingServer();
      const order = [...pseudo.slice(turn), ...pseudo.slice(0, turn)];
      assert.deepEqual(server.begin(headers(1, [...order, ['x-a', '1'], ['accept', '*/*']])), ok);
      assert.equal(server.last.head, 'GET /|host: test|x-a: 1|accept: */*', JSON.stringify(order));
    }
  });

  test('is the same however its bytes are cut', () => {
    const bytes = Buffer.concat([
      HELLO,
      headers(1, [...POST, ['content-length', '6']], false),
      data(1, 'abc'),
      frame(FRAME.DATA, FLAGS.PADDED, 1, Buffer.from('\u0002def\0\0', 'latin1')),
      headers(1, [['x-sum', '7']]),
    ]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const server = new RecordingServer();
      server.peer.send(bytes.subarray(0, cut));
      server.peer.send(bytes.subarray(cut));
      const { head, body, trailers, complete } = server.last;
      assert.deepEqual(
        { head, body, trailers, complete },
        { head: 'POST /|host: test|content-length: 6', body: 'abcdef', trailers: 'x-sum: 7', complete: true },
        `cut at ${cut}`,
      );
    }
  });

  test('follows another on the same objects, with a table of fields that fills', () => {
    const server = new RecordingServer();
    const encoder = new Encoder({ tableBytes: 4096, huffman: true });
    server.begin();
    for (let id = 1; id < 99; id += 2) {
      const fields = encoded(encoder, [...GET, ['user-agent', 'test'], ['x-id', `${id}`]]);
      server.send(frame(FRAME.HEADERS, FLAGS.END_HEADERS | FLAGS.END_STREAM, id, fields));
      assert.equal(server.last.head, `GET /|host: test|user-agent: test|x-id: ${id}`);
    }
    assert.equal(new Set(server.requests).size, 1);
  });

  test('with crumbs of Cookie has one, also where other fields stand between them', () => {
    const server = new RecordingServer();
    server.begin(headers(1, [...GET, ['cookie', 'a=1'], ['cookie', 'b=2'], ['x', 'y'], ['cookie', 'c=3']]));
    assert.equal(server.last.head, 'GET /|host: test|x: y|cookie: a=1; b=2; c=3');
  });

  test('may come in pieces of a block, padded and with a priority', () => {
    const server = new RecordingServer();
    const fields = block([...GET, ['x-a', 'b'.repeat(300)]]);
    const first = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 7]), fields.subarray(0, 20), Buffer.alloc(3)]);
    server.begin(
      frame(FRAME.HEADERS, FLAGS.END_STREAM | FLAGS.PADDED | FLAGS.PRIORITY, 1, first),
      frame(FRAME.CONTINUATION, 0, 1, fields.subarray(20, 50)),
      frame(FRAME.CONTINUATION, FLAGS.END_HEADERS, 1, fields.subarray(50)),
    );
    assert.equal(server.last.head, `GET /|host: test|x-a: ${'b'.repeat(300)}`);
  });

  test('that is an extended CONNECT is the upgrade that HTTP/1 has, and what it carries waits for the answer', () => {
    const server = new RecordingServer();
    server.answer = undefined;
    server.begin(
      headers(
        1,
        [
          [':method', 'CONNECT'],
          [':protocol', 'websocket'],
          ...GET.slice(1),
          ['sec-websocket-version', '13'],
        ],
        false,
      ),
      data(1, 'early'),
    );
    const request = server.last;
    assert.match(
      request.head,
      /^GET \/\|host: test\|sec-websocket-version: 13\|connection: Upgrade\|upgrade: websocket\|sec-websocket-key: [\w+/]{22}==$/,
    );
    assert.equal(request.complete, true);
    assert.equal(request.body, '');
    request.stream.respond(
      answerHead(101, [
        ['upgrade', 'websocket'],
        ['connection', 'Upgrade'],
        ['sec-websocket-accept', 'x'],
      ]),
      false,
    );
    assert.deepEqual(server.said(), ['HEADERS 1 :status: 200']);
    assert.equal(request.body, 'early');
    server.send(data(1, ' late'));
    request.stream.data(Buffer.from('back'), 0, 4);
    request.stream.end(undefined);
    assert.deepEqual(server.said(), ['DATA 1 end back']);
    server.send(data(1, '', true));
    assert.equal(request.body, 'early late');
    assert.equal(server.connection.streams.size, 0);
  });

  test('that was an upgrade and is refused loses its early bytes, and gets the refusal', () => {
    const server = new RecordingServer();
    server.answer = undefined;
    server.begin(
      headers(
        1,
        [
          [':method', 'CONNECT'],
          [':authority', 'db:5432'],
        ],
        false,
      ),
      data(1, 'early'),
    );
    assert.equal(server.last.head, 'CONNECT db:5432|host: db:5432');
    server.last.stream.respond(answerHead(403, []), true);
    assert.deepEqual(server.said(), ['HEADERS 1 end :status: 403', 'RST_STREAM 1 NO_ERROR']);
    assert.equal(server.last.body, '');
  });
});

describe('an answer', () => {
  test('leaves behind what belongs to a connection of HTTP/1', () => {
    const server = new RecordingServer();
    server.answer = ({ stream }) => {
      const head = answerHead(200, [
        ['Content-Type', 'text/plain'],
        ['connection', 'close'],
        ['Transfer-Encoding', 'chunked'],
        ['Keep-Alive', 'timeout=5'],
        ['Upgrade', 'h2c'],
      ]);
      stream.respond(head, true);
    };
    assert.deepEqual(server.begin(headers(1)), ['HEADERS 1 end :status: 200 | content-type: text/plain']);
  });

  test('before the request has ended stops the client', () => {
    const server = new RecordingServer();
    server.onHead = ({ stream }) => stream.respond(answerHead(413, []), true);
    assert.deepEqual(server.begin(headers(1, POST, false)), [
      'HEADERS 1 end :status: 413',
      'RST_STREAM 1 NO_ERROR',
    ]);
    assert.deepEqual(server.send(data(1, 'more'), data(1, 'and more', true)), []);
    assert.equal(server.count('closed-stream'), 0);
  });

  test('says 100 first, carries trailers last, and keeps a large head in several frames', () => {
    const server = new RecordingServer();
    const large = 'x'.repeat(40_000);
    server.answer = ({ stream }) => {
      stream.informational(answerHead(100, []));
      stream.respond(answerHead(200, [['x-large', large]]), false);
      stream.data(Buffer.from('body'), 0, 4);
      const trailers = answerHead(0, [['grpc-status', '0']]);
      stream.end(trailers);
    };
    server.peer.send(Buffer.concat([HELLO, headers(1)]));
    const seen = server.log
      .frames(Buffer.from(server.peer.take(), 'latin1'))
      .filter(each => each.streamId === 1);
    assert.deepEqual(
      seen.map(({ type, flags }) => `${type} ${flags}`),
      ['HEADERS 4', 'HEADERS 0', 'CONTINUATION 0', 'CONTINUATION 4', 'DATA 0', 'HEADERS 5'],
    );
  });

  test('that is broken off is reset', () => {
    const server = new RecordingServer();
    server.answer = ({ stream }) => {
      stream.respond(answerHead(200, []), false);
      stream.abort('UC');
    };
    assert.deepEqual(server.begin(headers(1)), ['HEADERS 1 :status: 200', 'RST_STREAM 1 INTERNAL_ERROR']);
  });
});

describe('flow control', () => {
  test('sends what the windows allow, and gives streams their turns', () => {
    const server = new RecordingServer();
    const body = Buffer.alloc(40_000, 'x');
    server.answer = ({ stream }) => {
      stream.respond(answerHead(200, []), false);
      stream.data(body, 0, body.length);
      stream.end(undefined);
    };
    const sizes = (words: readonly string[]): string[] =>
      words
        .filter(each => each.startsWith('DATA'))
        .map(each => `${each.split(' ')[1]}:${each.split(' ').at(-1)!.length}`);
    assert.deepEqual(
      sizes(server.begin(headers(1), headers(3))),
      ['1:16384', '1:16384', '1:7232', '3:16384', '3:9151'],
      'up to 65,535',
    );
    assert.deepEqual(sizes(server.send(headers(5))), []);
    assert.deepEqual(
      sizes(server.send(windowUpdate(0, 20_000))),
      ['3:14465', '5:5535'],
      'and the rest in turn',
    );
    const rest = server.send(windowUpdate(0, 1_000_000));
    assert.ok(rest.at(-1)!.startsWith('DATA 5 end x'), 'the end comes with the last of it');
    assert.equal(server.connection.streams.size, 0);
  });

  test('windows may become negative by SETTINGS, and grow again', () => {
    const server = new RecordingServer();
    server.answer = ({ stream }) => {
      stream.respond(answerHead(200, []), false);
      assert.equal(stream.data(Buffer.alloc(100, 'x'), 0, 100), false);
    };
    server.peer.send(HELLO);
    server.send(settings([4, 60]), headers(1));
    server.said();
    assert.deepEqual(server.send(settings([4, 10])), ['SETTINGS ack']);
    assert.deepEqual(server.send(windowUpdate(1, 49)), []);
    assert.deepEqual(server.send(windowUpdate(1, 3)), ['DATA 1 xx']);
    assert.deepEqual(server.send(settings([4, 100])).at(-1), `DATA 1 ${'x'.repeat(38)}`);
    assert.equal(server.last.writable, 1);
  });

  test('allows again only what was taken', () => {
    const server = new RecordingServer({ streamWindow: 1000, maxStreamWindow: 1000 });
    server.onHead = ({ stream }) => stream.pauseRequest();
    server.begin(headers(1, POST, false));
    assert.deepEqual(server.send(data(1, 'x'.repeat(600)), data(1, 'y'.repeat(400))), []);
    assert.equal(server.last.body, '');
    assert.equal(server.connection.flow.heldBytes, 1000);
    server.last.stream.resumeRequest();
    assert.equal(server.last.body.length, 1000);
    assert.deepEqual(server.said(), ['WINDOW_UPDATE 1 1000']);
    assert.deepEqual(server.send(data(1, 'x'.repeat(1001))), ['RST_STREAM 1 FLOW_CONTROL_ERROR']);
    assert.equal(server.last.abort, 'DPE more DATA than the window allows');
  });

  test('a window grows while the other side keeps up, and not when it did not', () => {
    const server = new RecordingServer({ streamWindow: 1000, maxStreamWindow: 4000 });
    server.begin(headers(1, POST, false));
    assert.deepEqual(server.send(data(1, 'x'.repeat(600))), ['WINDOW_UPDATE 1 1600'], '1000 and 600');
    server.last.stream.pauseRequest();
    server.last.stream.resumeRequest();
    assert.deepEqual(server.send(data(1, 'x'.repeat(1100))), ['WINDOW_UPDATE 1 1100']);
    assert.deepEqual(
      server.send(data(1, 'x'.repeat(1100))),
      ['WINDOW_UPDATE 1 3100'],
      'to 4000, which is the most',
    );
  });

  test('padding and what comes on streams that are over is allowed again', () => {
    const server = new RecordingServer({ connectionWindow: 65_535, maxConnectionWindow: 65_535 });
    server.onHead = ({ stream }) => stream.respond(answerHead(413, []), true);
    server.begin(headers(1, POST, false));
    const padded = frame(
      FRAME.DATA,
      FLAGS.PADDED,
      1,
      Buffer.concat([Buffer.from([255]), Buffer.alloc(10_000)]),
    );
    assert.deepEqual(server.send(padded, padded), ['WINDOW_UPDATE 0 20002']);
  });
});

describe('the end', () => {
  test('is announced, then said, and comes after the last answer', async () => {
    const server = new RecordingServer();
    server.answer = undefined;
    server.begin(headers(1));
    server.connection.drain();
    assert.deepEqual(server.said(), ['GOAWAY 2147483647 NO_ERROR', 'PING']);
    assert.deepEqual(server.send(headers(3)), [], 'one that was on its way');
    assert.deepEqual(server.send(ping('weftdrai', FLAGS.ACK)), ['GOAWAY 3 NO_ERROR']);
    assert.deepEqual(server.send(headers(5)), []);
    for (const { stream } of server.requests) stream.respond(answerHead(204, []), true);
    assert.deepEqual(server.said(), ['HEADERS 1 end :status: 204', 'HEADERS 3 end :status: 204']);
    assert.equal(server.peer.ended, true);
    await server.clock.advance(1000);
    assert.equal(server.closed, true);
  });

  test('does not wait for an answer to its PING', async () => {
    const server = new RecordingServer();
    server.begin();
    server.connection.drain();
    server.said();
    await server.clock.advance(1100);
    assert.deepEqual(server.said(), ['GOAWAY 0 NO_ERROR']);
    assert.equal(server.peer.ended, true);
  });

  test('comes when nobody says anything', async () => {
    const slow = new RecordingServer();
    await slow.clock.advance(10_100);
    assert.match(slow.said().at(-1)!, /^GOAWAY 0 SETTINGS_TIMEOUT/);
    assert.equal(slow.count('slow-preface'), 1);
    const idle = new RecordingServer({}, { idleTimeoutMs: 60_000 });
    idle.begin(headers(1));
    await idle.clock.advance(70_000);
    assert.deepEqual(idle.said(), ['GOAWAY 1 NO_ERROR']);
    const within = new RecordingServer({}, { headTimeoutMs: 5000 });
    within.begin(headers(1).subarray(0, 15));
    await within.clock.advance(6000);
    assert.match(within.said().at(-1)!, /^GOAWAY 0 PROTOCOL_ERROR a block of headers did not arrive in time/);
  });

  test('of the client tells every handler once', () => {
    const server = new RecordingServer();
    server.answer = undefined;
    server.begin(headers(1), headers(3, POST, false));
    server.peer.breakOff();
    assert.deepEqual(
      server.requests.map(({ abort }) => abort),
      Array(2).fill("DC the client's connection: ECONNRESET"),
    );
    assert.equal(server.closed, true);
  });

  test('of a stream by the client is told to its handler, and its work is given up', () => {
    const server = new RecordingServer();
    server.answer = undefined;
    server.begin(headers(1));
    assert.deepEqual(server.send(reset(1)), []);
    assert.equal(server.last.abort, 'DC the client gave the stream up (CANCEL)');
    assert.equal(server.connection.streams.size, 0);
    server.last.stream.respond(answerHead(200, []), true);
    assert.deepEqual(server.said(), []);
  });
});

test('pings and settings are answered, unknown frames and settings passed over', () => {
  const server = new RecordingServer();
  server.begin();
  assert.deepEqual(
    server.send(
      ping(),
      SETTINGS_ACK,
      frame(99, 255, 7, Buffer.alloc(16_384)),
      settings([99, 1]),
      number(0).subarray(4),
    ),
    ['PING ack', 'SETTINGS ack'],
  );
  assert.deepEqual(
    server.send(frame(FRAME.GOAWAY, 0, 0, Buffer.concat([number(0), number(ERROR.NO_ERROR)]))),
    ['GOAWAY 0 NO_ERROR'],
  );
});
