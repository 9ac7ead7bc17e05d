// What is known to have been done to servers of HTTP/2, one after the other: what becomes of it, and how it is counted. A row
// that is bounded must leave a connection that still answers; one that ends it must say why.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR, FLAGS, FRAME } from './frames.ts';
import type { Http2Limits } from './limits.ts';
import { EDGE_LIMITS } from './limits.ts';
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
  settings,
  windowUpdate,
} from './testing/frames.ts';
import { RecordingServer } from './testing/recording-server.ts';

type Field = readonly [name: string, value: string];

interface Attack {
  readonly name: string;
  /** Bytes of round `n`; undefined ends it. */
  readonly round: (n: number) => Buffer | undefined;
  readonly limits?: Partial<Http2Limits>;
  readonly prepare?: (server: RecordingServer) => void;
  /** The connection ends with a GOAWAY of this; undefined: it goes on. */
  readonly ends?: RegExp;
  /** The anomaly that is counted, and how often at least. */
  readonly counts?: readonly [name: string, atLeast: number];
  /** Requests that a handler saw, at most. */
  readonly handled?: number;
}

const times = (count: number, make: (n: number) => Buffer): ((n: number) => Buffer | undefined) => {
  return n => (n < count ? make(n) : undefined);
};
const id = (n: number): number => n * 2 + 1;
const calm = /^GOAWAY \d+ ENHANCE_YOUR_CALM/;
const silent = (server: RecordingServer): void => {
  server.answer = undefined;
};
/** Fields by reference to one entry of the table. */
const bomb = (count: number, name: string, value: string): Buffer =>
  Buffer.concat([
    block(GET),
    Buffer.from([0x40, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)]),
    Buffer.alloc(count, 0xbe),
  ]);
const whole = FLAGS.END_HEADERS | FLAGS.END_STREAM;

