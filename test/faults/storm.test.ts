// Overload and failure over real proxies, real TLS and real sockets: what reaches whom when things go wrong, over HTTP/1 and over
// HTTP/2.
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { DEFAULT_TRAFFIC, type TrafficSettings } from '../../src/model/index.ts';
import { closeAll } from '../../src/proxy/testing/clients.ts';
import { StaticMesh, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';
import { type Answering, type Version, versions } from './versions.ts';

/** Without a floor the budget is its share alone, which is what holds at any load worth speaking of. */
const shareOnly: Partial<TrafficSettings> = {
  retryBudget: { ratio: 0.2, minPerSecond: 0, ttlMs: 10_000 },
  outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false },
};

/**
 * Services in a row, each an app behind two pods' worth of proxy that calls the next; the last answers what `last` says.
 * `passesOn`: whether apps pass on the id of the request that they work on, as those that are traced do.
 */
async function chain(
  version: Version,
  length: number,
  last: () => number,
  settings: Partial<TrafficSettings>,
  passesOn = true,
) {
  const mesh = new StaticMesh();
  const served: number[] = new Array(length).fill(0);
  const apps: { close(): void }[] = [];
  const caller = mesh.proxy('caller');
  const proxies: TestProxy[] = [];
  for (let hop = length - 1; hop >= 0; hop--) {
    const proxy = mesh.proxy(`hop-${hop}`);
    proxies[hop] = proxy;
    const app = await version.app((headers, say) => {
      served[hop]!++;
      const passedOn: Record<string, string> = passesOn
        ? { 'x-request-id': String(headers['x-request-id']) }
        : {};
      // As most apps do: what fails below is a failure above.
      if (hop === length - 1) say(last());
      else void version.call(proxy.plane.outboundPort, `hop-${hop + 1}:80`, passedOn).then(say);
    });
    apps.push(app);
    mesh.set({ key: `hop-${hop}:80`, endpoints: [mesh.meshed(proxy, app.port)], settings });
  }
  return { mesh, served, caller, close: () => closeAll(mesh, ...apps) };
}

/**
 * How often each of three hops was called for one request of many, ten of them at a time, while the last fails half of the time.
 */
async function loadsOf(
  t: TestContext,
  version: Version,
  offered: number,
  passesOn: boolean,
): Promise<readonly [number, number, number]> {
  let toggle = 0;
  const last = (): number => (toggle++ % 2 === 0 ? 503 : 200);
  const { served, caller, close } = await chain(version, 3, last, shareOnly, passesOn);
  t.after(() => {
    version.hangUp();
    close();
  });
  let failed = 0;
  for (let sent = 0; sent < offered; sent += 10) {
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => version.call(caller.plane.outboundPort, 'hop-0:80')),
    );
    failed += statuses.filter(status => status !== 200).length;
  }
  t.diagnostic(`${offered} requests became ${served.join(', ')} at the three hops; ${failed} failed`);
  return served.map(count => count / offered) as [number, number, number];
}

/** An app on a port of its own that can be there or not, from one moment to the next. */
class Flapping {
  readonly #sockets = new Set<Socket>();
  readonly #version: Version;
  #server: Server | undefined;
  #port = 0;

  constructor(version: Version) {
    this.#version = version;
  }

  async up(): Promise<number> {
    const server = createServer(socket => {
      this.#sockets.add(socket.on('error', () => {}));
      this.#version.serve(socket);
    });
    this.#server = server;
    await new Promise<void>(resolve => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as { port: number }).port;
    return this.#port;
  }

