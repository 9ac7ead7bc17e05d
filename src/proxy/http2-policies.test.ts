// What policies say of requests holds for streams of HTTP/2 as for connections of HTTP/1: one client connection, many of each.
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { DEFAULT_TRAFFIC, type Route, type TrafficSettings } from '../model/index.ts';
import { closeAll } from './testing/clients.ts';
import { H2cClient, type H2cServer, h2cServer } from './testing/http2-peers.ts';
import { eventually } from './testing/redirected.ts';
import { resourceOf, StaticMesh } from './testing/static-mesh.ts';

const key = 'app.shop:80';
const request = { ':authority': 'app.shop', ':path': '/' };

interface Answering {
  readonly status?: number;
  readonly hold?: boolean;
}

/** An app that says its name and counts. */
class App {
  readonly name: string;
  server!: H2cServer;
  seen = 0;
  /** Streams that were reset. */
  aborted = 0;
  answering: Answering = {};
  readonly held: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  async listen(): Promise<this> {
    this.server = await h2cServer((asked, response) => {
      this.seen++;
      asked.resume();
      asked.on('aborted', () => this.aborted++);
      const answer = (): void => {
        response.writeHead(this.answering.status ?? 200);
        response.end(this.name);
      };
      if (this.answering.hold === true) this.held.push(answer);
      else answer();
    });
    return this;
  }
}

async function setUp(
  t: TestContext,
  names: readonly string[],
  said: { readonly settings?: Partial<TrafficSettings>; readonly route?: Partial<Route> } = {},
) {
  const apps = await Promise.all(names.map(name => new App(name).listen()));
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  const endpoints = apps.map(({ server, name }) => mesh.plain(server.port, name));
  mesh.set({ key, endpoints, ...said });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, ...apps.map(({ server }) => server)));
  const ask = (n: number, headers: Record<string, string> = {}) =>
    Promise.all(Array.from({ length: n }, () => client.ask({ ...request, ...headers })));
  const cluster = () => [...caller.plane.destinations.clusters][0]!;
  return { apps, mesh, caller, client, ask, cluster };
}

const statuses = (answers: readonly { readonly headers: Record<string, unknown> }[]): unknown[] =>
  answers.map(({ headers }) => headers[':status']);

test('streams of one connection are balanced over the endpoints', async t => {
  const { apps, ask, cluster } = await setUp(t, ['a', 'b', 'c']);
  for (let n = 0; n < 10; n++) await ask(30);
  for (const { seen, name } of apps) assert.ok(seen > 60 && seen < 140, `${name} got ${seen} of 300`);
  assert.equal(cluster().occupancy.connections, 3);
});

test('an endpoint whose streams fail is taken out, and their requests go elsewhere', async t => {
  const { apps, ask, cluster } = await setUp(t, ['good', 'bad'], {
    settings: { outlier: { ...DEFAULT_TRAFFIC.outlier, consecutive5xx: 3, consecutiveGatewayErrors: 3 } },
  });
  apps[1]!.answering = { status: 503 };
  for (let n = 0; n < 40; n++) assert.deepEqual(statuses(await ask(1)), [200]);
  assert.equal(cluster().healthy, 1);
  assert.equal(cluster().ejections.recent.length, 1);
});

test('requests at once are bounded by http2MaxRequests, those of a connection by maxRequestsPerConnection', async t => {
  const limits = { ...DEFAULT_TRAFFIC.limits, maxRequests: 2, maxRequestsPerConnection: 2 };
  const { apps, ask, client, cluster } = await setUp(t, ['a'], { settings: { limits } });
  const [app] = apps;
  app!.answering = { hold: true };
  const two = ask(2);
  await eventually(() => app!.held.length === 2);
  const third = await client.ask(request);
  assert.equal(`${third.headers[':status']} ${third.headers['x-weft-flag']}`, '503 UO');
  for (const answer of app!.held) answer();
  assert.deepEqual(statuses(await two), [200, 200]);
  app!.answering = {};
  for (let n = 0; n < 4; n++) await ask(1);
  assert.equal(app!.server.accepted(), 3);
  assert.equal(cluster().occupancy.requests, 0);
});

test('a hash keeps each key to its endpoint, on the one connection that they share', async t => {
  const { ask } = await setUp(t, ['a', 'b', 'c', 'd'], {
    settings: { balancer: { kind: 'ring-hash', hash: [{ kind: 'header', name: 'x-user' }] } },
  });
  const of = new Map<string, string>();
  for (const user of ['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7', 'u8']) {
    const bodies = new Set((await ask(5, { 'x-user': user })).map(({ body }) => body));
    assert.equal(bodies.size, 1, `${user} went to ${[...bodies].join()}`);
    of.set(user, [...bodies][0]!);
  }
  assert.ok(new Set(of.values()).size > 1);
});

test('a route gives up on a stream that takes too long, and answers in the place of one', async t => {
  const { apps, ask, mesh, caller } = await setUp(t, ['a', 'b'], { route: { timeoutMs: 60 } });
  apps[0]!.answering = { hold: true };
  apps[1]!.answering = { hold: true };
  const [late] = await ask(1);
  assert.equal(`${late!.headers[':status']} ${late!.headers['x-weft-flag']}`, '504 UT');
  await eventually(() => apps[0]!.aborted + apps[1]!.aborted === 1);
  const endpoints = apps.map(({ server, name }) => mesh.plain(server.port, name));
  mesh.set({ key, endpoints, route: { fault: { abort: { percent: 100, status: 418 } } } });
  assert.deepEqual(statuses(await ask(1)), [418]);
  assert.equal(caller.plane.services.active, 0);
});

test('copies go to the mirror as streams too, and nobody waits for them', async t => {
  const { apps, ask, mesh, caller } = await setUp(t, ['a']);
  const mirror = await new App('mirror').listen();
  t.after(() => mirror.server.close());
  mirror.answering = { hold: true };
  const base = resourceOf({ key, endpoints: [] });
  const config = { ...base.clusters[0]!, name: 'mirror:80' };
  mesh.resources.set(key, [
    {
      ...base,
      clusters: [base.clusters[0]!, config],
      routes: [{ ...base.routes[0]!, mirrors: [{ cluster: 'mirror:80', percent: 100 }] }],
    },
    { kind: 'endpoints', key, endpoints: [mesh.plain(apps[0]!.server.port)], total: 1 },
    { kind: 'endpoints', key: 'mirror:80', endpoints: [mesh.plain(mirror.server.port)], total: 1 },
  ]);
  mesh.answer(caller.plane, key);
  await ask(1);
  const answers = await ask(5);
  assert.ok(answers.every(({ body }) => body === 'a'));
  await eventually(() => mirror.seen >= 5);
  assert.equal(mirror.server.accepted(), 1);
});

test('a client that gives a stream up resets the one behind it, and no other', async t => {
  const { apps, client } = await setUp(t, ['a']);
  const [app] = apps;
  app!.answering = { hold: true };
  const kept = client.ask(request);
  const given = client.open(request);
  await eventually(() => app!.held.length === 2);
  given.close(constants.NGHTTP2_CANCEL);
  await eventually(() => app!.aborted === 1);
  for (const answer of app!.held) answer();
  assert.equal((await kept).body, 'a');
  assert.equal(app!.server.accepted(), 1);
});

test('what a policy writes of the protocol is the one that the request came in', async t => {
  const { ask } = await setUp(t, ['a'], {
    route: { responseHeaders: { set: [['x-came-in', '%PROTOCOL%']] } },
  });
  const [answer] = await ask(1);
  assert.equal(answer!.headers['x-came-in'], 'HTTP/2');
});