const floods: readonly Attack[] = [
  {
    name: '1 rapid reset (CVE-2023-44487)',
    round: times(5000, n => Buffer.concat([headers(id(n)), reset(id(n))])),
    prepare: silent,
    ends: calm,
    counts: ['early-reset', 1000],
    handled: 1001,
  },
  {
    name: '2 made to reset: window updates of 0 (CVE-2025-8671)',
    round: times(5000, n => Buffer.concat([headers(id(n)), windowUpdate(id(n), 0)])),
    prepare: silent,
    ends: calm,
    counts: ['stream-error', 1000],
    handled: 1001,
  },
  {
    name: '2 made to reset: windows beyond 2^31 - 1',
    round: times(5000, n => Buffer.concat([headers(id(n)), windowUpdate(id(n), 0x7fffffff)])),
    prepare: silent,
    ends: calm,
    counts: ['stream-error', 1000],
    handled: 1001,
  },
  {
    name: '2 made to reset: DATA after the end',
    round: times(5000, n => Buffer.concat([headers(id(n)), data(id(n), 'abcdef')])),
    prepare: silent,
    ends: calm,
    counts: ['stream-error', 1000],
    handled: 1001,
  },
  {
    name: '2 made to reset: more DATA than Content-Length says',
    round: times(5000, n =>
      Buffer.concat([headers(id(n), [...POST, ['content-length', '1']], false), data(id(n), 'abcdef')]),
    ),
    prepare: silent,
    ends: calm,
    counts: ['stream-error', 1000],
    handled: 1001,
  },
  {
    name: '2 made to reset: streams above the limit',
    round: times(5000, n => headers(id(n), POST, false)),
    prepare: silent,
    ends: calm,
    counts: ['refused-stream', 1000],
    handled: 100,
  },
  {
    name: '3 CONTINUATION for ever (VU#421644)',
    round: n =>
      n === 0 ? frame(FRAME.HEADERS, 0, 1, block(GET)) : frame(FRAME.CONTINUATION, 0, 1, block([['a', 'b']])),
    ends: calm,
    counts: ['too-many-continuations', 1],
    handled: 0,
  },
  {
    name: '3 a block that is larger than the limit in few frames',
    round: n => frame(n === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, 0, 1, Buffer.alloc(16_000)),
    ends: calm,
    handled: 0,
  },
  {
    name: '4 HPACK bomb (CVE-2016-6581)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(300, 'a', 'x'.repeat(120)))),
    limits: { maxFields: 1000, maxHeaderListBytes: 10_000 },
    ends: calm,
    counts: ['header-list', 1],
    handled: 0,
  },
  {
    name: '5 HTTP/2 bomb of crumbs (CVE-2026-49975, CVE-2026-47774)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(200, 'cookie', 'a'))),
    counts: ['header-list', 1],
    handled: 0,
  },
  {
    name: '6 copies of Host that are thrown away are charged (CVE-2026-73550)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(200, 'host', 'test'))),
    counts: ['header-list', 1],
    handled: 0,
  },
  {
    name: '7 an integer without end (CVE-2026-59980)',
    round: times(1, () =>
      frame(FRAME.HEADERS, whole, 1, Buffer.concat([Buffer.from([0xff]), Buffer.alloc(8000, 0x80)])),
    ),
    ends: /^GOAWAY \d+ COMPRESSION_ERROR/,
    handled: 0,
  },
  {
    name: '8 a size of the table above the limit',
    round: times(1, () =>
      frame(FRAME.HEADERS, whole, 1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), block(GET)])),
    ),
    ends: /^GOAWAY \d+ COMPRESSION_ERROR/,
    handled: 0,
  },
  {
    name: '9 PING flood (CVE-2019-9512)',
    round: times(5000, () => ping()),
    ends: calm,
    counts: ['ping', 1000],
  },
  {
    name: '9 PING flood, answers not read',
    round: times(5000, () => Buffer.concat([headers(1), ping()])),
    limits: { anomalyBurst: 1e9 },
    prepare: server => {
      server.peer.stalled = true;
    },
    counts: ['ping', 0],
  },
  {
    name: '9 SETTINGS flood (CVE-2019-9515)',
    round: times(5000, () => settings([4, 65_535])),
    ends: calm,
    counts: ['settings', 90],
  },
  {
    name: '9 SETTINGS of 10,000 entries (CVE-2018-11763)',
    round: times(1, () => settings(...Array.from({ length: 2000 }, (): [number, number] => [99, 1]))),
    ends: calm,
    counts: ['too-many-settings', 1],
  },
  {
    name: '10 empty DATA (CVE-2019-9518)',
    round: n => (n === 0 ? headers(1, POST, false) : data(1)),
    ends: calm,
    counts: ['empty-data', 100],
  },
  {
    name: '10 DATA of a byte each',
    round: n => (n === 0 ? headers(1, POST, false) : data(1, 'x')),
    ends: calm,
    counts: ['tiny-data', 1000],
  },
  {
    name: '10 empty CONTINUATION',
    round: n => frame(n === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, 0, 1),
    ends: calm,
    counts: ['empty-continuation', 8],
  },
  {
    name: '11 windows that open byte by byte (CVE-2019-9511)',
    round: n => (n === 0 ? Buffer.concat([settings([4, 0]), headers(1)]) : windowUpdate(1, 1)),
    prepare: server => {
      server.answer = ({ stream }) => {
        stream.respond(answerHead(200, []), false);
        stream.data(Buffer.alloc(60_000), 0, 60_000);
      };
    },
    limits: { anomalyBurst: 400, anomaliesPerSecond: 0 },
  },
  {
    name: '11 window updates that nothing was sent for',
    round: n => (n === 0 ? headers(1, POST, false) : windowUpdate(1, 1)),
    ends: calm,
    counts: ['window-update', 1000],
  },
  {
    name: '11 PRIORITY for ever (CVE-2019-9513)',
    round: times(5000, n => frame(FRAME.PRIORITY, 0, id(n), Buffer.from([0, 0, 0, 0, 1]))),
    ends: calm,
    counts: ['priority', 1000],
  },
  {
    name: '13 names of no bytes (CVE-2019-9516)',
    round: times(5000, n => headers(id(n), [...GET, ['', ''], ['', '']])),
    ends: calm,
    counts: ['stream-error', 1000],
    handled: 0,
  },
  {
    name: '15 windows beyond 2^31 - 1 by SETTINGS',
    round: times(2, n =>
      n === 0
        ? Buffer.concat([headers(1, POST, false), windowUpdate(1, 0x7fff0000 - 65_535)])
        : settings([4, 0x7fffffff]),
    ),
    prepare: silent,
    ends: /^GOAWAY \d+ FLOW_CONTROL_ERROR/,
  },
  {
    name: '18 unknown frames',
    round: times(5000, () => frame(0xa, 0, 0, Buffer.alloc(50))),
    ends: calm,
    counts: ['unknown-frame', 1000],
  },
  {
    name: '18 a frame of a megabyte',
    round: times(1, () => frame(0xc, 0, 0, Buffer.alloc(1 << 20))),
    ends: /^GOAWAY \d+ FRAME_SIZE_ERROR/,
  },
  {
    name: '19 padding that is longer than its frame',
    round: times(2, n =>
      n === 0 ? headers(1, POST, false) : frame(FRAME.DATA, FLAGS.PADDED, 1, Buffer.from([9, 1, 2])),
    ),
    ends: /^GOAWAY \d+ PROTOCOL_ERROR/,
  },
  {
    name: '20 DATA on streams that are over',
    round: n => (n === 0 ? headers(1) : data(1, 'abcdef')),
    prepare: server => {
      server.connection.wasReset = () => false;
    },
    ends: calm,
    counts: ['closed-stream', 1000],
  },
  {
    name: '21 trailers that do not end the stream (CVE-2026-73513)',
    round: times(1, () => Buffer.concat([headers(1, POST, false), headers(1, [['a', 'b']], false)])),
    counts: ['stream-error', 1],
  },
  {
    name: '22 bytes behind a CONNECT that is refused (CVE-2026-2833)',
    round: times(1, () =>
      Buffer.concat([
        headers(
          1,
          [
            [':method', 'CONNECT'],
            [':authority', 'a:1'],
          ],
          false,
        ),
        data(1, 'GET / HTTP/1.1\r\n\r\n'),
      ]),
    ),
    handled: 1,
  },
  {
    name: '46 a request of HTTP/1',
    round: times(1, () => Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')),
    ends: /^GOAWAY 0 PROTOCOL_ERROR the connection does not begin with the preface/,
    handled: 0,
  },
];

