// Machines outside of the cluster that join a WorkloadGroup: weft-injector, weft-proxy and weft as processes, entries in a real
// API server, with exactly the permissions that `weft install --machines` gives.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { machineRights } from '../../src/cli/install/beyond.ts';
import { installOptions } from '../../src/cli/install/index.ts';
import { ApiError, type ApiObject } from '../../src/kubernetes/index.ts';
import { fieldAt, recordsOf } from '../../src/plain/index.ts';
import { freePort, freePorts } from '../../src/wire/testing/ports.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { crashesOnCustomResources, defineKind } from './support/custom-resources.ts';
import { startInjector } from './support/injector.ts';
import { apply, good, makeControlPlaneAccount, makeNamespace, until } from './support/objects.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const group = 'networking.istio.io';
const addresses = { billing: '127.0.0.31', ledger: '127.0.0.32', other: '127.0.0.33' } as const;
/** By machine: two are of one group. */
const groups = { billing: 'billing', ledger: 'ledger', other: 'ledger' } as const;
type Name = keyof typeof addresses;
let api: TestApiServer;
let crashes: string | undefined;

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  crashes = await crashesOnCustomResources(api.client);
  if (crashes !== undefined) return;
  await defineKind(api.client, { group, version: 'v1', kind: 'WorkloadGroup', plural: 'workloadgroups' });
  await defineKind(api.client, { group, version: 'v1', kind: 'WorkloadEntry', plural: 'workloadentries' });
  await makeNamespace(api.client, 'vm');
});

after(async () => {
  if (!noApiServer) await api.close();
});

/** An app whose health can be turned, and which says who has called it. */
async function startApp(context: TestContext, address: string, port = 0) {
  const state = { healthy: true, port };
  const server = createServer((incoming, response) => {
    if (incoming.url === '/healthz') response.writeHead(state.healthy ? 200 : 503).end();
    else response.end(`${address} ${incoming.headers['x-forwarded-client-cert'] ?? 'nobody'}`);
  }).listen(port, address);
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  state.port = (server.address() as { port: number }).port;
  return state;
}

interface Machine {
  readonly child: ChildProcess;
  readonly outbound: number;
  readonly lines: string[];
}

/** What a person does: a token, and the proxy with it. */
async function joinAs(
  context: TestContext,
  folder: string,
  name: Name,
  controlPlane: string,
  extra: readonly string[] = [],
): Promise<Machine> {
  const token = join(folder, `${name}.token`);
  const made = [
    'token',
    'create',
    '-n',
    'vm',
    '--service-account',
    groups[name],
    '--kubeconfig',
    api.kubeconfig,
  ];
  const { stdout } = await run(process.execPath, [join(root, 'src/main/weft.ts'), ...made]);
  await writeFile(token, stdout);
  return startMachine(context, folder, name, controlPlane, extra);
}

