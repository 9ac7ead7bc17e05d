import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { AdminServer, adminRoutes } from '../admin/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { DEFAULT_RETRY, DEFAULT_TRAFFIC, type DestinationResource, type Route } from '../model/index.ts';
import { ask, httpServer } from '../proxy/testing/clients.ts';
import { StaticMesh } from '../proxy/testing/static-mesh.ts';
import type { CertificateDump, ConfigDump, DirectedCluster, EndpointDump } from './proxy-config/dump.ts';
import { clustersOf, endpointsOf, type Filters, routesOf } from './proxy-config/rows.ts';
import {
  clustersText,
  endpointsText,
  listenersText,
  loggingText,
  routesText,
  secretText,
} from './proxy-config/text.ts';
import { assertGolden } from './testing/golden.ts';

const main = join(import.meta.dirname, '../main/weft.ts');
const screen = { colours: false };
const golden = (name: string, shown: string): void =>
  assertGolden(join(import.meta.dirname, 'proxy-config/golden', `${name}.txt`), shown);
const host = 'reviews.shop.svc.cluster.local';
const self = {
  ...{ workload: 'web', namespace: 'shop', app: 'web', version: 'v1', pod: 'web-0' },
  principal: 'spiffe://cluster.local/ns/shop/sa/web',
};

function endpoint(address: string, over: Partial<EndpointDump> = {}): EndpointDump {
  return {
    ...{ address, pod: 'reviews-v1-x', workload: 'reviews-v1', version: 'v1', tls: 'mesh' },
    ...{ principal: 'spiffe://cluster.local/ns/shop/sa/reviews', health: 'healthy', ejections: 0 },
    ...{ weight: 1, activeRequests: 2, latencyMs: 3.21, connections: { open: 4, free: 2, waiting: 0 } },
    ...over,
  };
}

function cluster(
  name: string,
  endpoints: readonly EndpointDump[],
  over: Partial<DirectedCluster> = {},
): DirectedCluster {
  return {
    ...{ name, service: host, balancer: 'p2c-ewma', endpoints, endpointsInAll: 3, connections: 4 },
    ...{ pendingRequests: 0, activeRequests: 2, overflows: 1, connectFailures: 0, retries: 5 },
    ...{ settings: DEFAULT_TRAFFIC, direction: 'outbound', ...over },
  };
}

const clusters: readonly DirectedCluster[] = [
  cluster(`${host}:9080/v1`, [
    endpoint('10.0.0.1:9080'),
    endpoint('10.0.0.2:9080', {
      health: { state: 'ejected', reason: 'consecutive-5xx', leftMs: 12_400 },
      ejections: 2,
    }),
    endpoint('10.0.0.3:9080', { health: 'draining', tls: 'plaintext', pod: '', latencyMs: 0 }),
    endpoint('10.0.0.4:9080', { warmth: 0.4, latencyMs: 41 }),
  ]),
  cluster(`${host}:9080/v9`, [], { endpointsInAll: 0, why: 'no DestinationRule defines subset v9' }),
  cluster('127.0.0.1:8080', [endpoint('127.0.0.1:8080', { tls: 'plaintext' })], {
    ...{ direction: 'inbound', endpointsInAll: 1, service: '' },
    settings: { ...DEFAULT_TRAFFIC, outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false } },
  }),
];