describe('floods and broken frames', () => {
  for (const { name, round, limits, prepare, ends, counts, handled } of floods)
    test(name, () => {
      const server = new RecordingServer({ ...EDGE_LIMITS, ...limits });
      prepare?.(server);
      if (!name.startsWith('46')) server.peer.send(HELLO);
      let words: string[] = [];
      let end = '';
      for (let n = 0; n < 20_000 && end === ''; n++) {
        const bytes = round(n);
        if (bytes === undefined || server.closed) break;
        words = server.send(bytes);
        end = words.find(each => each.startsWith('GOAWAY') && !each.startsWith('GOAWAY 2147483647')) ?? '';
      }
      if (ends !== undefined) assert.match(end, ends);
      else if (server.peer.stalled) assert.ok(server.connection.wire.pendingBytes < 600_000);
      else assert.match(end, /^$|ENHANCE_YOUR_CALM/);
      if (counts !== undefined)
        assert.ok(server.count(counts[0]) >= counts[1], `${counts[0]}: ${server.count(counts[0])}`);
      if (handled !== undefined)
        assert.ok(server.requests.length <= handled, `${server.requests.length} requests`);
      assert.ok(server.connection.flow.heldBytes < 2_000_000);
    });
});

describe('what never moves ends with time', () => {
  test('12 and 15: a stream whose window stays shut, or is opened byte by byte (CVE-2019-9517, CVE-2026-49975)', async () => {
    const server = new RecordingServer(EDGE_LIMITS);
    server.answer = ({ stream }) => {
      stream.respond(answerHead(200, []), false);
      stream.data(Buffer.alloc(60_000), 0, 60_000);
    };
    server.begin(settings([4, 0]), headers(1));
    for (let i = 0; i < 10; i++) {
      await server.clock.advance(10_000);
      server.send(windowUpdate(1, 1));
    }
    assert.equal(server.count('stalled-stream'), 1);
    assert.match(server.last.abort, /^DPE the peer takes nothing/);
    assert.equal(server.connection.streams.size, 0);
  });

  test('12: a connection that does not read', async () => {
    const server = new RecordingServer(EDGE_LIMITS);
    server.answer = ({ stream }) => {
      stream.respond(answerHead(200, []), false);
      stream.data(Buffer.alloc(60_000), 0, 60_000);
    };
    server.begin();
    server.peer.stalled = true;
    for (let n = 0; n < 20; n++) server.send(headers(id(n)));
    await server.clock.advance(130_000);
    assert.equal(server.count('stalled-connection'), 1);
    assert.equal(server.closed, true);
  });

  test('16: a preface, and a block of headers, byte by byte', async () => {
    const preface = new RecordingServer(EDGE_LIMITS);
    for (const byte of HELLO.subarray(0, 11)) {
      preface.peer.send(Buffer.from([byte]));
      await preface.clock.advance(1000);
    }
    assert.equal(preface.count('slow-preface'), 1);
    const slow = new RecordingServer(EDGE_LIMITS, { headTimeoutMs: 5000 });
    slow.begin();
    for (const byte of headers(1).subarray(0, 20)) {
      slow.peer.send(Buffer.from([byte]));
      await slow.clock.advance(1000);
    }
    assert.equal(slow.count('slow-block'), 1);
    assert.equal(slow.requests.length, 0);
  });

  test('a peer that is odd now and then is odd for years', async () => {
    const server = new RecordingServer(EDGE_LIMITS);
    server.begin();
    for (let n = 0; n < 3000; n++) {
      server.send(headers(id(n), POST, false), reset(id(n)));
      if (n % 10 === 0) await server.clock.advance(1000);
    }
    assert.equal(server.count('early-reset'), 3000);
    assert.equal(server.count('too-many-anomalies'), 0);
    assert.equal(server.connection.over, false);
  });
});

