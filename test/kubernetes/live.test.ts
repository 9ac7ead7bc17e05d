// The live API on a real API server: who may tap, by token and by client certificate, with the roles of `weft install`. The
// commands that refusals name are run as they stand.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { reachRules, userRoles } from '../../src/cli/install/rbac.ts';
import { ApiError } from '../../src/kubernetes/index.ts';
import { Answering } from '../../src/live/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { noOwnApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { type Injector, startInjector, startProxy } from './support/injector.ts';
import {
  apply,
  makeAccount,
  makeControlPlaneAccount,
  makeNamespace,
  makePod,
  system,
  tokenOf,
  until,
} from './support/objects.ts';

const weft = join(import.meta.dirname, '../../src/main/weft.ts');
const kubectl = join(process.env.KUBEBUILDER_ASSETS ?? '', 'kubectl');
/** Refusals are obeyed with kubectl; not every folder of an API server has it. */
const noKubectl =
  noOwnApiServer || (!existsSync(kubectl) && 'there is no kubectl in the folder KUBEBUILDER_ASSETS');
let api: TestApiServer;
let controlPlane: string;
let front: { name: string; uid: string };

before(async () => {
  if (noOwnApiServer) return;
  api = await openApiServer();
  controlPlane = await api.kubeconfigOf(await makeControlPlaneAccount(api.client, 'weft-injector'));
  for (const name of ['shop', 'ops']) await makeNamespace(api.client, name);
  await makeAccount(api.client, 'shop', 'front');
  await makeAccount(api.client, 'ops', 'bot');
  front = await makePod(api.client, 'shop', 'front-0', '10.244.0.10', { account: 'front' });
  const root = '/apis/rbac.authorization.k8s.io/v1';
  for (const { name, rules } of userRoles())
    await apply(api.client, `${root}/clusterroles`, { metadata: { name }, rules });
  const role = { metadata: { name: 'weft-live' }, rules: reachRules() };
  await apply(api.client, `${root}/namespaces/${system}/roles`, role);
});

after(async () => {
  if (!noOwnApiServer) await api.close();
});

/** A control plane with a proxy that tells one request to whoever taps. */
async function startMesh(context: import('node:test').TestContext, kubeconfig: string): Promise<Injector> {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  let roots = '';
  await until('the roots of the mesh', async () => {
    const path = `/api/v1/namespaces/${system}/configmaps/weft-trust`;
    const found = await api.client.call({ path });
    roots = found instanceof ApiError ? '' : ((found.data as Record<string, string>)['root-cert.pem'] ?? '');
    return roots !== '';
  });
  const token = await tokenOf(api.client, 'shop', 'front', { audience: 'weft', pod: front });
  const answering = new Answering({
    clock: systemClock,
    answerers: {
      tap(_question, asker) {
        const [source, destination] = [{ address: '10.244.0.99:1' }, {}];
        asker.say({ id: 'r1', direction: 'inbound', protocol: 'http', source, destination, path: '/seen' });
        return () => {};
      },
    },
  });
  const { sink } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'front-0' },
    answering,
  );
  await sink.until(() => sink.get('inbound', 'shop/front-0') !== undefined);
  return injector;
}

/** What `weft tap` prints for this kubeconfig. */
async function tap(injector: Injector, ...args: string[]): Promise<{ out: string; said: string }> {
  const { livePort } = await injector.served;
  const child = spawn(
    process.execPath,
    [weft, 'tap', '-o', 'json', '--count', '1', '--control-plane', `127.0.0.1:${livePort}`, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, said] = ['', ''];
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (said += String(chunk)));
  await once(child, 'close');
  return { out, said };
}

/** Runs the command that a refusal names, as an administrator. `words`: what stands in it for a name. */
async function obey(said: string, words: Readonly<Record<string, string>> = {}): Promise<void> {
  let command = /gives it with: kubectl ([^;\n]+)|opens it with: kubectl ([^;\n]+)/
    .exec(said)
    ?.slice(1)
    .find(Boolean);
  assert.ok(command, said);
  for (const [word, value] of Object.entries(words)) command = command.replaceAll(word, value);
  const args = command
    .trim()
    .split(' ')
    .map(each => each.replaceAll("'", ''));
  await promisify(execFile)(kubectl, [...args, '--kubeconfig', api.kubeconfig]);
}

test('an account may nothing at first; each refusal names a command, and when all are obeyed it hears requests', {
  skip: noKubectl,
}, async context => {
  const injector = await startMesh(context, controlPlane);
  const kubeconfig = await api.kubeconfigOf(await tokenOf(api.client, 'ops', 'bot'));
  const ask = () => tap(injector, '--kubeconfig', kubeconfig, '-n', 'shop');
  const closed = await ask();
  assert.match(closed.said, /^error: the way to the control plane is closed to this account/);
  await obey(closed.said, { '--user=NAME': '--serviceaccount=ops:bot', NAME: 'bot' });
  const refused = await ask();
  assert.match(
    refused.said,
    /^error: system:serviceaccount:ops:bot has not the right to create pods\/tap of the group weft\.dev in namespace shop/,
  );
  await obey(refused.said);
  let heard = { out: '', said: '' };
  await until('the right to count', async () => {
    heard = await ask();
    return heard.out !== '';
  });
  const { server } = JSON.parse(heard.out);
  assert.equal(server.path, '/seen');
  assert.deepEqual(server.destination, { workload: 'shop/front-0', pod: 'shop/front-0' });
  assert.match(heard.said, /^1 proxy connected to weft-injector-0 is asked/);
  const everywhere = await tap(injector, '--kubeconfig', kubeconfig);
  assert.match(everywhere.said, /in all namespaces; .*clusterrolebinding/);
});

test('a user with a client certificate is known by it, and a token of somebody else is no way around', {
  skip: noKubectl,
}, async context => {
  const injector = await startMesh(context, controlPlane);
  const kubeconfig = (await api.kubeconfigOfUser('jane@example.com', ['dev']))!;
  const ask = (...args: string[]) => tap(injector, '--kubeconfig', kubeconfig, '-n', 'shop', ...args);
  await obey((await ask()).said, { '--user=NAME': '--group=dev', NAME: 'dev' });
  const refused = await ask();
  assert.match(refused.said, /^error: jane@example\.com has not the right to create pods\/tap/);
  const file = join(dirname(kubeconfig), 'forged-token');
  await writeFile(file, 'forged');
  assert.match((await ask('--token-file', file)).said, /^error: the API server does not take the token/);
  await obey(refused.said);
  await until('the right to count', async () => (await ask()).out.includes('/seen'));
});

test('a control plane that may not ask who may says so, and lets nobody in', {
  skip: noOwnApiServer,
}, async context => {
  const poor = await makeControlPlaneAccount(api.client, 'weft-injector-poor', ['subjectaccessreviews']);
  const injector = await startInjector(context, await api.kubeconfigOf(poor), 'weft-injector-1');
  const { livePort } = await injector.served;
  assert.ok(livePort > 0);
  const { said, out } = await tap(injector, '--kubeconfig', api.kubeconfig, '-n', 'shop');
  assert.equal(out, '');
  assert.match(
    said,
    /cannot be asked who may do this .* may create subjectaccessreviews\.authorization\.k8s\.io/,
  );
});