const from = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  namespace: 'shop',
  name: 'reviews',
};
const route = (name: string, over: Partial<Route>): Route => ({
  ...{ name, action: { kind: 'forward', clusters: [{ cluster: `${host}:9080/v1`, weight: 1 }] } },
  ...{ timeoutMs: 0, idleTimeoutMs: 3_600_000, retry: { ...DEFAULT_RETRY, attempts: 0 } },
  ...over,
});
const destination: DestinationResource = {
  ...{ kind: 'destination', key: '10.96.0.7:9080', found: 'service', host, port: 9080, protocol: 'http' },
  ...{ tcp: [], clusters: [] },
  routes: [
    route('jason', {
      from,
      matches: [
        {
          headers: [{ name: 'end-user', match: { kind: 'exact', value: 'jason' } }],
          path: { kind: 'prefix', value: '/a' },
        },
        { method: { kind: 'exact', value: 'POST' }, not: [{ path: { kind: 'segments', value: '/b' } }] },
      ],
      timeoutMs: 1500,
      retry: { ...DEFAULT_RETRY, on: ['5xx'], statuses: [409], perTryTimeoutMs: 500 },
      mirrors: [{ cluster: `${host}:9080/v2`, percent: 5 }],
      fault: { delay: { ms: 50, percent: 10 }, abort: { status: 503, percent: 1 } },
    }),
    route('gone', { from, action: { kind: 'redirect', status: 308 } }),
    route('rest', {
      action: {
        kind: 'forward',
        clusters: [
          { cluster: `${host}:9080/v1`, weight: 2 },
          { cluster: `${host}:9080/v2`, weight: 1 },
        ],
      },
    }),
  ],
};
const dump: ConfigDump = {
  self,
  inbound: {
    ...{ kind: 'inbound', key: 'shop/web-0', self, defaultMtls: 'permissive' },
    ports: [
      {
        ...{ number: 8080, protocol: 'http', mtls: 'strict' },
        from: {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          namespace: 'shop',
          name: 'default',
        },
        service: { host: '', name: 'web', namespace: 'shop' },
      },
    ],
  },
  destinations: [destination],
};

test('clusters say how many endpoints are healthy, what holds, and why one can have none', () => {
  golden('clusters', clustersText(clusters, false, screen));
  golden('clusters-wide', clustersText(clusters, true, screen));
});

