// What a proxy does while memory is short.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MemoryPeer } from '../http1/testing/memory-wire.ts';
import { RecordingServer } from '../http1/testing/recording-server.ts';
import type { Relief } from '../memory/index.ts';
import { FakeClock, TimerWheel } from '../time/index.ts';
import { crowding, saveMemory, watchGrowth } from '../wire/index.ts';
import { Detection } from './detection/detection.ts';
import { ask, closeAll, httpServer, rawConnection } from './testing/clients.ts';
import { ExchangeRig, GET, OK, post } from './testing/exchange-rig.ts';
import { StaticMesh } from './testing/static-mesh.ts';

const plenty: Relief = { stage: 'none', room: Number.POSITIVE_INFINITY, hard: false };
const nothing = { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 };

for (const direction of ['inbound', 'outbound'] as const)
  test(`a new request is refused in words that name the remedy, ${direction}, and nothing goes upstream`, async () => {
    const rig = new ExchangeRig({ direction });
    rig.services.refusing = true;
    rig.services.saving = true;
    const client = rig.client();
    client.peer.send(post('hello'));
    await rig.advance(0);
    assert.match(client.peer.text, /^HTTP\/1\.1 503 .*\r\nx-weft-flag: OM\r\n/);
    assert.match(client.peer.text, /connection: close\r\n/);
    assert.match(client.peer.text, /retry-after: 1\r\n/);
    assert.match(client.peer.text, /weft\.dev\/proxy-memory-limit/);
    // A caller's proxy may ask elsewhere; an app does not see it.
    assert.equal(/x-weft-untouched/i.test(client.peer.text), direction === 'inbound');
    assert.deepEqual([rig.asked, rig.host.dials.length, rig.outcomes()], [0, 0, ['503 OM']]);
    assert.deepEqual(rig.open, nothing);
    rig.services.refusing = false;
    rig.services.saving = false;
    const next = rig.client();
    next.peer.send(GET);
    (await rig.upstream()).send(OK);
    assert.equal(next.peer.text, OK);
  });

test('a request under way is answered, and its answer asks the client to close', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  client.serving.relieve(true);
  client.serving.relieve(true);
  upstream.send(OK);
  assert.match(client.peer.text, /^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n/s);
});

test('idle connections close, with part of a head only when memory is very short, and with a 503', () => {
  const idle = new RecordingServer();
  idle.peer.send(GET);
  idle.connection.relieve(false);
  assert.ok(idle.peer.ended);
  const partial = new RecordingServer();
  partial.peer.send(GET.slice(0, -4));
  partial.connection.relieve(false);
  assert.equal(partial.peer.ended, false);
  partial.connection.relieve(true);
  assert.match(partial.peer.text, /^HTTP\/1\.1 503 .*proxy-memory-limit/s);
  assert.ok(partial.peer.ended);
});

/** With a request that nobody answers. */
function unanswered(): RecordingServer {
  const server = new RecordingServer();
  server.answerWhen = 'never';
  server.peer.send(GET);
  return server;
}

test('a client that takes nothing between two looks is broken off; one that takes a little is not', () => {
  const reading = (takes: boolean): boolean => {
    const server = unanswered();
    server.peer.stalled = true;
    const block = Buffer.alloc(300_000);
    server.connection.respondLocal({
      status: 200,
      contentType: 'a/b',
      body: block.toString('latin1'),
      fields: [],
      close: false,
    });
    server.peer.pump();
    server.connection.relieve(true);
    assert.equal(server.peer.closed, false, 'one look is not enough');
    if (takes) server.peer.release(true);
    server.connection.relieve(true);
    return server.peer.wasReset;
  };
  assert.deepEqual([reading(false), reading(true)], [true, false]);
});

test('a client that has ended its side and waits is given up when nothing moves; one that waits with its side open is not', () => {
  const givenUp = (ends: boolean): boolean => {
    const server = unanswered();
    if (ends) server.peer.end();
    server.connection.relieve(true);
    server.connection.relieve(true);
    return server.peer.wasReset;
  };
  assert.deepEqual([givenUp(true), givenUp(false)], [true, false]);
});

test('while memory is short a connection whose peer does not read holds 16 KiB instead of 128', () => {
  const heldBy = (on: boolean): number => {
    saveMemory(on);
    try {
      const { wire, ...peer } = stalledPeer();
      const piece = Buffer.alloc(4_096);
      let pieces = 1;
      while (wire.write(piece, 0, piece.length)) {
        peer.flush();
        pieces++;
      }
      return pieces * piece.length;
    } finally {
      saveMemory(false);
    }
  };
  assert.ok(heldBy(true) <= 24 * 1024, `${heldBy(true)} bytes`);
  assert.ok(heldBy(false) >= 128 * 1024, `${heldBy(false)} bytes`);
});

function stalledPeer() {
  const peer = new MemoryPeer();
  peer.stalled = true;
  return { wire: peer.wire, flush: () => peer.pump() };
}