const without = (name: string): Field[] => GET.filter(([each]) => each !== name) as Field[];
const withField = (name: string, value: string): Field[] =>
  GET.map(field => (field[0] === name ? [name, value] : field)) as Field[];

/** What could be read in another way behind a hop of HTTP/1: the fault, and nothing upstream. */
const malformed: readonly (readonly [fields: readonly Field[], code: string])[] = [
  ...['\r', '\n', '\0', '\r\nx: y'].flatMap((bad): (readonly [Field[], string])[] => [
    [[...GET, ['x', `a${bad}b`]] as Field[], 'bad-header-value'],
    [[...GET, [`x${bad}`, 'a']] as Field[], 'bad-header-name'],
    [withField(':path', `/${bad}`), 'bad-target'],
    [withField(':method', `GET${bad}`), 'bad-method'],
    [withField(':authority', `a${bad}`), 'bad-host'],
    [withField(':scheme', `http${bad}`), 'bad-scheme'],
    [[...GET, ['cookie', `a${bad}b`]] as Field[], 'bad-header-value'],
  ]),
  [[...GET, ['x:y', 'a']], 'bad-header-name'],
  [[...GET, [' x', 'a']], 'bad-header-name'],
  [[...GET, ['x ', 'a']], 'bad-header-name'],
  [[...GET, ['', 'a']], 'bad-header-name'],
  [[...GET, ['X-Upper', 'a']], 'uppercase-name'],
  [[...GET, ['Host', 'test']], 'uppercase-name'],
  [withField(':path', '/a b'), 'bad-target'],
  [withField(':path', '/a\tb'), 'bad-target'],
  [withField(':path', ' /'), 'bad-target'],
  [withField(':path', '/ '), 'bad-target'],
  [withField(':path', '/#x'), 'bad-target'],
  [withField(':path', ''), 'bad-target'],
  [withField(':path', 'http://a/'), 'bad-target'],
  [withField(':path', '*'), 'bad-target'],
  [withField(':path', '/ HTTP/1.1\r\nX: y'), 'bad-target'],
  [withField(':path', `/${'x'.repeat(33_000)}`), 'target-too-long'],
  [[...GET, ['content-length', '1'], ['content-length', '2']], 'duplicate-content-length'],
  [[...GET, ['content-length', '0'], ['content-length', '0']], 'duplicate-content-length'],
  ...['+5', '5,5', '0x5', '', '-1', '1'.repeat(16)].map((value): readonly [Field[], string] => [
    [...GET, ['content-length', value]],
    'bad-content-length',
  ]),
  [[...GET, ['content-length', '5']], 'length-mismatch'],
  ...['chunked', 'identity', 'Chunked', ''].map((value): readonly [Field[], string] => [
    [...GET, ['transfer-encoding', value]],
    'connection-header',
  ]),
  ...['connection', 'keep-alive', 'proxy-connection', 'upgrade'].map((name): readonly [Field[], string] => [
    [...GET, [name, 'x']],
    'connection-header',
  ]),
  [[...GET, ['te', 'gzip']], 'bad-te'],
  [[...GET, ['te', 'trailers, gzip']], 'bad-te'],
  [[...GET, ['host', 'other']], 'host-mismatch'],
  [[...GET, ['host', 'test'], ['host', 'test']], 'duplicate-host'],
  [[...without(':authority'), ['host', 'a'], ['host', 'b']], 'duplicate-host'],
  [without(':authority'), 'no-host'],
  [withField(':authority', ''), 'no-host'],
  [withField(':authority', 'user@test'), 'bad-host'],
  [withField(':authority', 'test:80x'), 'bad-host'],
  [withField(':authority', 'test/'), 'bad-host'],
  [[...without(':authority'), ['host', 'user@test']], 'bad-host'],
  ...GET.map((field): readonly [Field[], string] => [[...GET, field], 'duplicate-pseudo-header']),
  ...GET.map((field): readonly [Field[], string] => [
    [...without(field[0]), ['x', 'y'], field],
    field[0] === ':authority'
      ? 'late-pseudo-header'
      : field[0] === ':method' || field[0] === ':path' || field[0] === ':scheme'
        ? 'missing-pseudo-header'
        : '',
  ]),
  [[...GET, ['x', 'y'], [':path', '/b']], 'late-pseudo-header'],
  [[...GET, [':status', '200']], 'unknown-pseudo-header'],
  [[...GET, [':unknown', 'x']], 'unknown-pseudo-header'],
  [[...GET, [':protocol', 'websocket']], 'unknown-pseudo-header'],
  [[[':Method', 'GET'], ...without(':method')], 'uppercase-name'],
  [without(':method'), 'missing-pseudo-header'],
  [without(':path'), 'missing-pseudo-header'],
  [without(':scheme'), 'missing-pseudo-header'],
  [withField(':method', 'GET / HTTP/1.1'), 'bad-method'],
  [withField(':method', ''), 'bad-method'],
  [withField(':method', 'M'.repeat(65)), 'method-too-long'],
  [withField(':scheme', ''), 'bad-scheme'],
  [withField(':scheme', 'ht tp'), 'bad-scheme'],
  [withField(':scheme', '1http'), 'bad-scheme'],
  [withField(':method', 'CONNECT'), 'unknown-pseudo-header'],
  [[[':method', 'CONNECT']], 'missing-pseudo-header'],
  [
    [
      [':method', 'CONNECT'],
      [':authority', 'a'],
    ],
    'bad-host',
  ],
  ...['h2', 'h2c', 'connect-udp', ''].map((value): readonly [Field[], string] => [
    [[':method', 'CONNECT'], [':protocol', value], ...without(':method')],
    'bad-protocol',
  ]),
  [[...GET, ...Array.from({ length: 100 }, (_, n): Field => [`x-${n}`, ''])], 'too-many-headers'],
  [[...GET, ...Array.from({ length: 9 }, (_, n): Field => [`x-${n}`, 'a'.repeat(8000)])], 'head-too-large'],
];