test('endpoints say their state, and on a terminal in colour', () => {
  const rows = endpointsOf(clusters, { host: 'reviews' });
  golden('endpoints', endpointsText(rows, false, screen));
  assert.match(endpointsText(rows, false, { colours: true }), /\x1b\[31mejected/);
  for (const line of endpointsText(rows, false, { columns: 100, colours: false }).split('\n'))
    assert.ok(line.length <= 100, line);
});

test('filters leave what is meant', () => {
  const names = (filters: Filters): string[] => clustersOf(clusters, filters).map(({ name }) => name);
  assert.deepEqual(names({ host: 'shop', name: 'v9' }), [`${host}:9080/v9`]);
  assert.deepEqual(names({ port: 8080 }), ['127.0.0.1:8080']);
  assert.deepEqual(names({ host: 'cart' }), []);
  const addresses = (filters: Filters): string[] =>
    endpointsOf(clusters, filters).map(({ address }) => address);
  assert.deepEqual(addresses({ status: 'ejected' }), ['10.0.0.2:9080']);
  assert.deepEqual(addresses({ status: 'draining' }), ['10.0.0.3:9080']);
  assert.deepEqual(addresses({ status: 'healthy', port: 9080 }), ['10.0.0.1:9080', '10.0.0.4:9080']);
  assert.deepEqual(
    routesOf(dump, { host: 'reviews', name: 'gone' }).map(({ place }) => place),
    [1],
  );
  assert.deepEqual(routesOf(dump, { port: 80 }), []);
});

test('routes stand in the order in which they are tried, with conditions, targets and the object', () => {
  golden('routes', routesText(routesOf(dump, {}), true, screen));
});

test('listeners: what is listened on, the ports of the app with who decides mTLS, what was called', () => {
  const listeners = [
    { name: 'outbound', hosts: ['127.0.0.1', '::1'], port: 15001, openConnections: 7 },
    { name: 'admin', hosts: ['127.0.0.1'], port: 15000 },
  ];
  golden('listeners', listenersText(listeners, dump, {}, screen));
  const early = listenersText(listeners, { ...dump, inbound: null, destinations: [] }, {}, screen);
  assert.match(early, /the control plane has said nothing of the ports of the app yet/);
  assert.match(early, /the app has called nothing yet that is meant here/);
});

test('certificates are told with identity and what is left, the levels with what comes back', () => {
  const certificate = (over: Partial<CertificateDump>): CertificateDump => ({
    ...{
      subject: 'O=weft',
      issuer: 'CN=root',
      names: `URI:${self.principal}`,
      serial: '0A',
      sha256: '',
      pem: '',
    },
    ...{
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2026-01-02T00:00:00.000Z',
      authority: false,
      ...over,
    },
  });
  const nowMs = Date.parse('2026-01-01T03:00:00.000Z');
  const root = certificate({ subject: 'CN=root', serial: '0B', notAfter: '2025-12-31T00:00:00.000Z' });
  golden(
    'secret',
    secretText({ principal: self.principal, chain: [certificate({})], roots: [root] }, nowMs, screen),
  );
  assert.match(secretText({ principal: '', chain: [], roots: [] }, nowMs, screen), /has no certificate/);
  const back = { level: 'info', accessLog: 'errors', inSeconds: 540 };
  assert.equal(
    loggingText({ level: 'debug', accessLog: 'all', back }),
    'level       debug\naccess log  all\nin 9m again: level info, access log errors',
  );
});

/** The admin endpoint of a proxy that runs and has sent a request. */
async function admin(t: TestContext): Promise<number> {
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const app = await httpServer((_, response) => response.end('ok'));
  t.after(() => app.close());
  const { plane, log, access } = mesh.proxy('web', { namespace: 'shop' });
  mesh.set({ key: 'cart.shop:80', endpoints: [mesh.plain(app.port)], protocol: 'http' });
  assert.equal((await ask(plane.outboundPort, 'cart.shop:80')).status, 200);
  const { http1 } = plane.services;
  const host = {
    ...{
      plane,
      log,
      accessLog: access,
      notReady: () => undefined,
      status: () => ({}),
      metrics() {},
      drain() {},
    },
    ...{ ownPorts: [{ name: 'admin', hosts: ['127.0.0.1'], port: 0 }], underWay: () => plane.underWay },
  };
  const server = new AdminServer(['127.0.0.1'], { port: 0, purpose: 'admin' }, http1, adminRoutes(host));
  t.after(() => server.close());
  return server.port;
}

async function weft(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(process.execPath, [main, 'proxy-config', ...args], { env });
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { out, err, code };
}

test('a proxy that runs is asked by its address: everything as one JSON', async t => {
  const port = await admin(t);
  const { out, err } = await weft(['all', `127.0.0.1:${port}`, '-o', 'json']);
  assert.equal(err, '');
  const all = JSON.parse(out);
  assert.deepEqual(Object.keys(all), ['clusters', 'listeners', 'routes', 'endpoints', 'secret', 'log']);
  assert.equal(all.clusters[0].name, 'cart.shop:80');
  assert.equal(all.endpoints[0].state, 'healthy');
  assert.equal(all.routes[0].destination, 'cart.shop:80');
  assert.equal(all.secret.principal, 'spiffe://cluster.local/ns/shop/sa/web');
  assert.equal(all.listeners.listeners.length, 3);
  assert.doesNotMatch(out, /PRIVATE KEY/);
});

test('in a cluster the pod is looked for and reached by port-forward; a level is set for a while', async t => {
  const port = await admin(t);
  const api = new FakeApi();
  const annotations = { 'weft.dev/status': '{"version":"1"}' };
  api.put(TYPES.pod, {
    metadata: { name: 'web-0', namespace: 'shop', annotations },
    status: { phase: 'Running' },
  });
  await api.start();
  const folder = mkdtempSync(join(tmpdir(), 'weft-proxy-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(() => api.stop());
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, api.kubeConfig().exportConfig());
  const called = join(folder, 'called');
  const kubectl = `#!/bin/sh\necho "$@" > ${called}\necho 'Forwarding from 127.0.0.1:${port} -> 15000'\nexec sleep 600\n`;
  writeFileSync(join(folder, 'kubectl'), kubectl);
  chmodSync(join(folder, 'kubectl'), 0o755);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const set = ['log', 'web-0', '--level', 'warn', '--for', '10m', '--kubeconfig', kubeconfig];
  const { out, err, code } = await weft(set, env);
  assert.deepEqual([err, code], ['', 0]);
  assert.match(out, /^level {7}warn\n.*\nin (10|9)m again: level debug, /);
  const nobody = await weft(['endpoints', 'cart', '--kubeconfig', kubeconfig], env);
  assert.match(nobody.err, /^error: there is no pod or workload cart/);
});