  /** Breaks off what is open and refuses what comes. */
  down(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

/** A caller with these endpoints behind `all:80`. */
function callerOf(
  version: Version,
  ports: readonly number[],
  settings: Partial<TrafficSettings> = {},
  perTryTimeoutMs = 0,
) {
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  mesh.set({
    key: 'all:80',
    endpoints: ports.map(port => mesh.plain(port)),
    settings: { balancer: { kind: 'round-robin' }, ...settings },
    retry: { perTryTimeoutMs, backoffBaseMs: 1, backoffMaxMs: 2 },
  });
  return {
    close: () => {
      version.hangUp();
      mesh.close();
    },
    ask: () => version.call(caller.plane.outboundPort, 'all:80'),
    cluster: () => [...caller.plane.destinations.clusters][0]!,
  };
}

const fine: Answering = (_headers, say) => say(200);

for (const version of versions) {
  test(`${version.name}: a backend that fails half of the time, three hops down, sees at most 1.2 times the offered load`, async t => {
    const [first, second, third] = await loadsOf(t, version, version.name === 'HTTP/1' ? 2000 : 500, true);
    assert.ok(third <= 1.21, `${third} times the offered load`);
    assert.ok(third > 1.1, 'and the last hop does retry');
    assert.ok(first < 1.02 && second < 1.02, 'hops above leave it at that');
  });

  test(`${version.name}: where apps do not pass on the id of a request each hop retries, within a budget of a fifth`, async t => {
    const [first, second, third] = await loadsOf(t, version, version.name === 'HTTP/1' ? 1000 : 500, false);
    assert.ok(
      first <= 1.21 && second <= first * 1.21 && third <= second * 1.21,
      `${first}, ${second}, ${third}`,
    );
  });

  test(`${version.name}: everybody fails at once: never more than half are ejected, never the last, and all are back when it is over`, async t => {
    const mesh = new StaticMesh();
    const caller = mesh.proxy('caller');
    let failing = true;
    const served = [0, 0, 0, 0];
    const apps = await Promise.all(
      served.map((_, i) =>
        version.app((_headers, say) => {
          served[i]!++;
          say(failing ? 500 : 200);
        }),
      ),
    );
    t.after(() => {
      version.hangUp();
      closeAll(mesh, ...apps);
    });
    const outlier = {
      ...DEFAULT_TRAFFIC.outlier,
      baseEjectionTimeMs: 300,
      intervalMs: 100,
      maxEjectionTimeMs: 300,
    };
    mesh.set({
      key: 'all:80',
      endpoints: apps.map(app => mesh.plain(app.port)),
      settings: { outlier, balancer: { kind: 'round-robin' } },
    });
    for (let i = 0; i < 200; i++) assert.equal(await version.call(caller.plane.outboundPort, 'all:80'), 500);
    const [cluster] = [...caller.plane.destinations.clusters];
    assert.equal(cluster!.healthy, 2, 'half are out, and half go on');
    failing = false;
    for (let i = 0; i < 50; i++)
      assert.equal(await version.call(caller.plane.outboundPort, 'all:80'), 200, 'at once');
    while (cluster!.healthy < 4) await new Promise(resolve => setTimeout(resolve, 20));
    served.fill(0);
    for (let i = 0; i < 40; i++) await version.call(caller.plane.outboundPort, 'all:80');
    assert.ok(
      served.every(count => count === 10),
      served.join(', '),
    );
  });

  test(`${version.name}: an endpoint that comes and goes costs no request`, async t => {
    const flapping = new Flapping(version);
    const good = await version.app(fine);
    const { close, ask } = callerOf(version, [good.port, await flapping.up()]);
    t.after(() => {
      flapping.down();
      closeAll({ close }, good);
    });
    for (let turn = 0; turn < 10; turn++) {
      if (turn % 2 === 0) flapping.down();
      else await flapping.up();
      for (let i = 0; i < 30; i++) assert.equal(await ask(), 200, `turn ${turn}`);
    }
  });

  test(`${version.name}: an endpoint that takes requests and never answers is ejected after three of them, and none is lost`, async t => {
    // Whoever is given up is reset.
    const hanging = createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await new Promise(resolve => hanging.once('listening', resolve));
    const good = await version.app(fine);
    const { port } = hanging.address() as { port: number };
    const { close, ask, cluster } = callerOf(version, [good.port, port], {}, 50);
    t.after(() => {
      closeAll({ close }, good);
      hanging.close();
    });
    for (let i = 0; i < 40; i++) assert.equal(await ask(), 200);
    assert.equal(cluster().healthy, 1);
    assert.equal(cluster().ejections.recent[0]!.reason, 'consecutive-connect-failures');
    assert.equal(cluster().retries, 3);
  });

  test(`${version.name}: an endpoint that is gone for good is asked three times, and none is lost`, async t => {
    const gone = new Flapping(version);
    const good = await version.app(fine);
    const { close, ask, cluster } = callerOf(version, [good.port, await gone.up()]);
    t.after(() => closeAll({ close }, good));
    for (let i = 0; i < 4; i++) assert.equal(await ask(), 200);
    gone.down();
    for (let i = 0; i < 40; i++) assert.equal(await ask(), 200);
    assert.equal(cluster().healthy, 1);
    assert.ok(cluster().retries <= 4, `${cluster().retries} retries`);
  });

  test(`${version.name}: an endpoint that has become slow gets a small share while the others answer`, async t => {
    let slow = 0;
    const good = await version.app(fine);
    const bad = await version.app((_headers, say) => {
      slow++;
      setTimeout(() => say(200), 100);
    });
    const { close, ask } = callerOf(version, [good.port, bad.port, good.port], {
      balancer: { kind: 'p2c-ewma' },
    });
    t.after(() => closeAll({ close }, good, bad));
    for (let i = 0; i < 200; i++) assert.equal(await ask(), 200);
    assert.ok(slow < 20, `${slow} of 200, an even share would be 67`);
  });
}
