// What is known to be done to servers of HTTP/2, done to a proxy's listeners with an app behind them: what becomes of it, how it
// is counted, what the app hears of it, and that others are served meanwhile. The codec's own table: src/http2/attacks.test.ts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLAGS, FRAME } from '../http2/frames.ts';
import {
  block,
  data,
  FrameLog,
  frame,
  GET,
  HELLO,
  headers,
  POST,
  ping,
  reset,
  settings,
  windowUpdate,
} from '../http2/testing/frames.ts';
import type { InboundPort } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { type BothApp, bothApp } from './testing/both-app.ts';
import { ask, closeAll, type RawConnection, rawConnection } from './testing/clients.ts';
import { eventually, type Redirected, redirectedInbound } from './testing/redirected.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

interface Attack {
  readonly name: string;
  /** Bytes of round `n`; undefined ends it. */
  readonly round: (n: number) => Buffer | undefined;
  /** What the connection says last, or says to it. */
  readonly says: RegExp;
  /** The anomaly that is counted, and how often at least. */
  readonly counts?: readonly [name: string, atLeast: number];
  /** Requests that the app hears of, at most. */
  readonly heard: number;
}

const times =
  (count: number, make: (n: number) => Buffer): Attack['round'] =>
  n =>
    n < count ? make(n) : undefined;
const id = (n: number): number => n * 2 + 1;
const calm = /^GOAWAY \d+ ENHANCE_YOUR_CALM/m;
const whole = FLAGS.END_HEADERS | FLAGS.END_STREAM;
/** Fields by reference to one entry of the table. */
const bomb = (count: number, name: string, value: string): Buffer =>
  Buffer.concat([
    block(GET),
    Buffer.from([0x40, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)]),
    Buffer.alloc(count, 0xbe),
  ]);
const slow = GET.map(([name, value]) => [name, name === ':path' ? '/held' : value] as const);
const held = [[':method', 'POST'], ...slow.slice(1)] as const;

const attacks: readonly Attack[] = [
  {
    name: '1 rapid reset (CVE-2023-44487)',
    round: times(5000, n => Buffer.concat([headers(id(n), slow), reset(id(n))])),
    says: calm,
    counts: ['early-reset', 1000],
    heard: 1001,
  },
  {
    name: '2 made to reset: window updates of 0 (CVE-2025-8671)',
    round: times(5000, n => Buffer.concat([headers(id(n), slow), windowUpdate(id(n), 0)])),
    says: calm,
    counts: ['stream-error', 1000],
    heard: 1001,
  },
  {
    name: '2 made to reset: DATA after the end',
    round: times(5000, n => Buffer.concat([headers(id(n), slow), data(id(n), 'abcdef')])),
    says: calm,
    counts: ['stream-error', 1000],
    heard: 1001,
  },
  {
    name: '2 made to reset: streams above the limit',
    round: times(5000, n => headers(id(n), held, false)),
    says: calm,
    counts: ['refused-stream', 1000],
    heard: 100,
  },
  {
    name: '3 CONTINUATION for ever (VU#421644)',
    round: n =>
      n === 0 ? frame(FRAME.HEADERS, 0, 1, block(GET)) : frame(FRAME.CONTINUATION, 0, 1, block([['a', 'b']])),
    says: calm,
    counts: ['too-many-continuations', 1],
    heard: 0,
  },
  {
    name: '4 HPACK bomb (CVE-2016-6581)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(4000, 'a', 'x'.repeat(120)))),
    says: calm,
    counts: ['header-list', 1],
    heard: 0,
  },
  {
    name: '5 crumbs of cookies (CVE-2026-49975, CVE-2026-47774)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(200, 'cookie', 'a'))),
    says: /^HEADERS 1 :status: 431/m,
    counts: ['header-list', 1],
    heard: 0,
  },
  {
    name: '6 copies of Host that are thrown away (CVE-2026-73550)',
    round: times(1, () => frame(FRAME.HEADERS, whole, 1, bomb(200, 'host', 'test'))),
    says: /^HEADERS 1 :status: 431/m,
    counts: ['header-list', 1],
    heard: 0,
  },
  {
    name: '9 PING flood (CVE-2019-9512)',
    round: times(5000, () => ping()),
    says: calm,
    counts: ['ping', 1000],
    heard: 0,
  },
  {
    name: '9 SETTINGS flood (CVE-2019-9515)',
    round: times(5000, () => settings()),
    says: calm,
    counts: ['settings', 100],
    heard: 0,
  },
  {
    name: '9 thousands of settings in a frame (CVE-2018-11763)',
    round: times(1, () => settings(...Array.from({ length: 2000 }, () => [4, 65_535] as const))),
    says: calm,
    counts: ['too-many-settings', 1],
    heard: 0,
  },
  {
    name: '10 empty DATA (CVE-2019-9518)',
    round: n => (n > 5000 ? undefined : n === 0 ? headers(1, held, false) : data(1)),
    says: calm,
    counts: ['empty-data', 100],
    heard: 1,
  },
  {
    name: '11 PRIORITY for ever (CVE-2019-9513)',
    round: times(5000, n => frame(FRAME.PRIORITY, 0, id(n), [0, 0, 0, 0, 1])),
    says: calm,
    counts: ['priority', 1000],
    heard: 0,
  },
  {
    name: '18 unknown frames',
    round: times(5000, () => frame(0xfa, 0, 0, [1, 2, 3])),
    says: calm,
    counts: ['unknown-frame', 1000],
    heard: 0,
  },
  {
    name: '19 padding longer than its frame',
    round: times(1, () =>
      Buffer.concat([headers(1, held, false), frame(FRAME.DATA, FLAGS.PADDED, 1, [200, 1, 2])]),
    ),
    says: /^GOAWAY 1 PROTOCOL_ERROR/m,
    heard: 1,
  },
  {
    name: '21 trailers that do not end the stream (CVE-2026-73513)',
    round: times(1, () => Buffer.concat([headers(1, held, false), headers(1, [['a', 'b']], false)])),
    says: /^RST_STREAM 1 PROTOCOL_ERROR/m,
    heard: 1,
  },
  {
    name: '33 less DATA than Content-Length says',
    round: times(1, () =>
      Buffer.concat([headers(1, [...held, ['content-length', '9']], false), data(1, 'abcdef', true)]),
    ),
    says: /^RST_STREAM 1 PROTOCOL_ERROR/m,
    heard: 1,
  },
];

