// weft-proxy that reads a real API server itself, without a control plane.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, type TestContext, test } from 'node:test';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { noApiServer, noOwnApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { apply, good, makeAccount, makeNamespace, setEndpoints, tokenOf, until } from './support/objects.ts';

const program = join(import.meta.dirname, '../../src/main/weft-proxy.ts');
/** Endpoints on loopback are refused by the API server. */
const address = Object.values(networkInterfaces())
  .flat()
  .find(each => each?.family === 'IPv4' && !each.internal)?.address;
const skip = noApiServer || (address === undefined && 'needs an address that is not loopback');
let api: TestApiServer;

before(async () => {
  if (skip) return;
  api = await openApiServer();
  await makeNamespace(api.client, 'shop');
  await makeAccount(api.client, 'shop', 'reader');
  const group = 'rbac.authorization.k8s.io';
  const rules = [
    {
      apiGroups: [''],
      resources: ['services', 'endpoints', 'pods', 'namespaces', 'nodes'],
      verbs: ['list', 'watch'],
    },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ];
  await apply(api.client, `/apis/${group}/v1/clusterroles`, { metadata: { name: 'weft-reader' }, rules });
  await apply(api.client, `/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: 'weft-reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'shop' }],
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'weft-reader' },
  });
});

after(async () => {
  if (!skip) await api.close();
});

async function app(context: TestContext, answer: string): Promise<number> {
  const server = createServer((_, response) => response.end(answer));
  server.listen(0, address);
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Proxy {
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  call(url: string): Promise<{ status: number; text: string }>;
  ready(): Promise<{ status: number; text: string }>;
}

async function startProxy(context: TestContext, kubeconfig: string): Promise<Proxy> {
  const [outbound = 0, inbound = 0, admin = 0, health = 0] = await freePorts(4);
  const args = [
    'run',
    '--discovery=kubernetes',
    `--kubeconfig=${kubeconfig}`,
    '--no-redirect',
    '--listen=127.0.0.1',
    `--outbound-port=${outbound}`,
    `--inbound-port=${inbound}`,
    `--admin-port=${admin}`,
    `--health-port=${health}`,
    '--pod-name=laptop',
    '--pod-namespace=shop',
  ];
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout! }).on('line', line => lines.push(JSON.parse(line)));
  await until('the proxy', () => lines.some(line => line.message === 'weft-proxy carries traffic'));
  const ask = (port: number, path: string, host: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, response => {
        let text = '';
        response.on('data', chunk => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      }).on('error', reject);
    });
  return {
    child,
    lines,
    call: url => ask(outbound, url, new URL(url).host),
    ready: () => ask(health, '/ready', 'proxy'),
  };
}

/** A Service `name` whose one endpoint is this port of this machine. */
async function serve(name: string, port: number): Promise<void> {
  await apply(api.client, '/api/v1/namespaces/shop/services', {
    metadata: { name },
    spec: { ports: [{ name: 'http', port: 80 }] },
  });
  await setEndpoints(api.client, 'shop', name, { [name]: address! }, { port });
}

test('with an account that may only read, Services are called by name, and changes are followed', {
  skip,
}, async context => {
  await serve('web', await app(context, 'one'));
  const token = await tokenOf(api.client, 'shop', 'reader');
  const proxy = await startProxy(context, await api.kubeconfigOf(token));
  await until('readiness', async () => (await proxy.ready()).status === 200);
  assert.deepEqual(await proxy.call('http://web.shop/'), { status: 200, text: 'one' });
  await serve('web', await app(context, 'two'));
  await until('the other endpoint', async () => (await proxy.call('http://web.shop/')).text === 'two');
});

test('the API server may be away: before the start it is waited for, later nothing is forgotten', {
  skip: skip || noOwnApiServer,
}, async context => {
  await serve('steady', await app(context, 'here'));
  const kubeconfig = await api.kubeconfigOf(await tokenOf(api.client, 'shop', 'reader'));
  await api.stop();
  const proxy = await startProxy(context, kubeconfig);
  await until('words', () => proxy.lines.some(line => line.code === 'api-unreachable'));
  assert.equal((await proxy.ready()).status, 503);
  await api.start();
  await until('readiness', async () => (await proxy.ready()).status === 200);
  assert.equal((await proxy.call('http://steady.shop/')).text, 'here');
  await api.stop();
  await until('it is noticed', () => proxy.lines.filter(line => line.code === 'api-unreachable').length >= 3);
  assert.equal((await proxy.call('http://steady.shop/')).text, 'here');
  assert.equal((await proxy.ready()).status, 200);
  await api.start();
  await good(api.client.call({ path: '/api/v1/namespaces/shop' }));
});

test('a kubeconfig that cannot be used is said in a line with the remedy', { skip }, async () => {
  const child = spawn(
    process.execPath,
    [program, 'run', '--discovery=kubernetes', '--kubeconfig=/nonexistent', '--no-redirect'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let text = '';
  child.stderr!.on('data', chunk => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(
    text,
    /the kubeconfig \/nonexistent cannot be read .*; give a kubeconfig with --kubeconfig \(kubeconfig\)/,
  );
});