describe('what HTTP/1 could read in two ways is refused by name, and no handler sees it', () => {
  for (const [fields, code] of malformed)
    test(`${code}: ${JSON.stringify(fields.slice(fields.length > 10 ? 104 : 0)).slice(0, 100)}`, () => {
      const server = new RecordingServer({
        ...EDGE_LIMITS,
        maxHeaderListBytes: code === 'target-too-long' ? 100_000 : 64 * 1024,
        maxContinuations: 20,
      });
      server.peer.send(HELLO);
      const bytes = block(fields);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length || at === 0; at += 16_000) {
        const isLast = at + 16_000 >= bytes.length ? FLAGS.END_HEADERS : 0;
        const type = at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
        pieces.push(
          frame(type, (at === 0 ? FLAGS.END_STREAM : 0) | isLast, 1, bytes.subarray(at, at + 16_000)),
        );
      }
      const words = server.send(...pieces);
      assert.deepEqual(server.faults, [code]);
      assert.equal(server.requests.length, 0);
      assert.match(words.at(-1)!, /^RST_STREAM 1 (PROTOCOL|NO)_ERROR$/);
      assert.match(
        words.join('\n'),
        new RegExp(`HEADERS 1 :status: [45]\\d\\d.*\\nDATA 1 .*weft: ${code}`, 's'),
      );
      assert.deepEqual(server.send(headers(3)).slice(-1), ['DATA 3 end ok'], 'the connection goes on');
    });

  test('a path that is * is for OPTIONS alone, blanks around values go, a Host that says the same goes', () => {
    const server = new RecordingServer(EDGE_LIMITS);
    server.begin(
      headers(1, [
        [':method', 'OPTIONS'],
        [':scheme', 'https'],
        [':path', '*'],
        [':authority', 'Test'],
        ['host', 'test:443'],
        ['x', ' a\t'],
      ]),
    );
    assert.equal(server.last.head, 'OPTIONS *|host: Test|x:  a\t');
    const { requests } = server;
    assert.equal(requests.length, 1);
  });

  test('DATA that is less or more than Content-Length says never becomes a whole request', () => {
    for (const [frames, end] of [
      [[data(1, 'abcd', true)], 'more'],
      [[data(1, 'ab', true)], 'less'],
      [[data(1, 'ab'), headers(1, [['x', 'y']])], 'less, with trailers'],
    ] as const) {
      const server = new RecordingServer(EDGE_LIMITS);
      server.begin(headers(1, [...POST, ['content-length', '3']], false));
      const words = server.send(...frames);
      assert.equal(server.last.complete, false, end);
      assert.match(server.last.abort, /^DPE/, end);
      assert.equal(words.at(-1), 'RST_STREAM 1 PROTOCOL_ERROR', end);
    }
  });

  test('trailers are as strict, and those that change what was acted on do not go on', () => {
    for (const [fields, complete] of [
      [[['x', 'a\nb']], false],
      [[['X', 'a']], false],
      [[[':path', '/']], false],
      [
        [
          ['x', '1'],
          ['content-length', '9'],
          ['host', 'b'],
          ['transfer-encoding', 'chunked'],
          ['authorization', 'x'],
        ],
        true,
      ],
    ] as const) {
      const server = new RecordingServer(EDGE_LIMITS);
      server.begin(headers(1, POST, false), data(1, 'body'));
      server.send(headers(1, fields));
      assert.equal(server.last.complete, complete);
      assert.equal(server.last.trailers, complete ? 'x: 1' : '');
      assert.equal(server.count('dropped-trailer'), complete ? 4 : 0);
    }
  });

  test('what a client says of its certificate in another spelling does not go on', () => {
    const server = new RecordingServer(EDGE_LIMITS);
    server.begin(
      headers(1, [
        ...GET,
        ['x_forwarded_client_cert', 'a'],
        ['x-forwarded-client-cert', 'b'],
        ['x-forwarded-client-cert', 'c'],
        ['http2-settings', 'd'],
      ]),
    );
    assert.equal(server.last.head, 'GET /|host: test|x-forwarded-client-cert: b');
  });
});

test('goes on counting after its own GOAWAY, and refuses what comes behind it', () => {
  const server = new RecordingServer(EDGE_LIMITS);
  server.begin(headers(1, POST, false));
  server.connection.drain();
  server.send(ping('weftdrai', FLAGS.ACK));
  let words: string[] = [];
  for (let n = 0; n < 3000 && !server.connection.over; n++) words = server.send(windowUpdate(1, 1));
  assert.match(words.at(-1)!, calm);
});

test('a reset with a code of its own is no error', () => {
  const server = new RecordingServer(EDGE_LIMITS);
  server.answer = undefined;
  server.begin(headers(1));
  server.send(
    frame(FRAME.RST_STREAM, 0, 1, number(0xdead)),
    frame(FRAME.GOAWAY, 0, 0, Buffer.concat([number(0), number(ERROR.NO_ERROR)])),
  );
  assert.equal(server.last.abort, 'DC the client gave the stream up (error 57005)');
});