/** Requests that are to be refused whole, with the words that the client reads. */
const refused: Readonly<
  Record<string, readonly [fields: readonly (readonly [string, string])[], code: string]>
> = {
  '30 a line end in a value': [[...GET, ['x', 'a\r\nhost: b']], 'bad-header-value'],
  '30 a line end in the path': [
    [[':path', '/ HTTP/1.1\r\nx: y'], ...GET.filter(([n]) => n !== ':path')],
    'bad-target',
  ],
  '31 a colon in a name': [[...GET, ['x:y', 'a']], 'bad-header-name'],
  '32 a blank in the path': [[[':path', '/a b'], ...GET.filter(([n]) => n !== ':path')], 'bad-target'],
  '34 transfer-encoding': [[...POST, ['transfer-encoding', 'chunked']], 'connection-header'],
  '35 another Host': [[...GET, ['host', 'elsewhere']], 'host-mismatch'],
  '35 user information': [[[':authority', 'a@b'], ...GET.filter(([n]) => n !== ':authority')], 'bad-host'],
  '36 a pseudo header twice': [[[':method', 'GET'], ...GET], 'duplicate-pseudo-header'],
  '38 a blank in the method': [[[':method', 'GET /'], ...GET.slice(1)], 'bad-method'],
  '41 an unknown protocol': [[[':protocol', 'h2c'], [':method', 'CONNECT'], ...GET.slice(1)], 'bad-protocol'],
};

