// The pages against a data plane that runs, with requests that went through it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import { ask, httpServer } from '../proxy/testing/clients.ts';
import { StaticMesh } from '../proxy/testing/static-mesh.ts';
import { adminRoutes } from './routes.ts';

interface Page {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the pages are what is tested here
  readonly json: any;
}

async function proxied(t: TestContext) {
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const app = await httpServer((request, response) => {
    if (request.url === '/slow') {
      slow.push(() => response.end('late'));
      slowCame();
    } else response.writeHead(request.url === '/bad' ? 503 : 200).end('ok');
  });
  const slow: (() => void)[] = [];
  let slowCame = (): void => {};
  const cameSlow = new Promise<void>(resolve => (slowCame = resolve));
  t.after(() => app.close());
  const cart = mesh.proxy('cart');
  const web = mesh.proxy('web');
  const outlier = { ...DEFAULT_TRAFFIC.outlier, consecutive5xx: 1, maxEjectionPercent: 100 };
  const key = 'cart.shop:80';
  const endpoints = [mesh.meshed(cart, app.port), mesh.plain(1)];
  mesh.set({ key, endpoints, settings: { outlier }, total: 3, protocol: 'http', retry: { attempts: 0 } });
  const { plane, log, access } = web;
  const routes = adminRoutes({
    ...{
      plane,
      log,
      accessLog: access,
      notReady: () => undefined,
      status: () => ({}),
      metrics() {},
      drain() {},
    },
    ownPorts: [{ name: 'admin', hosts: ['127.0.0.1'], port: 15000 }],
    underWay: () => plane.underWay,
  });
  const page = async (path: string): Promise<Page> => {
    const answer = await routes[`GET ${path}`]!({ method: 'GET', path, query: new URLSearchParams() });
    return { status: answer.status, text: answer.body, json: JSON.parse(answer.body) };
  };
  return {
    mesh,
    web,
    cart,
    key,
    app,
    page,
    slow,
    cameSlow,
    get: (path: string) => ask(plane.outboundPort, key, { path }),
  };
}

test('endpoints are shown healthy, ejected with what is left, and draining while they finish what they have', async t => {
  const { mesh, cart, key, app, page, slow, cameSlow, get } = await proxied(t);
  mesh.set({ key, endpoints: [mesh.meshed(cart, app.port)], total: 3, protocol: 'http' });
  assert.equal((await get('/')).status, 200);
  const late = get('/slow');
  await cameSlow;
  mesh.set({ key, endpoints: [mesh.plain(app.port)], total: 3, protocol: 'http' });
  const [cluster] = (await page('/clusters')).json;
  assert.equal(cluster.endpointsInAll, 3);
  const states = cluster.endpoints.map((each: { health: unknown; tls: string; activeRequests: number }) => [
    each.health,
    each.tls,
    each.activeRequests,
  ]);
  assert.deepEqual(states, [
    ['healthy', 'plaintext', 0],
    ['draining', 'mesh', 1],
  ]);
  slow[0]!();
  assert.equal((await late).body, 'late');
  assert.equal((await page('/clusters')).json[0].endpoints.length, 1);
});

test('an ejected endpoint says why and how long still', async t => {
  const { page, get } = await proxied(t);
  while (!(await page('/clusters')).text.includes('ejected')) await get('/bad');
  const [cluster] = (await page('/clusters')).json;
  const out = cluster.endpoints.find((each: { health: unknown }) => typeof each.health === 'object');
  assert.equal(out.health.state, 'ejected');
  assert.match(out.health.reason, /^consecutive-/);
  assert.ok(out.health.leftMs > 0 && out.health.leftMs <= 30_000, JSON.stringify(out.health));
});

test('listeners are those of traffic, with what is open, and the proxy’s own', async t => {
  const { web, page } = await proxied(t);
  const { json } = await page('/listeners');
  assert.deepEqual(
    json.map(({ name, port, openConnections }: Record<string, unknown>) => [name, port, openConnections]),
    [
      ['outbound', web.plane.outboundPort, 0],
      ['inbound', web.plane.inboundPort, 0],
      ['admin', 15000, undefined],
    ],
  );
  assert.deepEqual(json[0].trust, { downstream: 'app', upstream: 'mesh' });
});

test('certificates show chain, identity, serial, validity and roots, and no page shows a key', async t => {
  const { mesh, web, page, get } = await proxied(t);
  await get('/');
  const { json } = await page('/certificates');
  assert.equal(json.principal, web.principal);
  assert.equal(json.chain[0].names, `URI:${web.principal}`);
  assert.match(json.chain[0].serial, /^[0-9A-F]+$/);
  assert.ok(
    Date.parse(json.chain[0].notBefore) <= Date.now() && Date.parse(json.chain[0].notAfter) > Date.now(),
  );
  assert.equal(json.chain[0].authority, false);
  assert.equal(json.roots.length, 1);
  assert.equal(json.roots[0].authority, true);
  assert.equal(json.roots[0].pem.trim(), mesh.ca.roots[0]!.trim());
  for (const path of [
    '/certificates',
    '/config_dump',
    '/clusters',
    '/inbound',
    '/listeners',
    '/status',
    '/logging',
  ])
    assert.doesNotMatch((await page(path)).text, /PRIVATE KEY|keyPem/, path);
});

test('a proxy without a certificate says that it has none', async t => {
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const { plane, log, access } = mesh.proxy('new', { certificate: false });
  const routes = adminRoutes({
    ...{
      plane,
      log,
      accessLog: access,
      notReady: () => undefined,
      status: () => ({}),
      metrics() {},
      drain() {},
    },
    ...{ ownPorts: [], underWay: () => plane.underWay },
  });
  const query = new URLSearchParams();
  const answer = await routes['GET /certificates']!({ method: 'GET', path: '/certificates', query });
  assert.deepEqual(JSON.parse(answer.body), { principal: '', chain: [], roots: [] });
});