test('where there is no room at all, a head that has only begun is refused at once, and a whole one is read', () => {
  const answer = (first: string): string => {
    const server = new RecordingServer();
    crowding.crowded = true;
    try {
      server.peer.send(first);
      return server.peer.text.slice(9, 12);
    } finally {
      crowding.crowded = false;
    }
  };
  assert.deepEqual([answer(GET.slice(0, -4)), answer(GET)], ['503', '200']);
});

test('every megabyte that connections collect is reported', () => {
  let reports = 0;
  watchGrowth(() => void reports++);
  try {
    const servers = Array.from({ length: 100 }, () => new RecordingServer());
    for (const server of servers) server.peer.send(`${GET.slice(0, -2)}x: ${'a'.repeat(30_000)}`);
    assert.ok(reports >= 2, `${reports}`);
  } finally {
    watchGrowth(() => {});
  }
});

test('connections that have not said a word are reported, too', async t => {
  const { plane } = await setUp(t);
  let reports = 0;
  const reported = new Promise<void>(resolve => {
    watchGrowth(() => ++reports === 2 && resolve());
  });
  try {
    await Promise.all(Array.from({ length: 300 }, () => rawConnection(plane.outboundPort)));
    // All of them are accepted a moment after they were opened.
    await reported;
  } finally {
    watchGrowth(() => {});
  }
});

test('where there is no room at all, first bytes are kept while they are few', () => {
  const wasReset = (first: string): boolean => {
    const timers = new TimerWheel(new FakeClock());
    const peer = new MemoryPeer();
    let found = '';
    const detection = new Detection(peer.wire, timers, {
      onDetected(kind) {
        found = kind;
      },
      onQuiet() {},
      onUndecided() {},
      onSilent() {},
      onUnclear() {},
      onGone() {},
    });
    detection.start({ quietMs: 0, silentMs: 0, unclearMs: 0 });
    crowding.crowded = true;
    try {
      peer.send(first);
    } finally {
      crowding.crowded = false;
    }
    assert.equal(found, peer.wasReset ? '' : 'http1');
    return peer.wasReset;
  };
  assert.deepEqual([wasReset(GET), wasReset(`${GET.slice(0, -2)}x: ${'a'.repeat(12_000)}`)], [false, true]);
});

test('who has sent something and cannot be told apart yet is cut off; who is silent costs nothing and stays', () => {
  const timers = new TimerWheel(new FakeClock());
  const waiter = {
    onDetected() {},
    onQuiet() {},
    onUndecided() {},
    onSilent() {},
    onUnclear() {},
    onGone() {},
  };
  const cutOff = (first: string): boolean => {
    const peer = new MemoryPeer();
    const detection = new Detection(peer.wire, timers, waiter);
    detection.start({ quietMs: 0, silentMs: 0, unclearMs: 0 });
    if (first !== '') peer.send(first);
    detection.shed();
    return peer.wasReset;
  };
  assert.deepEqual([cutOff('GET /aaaa'), cutOff('')], [true, false]);
});

async function setUp(context: TestContext) {
  const mesh = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('ok'));
  const { plane } = mesh.proxy('client');
  context.after(() => {
    plane.relieve(plenty);
    closeAll(mesh, app);
  });
  return { mesh, app, plane };
}

test('a proxy that is short of memory closes idle connections on both sides, and goes on by itself afterwards', async t => {
  const { mesh, app, plane } = await setUp(t);
  mesh.set({ key: 'server.default:80', endpoints: [mesh.plain(app.port)] });
  const client = await rawConnection(plane.outboundPort);
  client.write('GET http://server.default:80/ HTTP/1.1\r\nhost: server.default:80\r\n\r\n');
  await client.until(({ text }) => text.endsWith('ok'));
  const [cluster] = [...plane.destinations.clusters];
  assert.equal(cluster!.occupancy.connections, 1);
  plane.relieve({ stage: 'slow', room: 0, hard: false });
  await client.until(({ ended }) => ended);
  assert.equal(cluster!.occupancy.connections, 0);
  // Waits for the listener, not for anything else.
  const late = ask(plane.outboundPort, 'server.default:80', {});
  plane.relieve({ stage: 'refuse', room: 16, hard: false });
  assert.equal((await late).headers['x-weft-flag'], 'OM');
  plane.relieve(plenty);
  assert.equal((await ask(plane.outboundPort, 'server.default:80', {})).status, 200);
});

test('while there is a stage connections are accepted by the handful', async t => {
  const { plane } = await setUp(t);
  plane.relieve({ stage: 'slow', room: 16, hard: false });
  await Promise.all(Array.from({ length: 40 }, () => rawConnection(plane.outboundPort)));
  while (plane.underWay.outbound < 16) await new Promise(resolve => setImmediate(resolve));
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
  assert.equal(plane.underWay.outbound, 16);
  plane.relieve({ stage: 'slow', room: 16, hard: false });
  while (plane.underWay.outbound < 32) await new Promise(resolve => setImmediate(resolve));
  plane.relieve(plenty);
  while (plane.underWay.outbound < 40) await new Promise(resolve => setImmediate(resolve));
});