describe('a proxy whose port takes HTTP/2 from anybody', () => {
  const paths: string[] = [];
  const mesh = new StaticMesh();
  let app: BothApp;
  let server: TestProxy;
  let inbound: Redirected;

  before(async () => {
    app = await bothApp((request, response) => {
      paths.push(request.url ?? '');
      request.resume();
      // `/held` is answered only when its client is gone.
      if (request.url !== '/held') response.end('fine');
    });
    const ports: InboundPort[] = [{ number: app.port, protocol: 'grpc', mtls: 'permissive' }];
    server = mesh.proxy('server', { mtls: 'permissive', ports });
    inbound = redirectedInbound(server.plane, app.port);
  });
  after(() => closeAll(inbound, mesh, app));

  const under = (): number =>
    [...server.plane.inboundPorts.clusters].reduce((sum, { occupancy }) => sum + occupancy.requests, 0);
  const wordsOf = (raw: RawConnection): string =>
    new FrameLog().words(Buffer.from(raw.text, 'latin1')).join('\n');
  /** Somebody else's connection is served. */
  const othersAreServed = async (): Promise<void> => {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.concat([HELLO, headers(1)]));
    await raw.until(({ closed }) => closed || /^DATA 1 .*fine/m.test(wordsOf(raw)));
    assert.match(wordsOf(raw), /^HEADERS 1 :status: 200/m);
    raw.socket.destroy();
  };

  for (const attack of attacks)
    test(attack.name, async () => {
      paths.length = 0;
      const { counts } = server.plane.services.http2.stranger;
      const [anomaly, atLeast] = attack.counts ?? ['', 0];
      const countedBefore = counts.of(anomaly);
      const raw = await rawConnection(inbound.port);
      raw.write(HELLO);
      for (
        let n = 0, piece = attack.round(0);
        piece !== undefined && !raw.closed;
        piece = attack.round(++n)
      ) {
        raw.write(piece);
        if (n % 200 === 199) await new Promise(resolve => setImmediate(resolve));
        if (n > 20_000) break;
      }
      await raw.until(({ closed }) => closed || attack.says.test(wordsOf(raw)));
      assert.match(wordsOf(raw), attack.says);
      assert.ok(counts.of(anomaly) - countedBefore >= atLeast, `${anomaly} is counted`);
      assert.ok(
        counts.of(anomaly) - countedBefore <= Math.max(atLeast * 1.3, 5),
        `${anomaly} ends it in time`,
      );
      raw.socket.destroy();
      // Nothing of it stays: no request, no place in a limit.
      await eventually(() => server.plane.services.active === 0 && under() === 0);
      const heard = paths.filter(path => path !== '/').length;
      // The account fills while it is emptied.
      assert.ok(heard <= attack.heard * 1.1, `the app heard of ${heard} requests`);
      await othersAreServed();
    });

  for (const [name, [fields, code]] of Object.entries(refused))
    test(`${name} is refused in words, and nothing of it goes on`, async () => {
      paths.length = 0;
      const raw = await rawConnection(inbound.port);
      raw.write(Buffer.concat([HELLO, headers(1, fields), headers(3)]));
      await raw.until(({ closed }) => closed || /^DATA 3 .*fine/m.test(wordsOf(raw)));
      const words = wordsOf(raw);
      assert.match(words, new RegExp(`\\(weft: ${code}\\)`));
      assert.match(words, /^RST_STREAM 1 PROTOCOL_ERROR/m);
      assert.deepEqual(paths, ['/']);
      const faults = [...server.plane.services.counters.malformed.entries()].map(([labels]) => labels);
      assert.ok(faults.includes(`direction="inbound",fault="${code}"`));
      raw.socket.destroy();
    });
});

test('16: a preface, and a block of headers, that never come to an end are given up in time, and counted', async t => {
  const clock = new FakeClock();
  const app = await bothApp((_, response) => response.end('fine'));
  const mesh = new StaticMesh();
  const ports: InboundPort[] = [{ number: app.port, protocol: 'http', mtls: 'permissive' }];
  const server = mesh.proxy('server', { mtls: 'permissive', ports, clock });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const { counts } = server.plane.services.http2.stranger;
  const silent = await rawConnection(inbound.port);
  silent.write(HELLO.subarray(0, 24));
  await eventually(() => inbound.wires[0]?.bytesRead === 24 && silent.text !== '');
  await clock.advance(11_000);
  await silent.until(({ ended, closed }) => ended || closed);
  assert.equal(counts.of('slow-preface'), 1);
  const trickling = await rawConnection(inbound.port);
  trickling.write(HELLO);
  await eventually(() => inbound.wires[1]?.bytesRead === HELLO.length);
  trickling.write(frame(FRAME.HEADERS, 0, 1, block(GET)));
  await eventually(() => (inbound.wires[1]?.bytesRead ?? 0) > HELLO.length);
  await clock.advance(61_000);
  await trickling.until(({ ended, closed }) => ended || closed);
  assert.equal(counts.of('slow-block'), 1);
  assert.equal(server.plane.services.active, 0);
});

test('12: who asks for much and reads nothing costs a bounded number of bytes, and no other client its answer', async t => {
  const large = Buffer.alloc(8 * 1024 * 1024, 'x');
  let taken = 0;
  const app = await bothApp((request, response) => {
    if (request.url === '/small') {
      response.end('fine');
      return;
    }
    for (let at = 0; at < large.length; at += 65_536)
      response.write(large.subarray(at, at + 65_536), () => {
        taken += 65_536;
      });
    response.end();
  });
  const mesh = new StaticMesh();
  mesh.set({ key: 'app:80', endpoints: [mesh.plain(app.port)] });
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  const raw = await rawConnection(client.plane.outboundPort);
  raw.socket.pause();
  const fields = [...GET.slice(0, 3), [':authority', 'app:80']] as const;
  raw.write(Buffer.concat([HELLO, windowUpdate(0, 0x7fff0000)]));
  raw.write(settings([4, 0x7fffffff]));
  for (let n = 0; n < 20; n++) raw.write(headers(id(n), fields));
  await eventually(() => client.plane.services.active > 0);
  let before = -1;
  while (before !== taken) {
    before = taken;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  // 160 MiB were asked for: what is under way is in kernel buffers and, bounded, in the proxy.
  assert.ok(taken < large.length * 5, `${taken} bytes were taken from the app`);
  const answer = await ask(client.plane.outboundPort, 'app:80', { path: '/small' });
  assert.equal(answer.body, 'fine');
});