async function startMachine(
  context: TestContext,
  folder: string,
  name: Name,
  controlPlane: string,
  extra: readonly string[] = [],
): Promise<Machine> {
  const [outbound = 0, inbound = 0, health = 0] = await freePorts(3);
  await mkdir(join(folder, `${name}-state`), { recursive: true });
  const args = [
    ...['run', '--no-redirect', '--listen', addresses[name], '--workload-group', groups[name]],
    ...['--pod-namespace', 'vm', '--service-account', groups[name], '--pod-ips', addresses[name]],
    ...['--control-plane', controlPlane, '--token', join(folder, `${name}.token`)],
    ...['--root-certificate', join(folder, 'roots.pem'), '--state', join(folder, `${name}-state`)],
    ...['--outbound-port', `${outbound}`, '--inbound-port', `${inbound}`, '--admin-port', '0'],
    ...['--health-port', `${health}`, ...extra],
  ];
  const child = spawn(process.execPath, [join(root, 'src/main/weft-proxy.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on('line', line => lines.push(line));
  return { child, outbound, lines };
}

async function entryOf(name: Name): Promise<ApiObject | undefined> {
  const path = `/apis/${group}/v1/namespaces/vm/workloadentries/${groups[name]}-${addresses[name]}`;
  const found = await api.client.call({ path });
  if (found instanceof ApiError && found.status !== 404) throw found;
  return found instanceof ApiError ? undefined : found;
}

function healthOf(entry: ApiObject | undefined): unknown {
  return recordsOf(fieldAt(entry, 'status', 'conditions')).find(each => each.type === 'Healthy')?.status;
}

test('machines join a group, are called behind a Service by mutual TLS, and follow their health, restarts and ends', {
  skip: noApiServer,
}, async context => {
  if (crashes !== undefined) return context.skip(crashes);
  const folder = await mkdtemp(join(tmpdir(), 'weft-machines-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const account = await makeControlPlaneAccount(api.client, 'weft-injector');
  for (const right of machineRights(installOptions({ machines: true })))
    await apply(
      api.client,
      `/apis/rbac.authorization.k8s.io/v1/${right.kind === 'ClusterRole' ? 'clusterroles' : 'clusterrolebindings'}`,
      right,
    );
  const kubeconfig = await api.kubeconfigOf(account);
  const port = await freePort();
  const flags: Record<string, string | true> = {
    'register-machines': true,
    'machine-grace': '5s',
    listen: `127.0.0.1:${port}`,
  };
  const first = await startInjector(context, kubeconfig, 'weft-injector-0', flags);
  await first.served;
  await until('the roots', async () => {
    const found = await api.client.call({ path: '/api/v1/namespaces/vm/configmaps/weft-trust' });
    if (found instanceof ApiError) return false;
    await writeFile(join(folder, 'roots.pem'), String(fieldAt(found, 'data', 'root-cert.pem')));
    return true;
  });
  const app = await startApp(context, addresses.ledger);
  await startApp(context, addresses.other, app.port);
  const objects = `/apis/${group}/v1/namespaces/vm/workloadgroups`;
  const groupOf = (name: 'billing' | 'ledger', spec: object): object => ({
    ...{ apiVersion: `${group}/v1`, kind: 'WorkloadGroup', metadata: { name, namespace: 'vm' } },
    spec: { template: { serviceAccount: name, labels: { app: name } }, ...spec },
  });
  const probe = { periodSeconds: 1, failureThreshold: 1, httpGet: { path: '/healthz', port: app.port } };
  await apply(api.client, objects, groupOf('billing', {}));
  await apply(api.client, objects, groupOf('ledger', { probe }));
  await apply(api.client, '/api/v1/namespaces/vm/services', {
    metadata: { name: 'ledger' },
    spec: { selector: { app: 'ledger' }, ports: [{ name: 'http', port: 80, targetPort: app.port }] },
  });

  // 1. Two machines join. Both have an entry of the group's making; one is well without a probe, the other by its own.
  const at = `127.0.0.1:${port}`;
  const billing = await joinAs(context, folder, 'billing', at);
  const ledger = await joinAs(context, folder, 'ledger', at);
  for (const name of ['billing', 'ledger'] as const)
    await until(`${name} to be well`, async () => healthOf(await entryOf(name)) === 'True');
  const entry = (await entryOf('ledger'))!;
  assert.equal(fieldAt(entry, 'spec', 'labels', 'app'), 'ledger');
  const [owner] = recordsOf(fieldAt(entry, 'metadata', 'ownerReferences'));
  assert.equal(owner?.kind, 'WorkloadGroup');

  // 2. The Service of Kubernetes selects it, and its proxy lets in who is known.
  const call = async (): Promise<{ status: number; body: string }> => {
    const sent = request({
      ...{ host: addresses.billing, port: billing.outbound, agent: false },
      ...{ path: 'http://ledger.vm/', headers: { host: 'ledger.vm' } },
    }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode!, body: await text(response) };
  };
  await until('ledger to answer', async () => (await call()).status === 200);
  assert.equal(
    (await call()).body,
    `${addresses.ledger} By=spiffe://cluster.local/ns/vm/sa/ledger;URI=spiffe://cluster.local/ns/vm/sa/billing`,
  );

  // 3. There is another one of its group. Whose app is not well gets no requests, until it is.
  const askedAt = async (times = 12): Promise<string> => {
    const found = new Set<string>();
    for (let left = times; left > 0; left--) {
      const { status, body } = await call();
      found.add(status === 200 ? body.split(' ', 1)[0]! : String(status));
    }
    return [...found].sort().join();
  };
  await joinAs(context, folder, 'other', at);
  await until('both to answer', async () => (await askedAt()) === `${addresses.ledger},${addresses.other}`);
  app.healthy = false;
  await until('the entry to say so', async () => healthOf(await entryOf('ledger')) === 'False');
  await until('the other alone to answer', async () => (await askedAt()) === addresses.other);
  app.healthy = true;
  await until('both again', async () => (await askedAt()) === `${addresses.ledger},${addresses.other}`);

  // 4. The control plane is killed and comes back: the entry stays, and is never said to be ill.
  const before = (await entryOf('ledger'))!;
  const seen: unknown[] = [];
  const stop = new AbortController();
  const watching = api.client.stream(
    {
      path: `/apis/${group}/v1/namespaces/vm/workloadentries`,
      query: {
        watch: true,
        resourceVersion: String(fieldAt(before, 'metadata', 'resourceVersion')),
        timeoutSeconds: 300,
      },
      signal: stop.signal,
      timeoutMs: 300_000,
    },
    line => seen.push(JSON.parse(line)) > 0,
  );
  await first.kill('SIGKILL');
  assert.equal((await call()).status, 200);
  const second = await startInjector(context, kubeconfig, 'weft-injector-1', flags);
  await second.served;
  await until('ledger to be connected there', async () => {
    const marks = fieldAt(await entryOf('ledger'), 'metadata', 'annotations') as Record<string, string>;
    return marks['istio.io/workloadController'] === 'weft-injector-1';
  });
  await until('it to say how it is', () =>
    seen.some(
      each =>
        fieldAt(each, 'object', 'metadata', 'annotations', 'istio.io/workloadController') ===
        'weft-injector-1',
    ),
  );
  assert.equal((await call()).status, 200);
  assert.deepEqual(
    seen.filter(
      each =>
        fieldAt(each, 'type') === 'DELETED' || healthOf(fieldAt(each, 'object') as ApiObject) === 'False',
    ),
    [],
  );
  stop.abort();
  await watching;
  assert.equal(fieldAt(await entryOf('ledger'), 'metadata', 'uid'), fieldAt(before, 'metadata', 'uid'));

  // 5. It is stopped in order: first it gets nothing new, then it is away, and after the grace its entry is gone.
  ledger.child.kill('SIGTERM');
  await until('it to say that it goes', async () => healthOf(await entryOf('ledger')) !== 'True');
  await until('the other alone to answer', async () => (await askedAt()) === addresses.other);
  let lost = 0;
  await until('its entry to go', async () => {
    if ((await askedAt(4)) !== addresses.other) lost++;
    return (await entryOf('ledger')) === undefined;
  });
  assert.equal(lost, 0);
  assert.equal(healthOf(await entryOf('billing')), 'True');

  // 6. It comes back by its certificate, under the same name; a program is only run where the machine allows it.
  await good(
    api.client.call({
      method: 'PATCH',
      path: `${objects}/ledger`,
      body: { spec: { probe: { httpGet: null, exec: { command: [process.execPath, '-e', ''] } } } },
    }),
  );
  const again = await startMachine(context, folder, 'ledger', at);
  await until('it to refuse', async () => {
    const [condition] = recordsOf(fieldAt(await entryOf('ledger'), 'status', 'conditions'));
    return /--exec-probes/.test(String(condition?.message));
  });
  again.child.kill('SIGKILL');
  await startMachine(context, folder, 'ledger', at, ['--exec-probes']);
  await until('the program to say that it is well', async () => healthOf(await entryOf('ledger')) === 'True');
  const { problems } = await second
    .json<{ problems: { code: string }[] }>('/debug/problems')
    .then(found => ({ problems: Array.isArray(found) ? (found as { code: string }[]) : found.problems }));
  assert.deepEqual(
    problems.filter(each => each.code.startsWith('machine-')),
    [],
  );
  assert.ok((await readFile(join(folder, 'ledger.token'), 'utf8')).startsWith('weft-join.'));
});
