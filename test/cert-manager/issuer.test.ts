// The control plane with --issuer on a real cert-manager: its definitions, its approver, its CA issuer, and just the rights that
// `weft install --issuer` gives.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import {
  CertificateAuthority,
  CertManagerIssuer,
  fingerprintsOf,
  RemoteAuthority,
  type SignedChain,
} from '../../src/ca/index.ts';
import { readInForce } from '../../src/cli/ca/in-force.ts';
import { WeftError } from '../../src/errors/index.ts';
import { createKeyAndCsr, principalOf, readCertificates } from '../../src/identity/index.ts';
import { ApiError } from '../../src/kubernetes/index.ts';
import { parseSpiffe } from '../../src/model/index.ts';
import { recordsOf } from '../../src/plain/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { kubeApiOf } from '../../webhook/index.ts';
import { openApiServer, type TestApiServer } from '../kubernetes/support/api-server.ts';
import { startInjector, startProxy } from '../kubernetes/support/injector.ts';
import {
  good,
  makeAccount,
  makeControlPlaneAccount,
  makeNamespace,
  makePod,
  system,
  tokenOf,
  until,
} from '../kubernetes/support/objects.ts';
import {
  clusterIssuers,
  defineCertManager,
  makeCaIssuer,
  noCertManager,
  requests,
  setCondition,
  startCertManager,
  writeCaSecret,
} from './support.ts';

const settings = 'certManager: { issuer: mesh-ca }\n';
const own = `spiffe://cluster.local/ns/${system}/sa/weft-injector`;
const web = 'spiffe://cluster.local/ns/shop/sa/web';
const newAuthority = () => CertificateAuthority.createRoot({ trustDomain: 'mesh-ca', clock: systemClock });
const [first, second] = [newAuthority(), newAuthority()];
let api: TestApiServer;
let kubeconfig: string;

before(async () => {
  if (noCertManager) return;
  api = await openApiServer();
  kubeconfig = await api.kubeconfigOf(
    await makeControlPlaneAccount(api.client, 'weft-injector', [], settings),
  );
  await makeNamespace(api.client, 'shop');
  await makeAccount(api.client, 'shop', 'web');
  await defineCertManager(api.client);
  await writeCaSecret(api.client, 'mesh-ca', first.parts);
});

after(async () => {
  if (!noCertManager) await api.close();
});

async function settingsFile(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-issuer-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'issuer.yaml'), settings);
  return join(folder, 'issuer.yaml');
}

/** The issuer alone, on the API as `user`. */
async function openIssuer(context: TestContext, name: string, limitMs: number): Promise<RemoteAuthority> {
  const stop = new AbortController();
  context.after(() => stop.abort());
  const { request } = kubeApiOf(api.client);
  const issuer = new CertManagerIssuer({
    ...{ request, namespace: system, own, clock: systemClock },
    issuer: { name, kind: 'ClusterIssuer', group: 'cert-manager.io' },
    roots: async () => first.roots.join(''),
  });
  const options = { issuer, clock: systemClock, signal: stop.signal, limitMs };
  const opened = await RemoteAuthority.open(options, error => {
    throw error;
  });
  return opened!;
}

const sign = (authority: RemoteAuthority) =>
  authority.sign(createKeyAndCsr({ uri: web }).csrPem, parseSpiffe(web)!);
function nameIn(signed: SignedChain | WeftError): string | undefined {
  assert.ok(!(signed instanceof WeftError), String(signed));
  const found = readCertificates(signed.chainPem, 'a test');
  return found instanceof WeftError ? undefined : principalOf(found[0]!);
}
const listed = async () => recordsOf((await good(api.client.call({ path: requests }))).items);

test('proxies get certificates of cert-manager, and another CA behind it is trusted before it is used', {
  skip: noCertManager,
}, async context => {
  await startCertManager(context, api.kubeconfig);
  await makeCaIssuer(api.client, 'mesh-ca', 'mesh-ca');
  const issuer = await settingsFile(context);
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0', { issuer });
  const { port } = await injector.served;
  const pods = ['web-0', 'web-1'];
  const tokens = new Map<string, string>();
  for (const [at, name] of pods.entries()) {
    const pod = await makePod(api.client, 'shop', name, `10.244.0.${10 + at}`, { account: 'web' });
    tokens.set(name, await tokenOf(api.client, 'shop', 'web', { audience: 'weft', pod }));
  }
  const proxyOf = (name: string) =>
    startProxy(
      context,
      port,
      () => first.roots,
      () => tokens.get(name)!,
      { namespace: 'shop', name, principal: web },
    );
  const proxy = proxyOf('web-0');
  await until('a certificate', () => proxy.keeper.credentials !== undefined);
  assert.equal(proxy.keeper.credentials!.principal, web);
  const inForce = async () => readInForce(await injector.json('/debug/authority'))!;
  const before = await inForce();
  assert.deepEqual(
    {
      issuer: before.issuer,
      isElsewhere: before.isElsewhere,
      root: before.issuerRoot,
      problems: before.problems,
    },
    {
      ...{ issuer: "cert-manager's ClusterIssuer mesh-ca", isElsewhere: true },
      ...{ root: fingerprintsOf(first.roots)[0], problems: [] },
    },
  );
  await until('requests to be deleted', async () => (await listed()).length === 0);

  await writeCaSecret(api.client, 'mesh-ca', second.parts);
  const late = proxyOf('web-1');
  await until('the new root to be trusted', async () => (await inForce()).roots.length === 2);
  await until('a certificate under it', async () => {
    const { issuerRoot } = await inForce();
    return issuerRoot === fingerprintsOf(second.roots)[0] && late.keeper.credentials !== undefined;
  });
  await proxy.sink.until(() => proxy.sink.get('trust', 'cluster.local')!.roots.length === 2);
  assert.deepEqual((await inForce()).problems, []);
  assert.ok(!injector.lines.some(line => /forbidden/i.test(JSON.stringify(line))), 'no right is missing');
  await writeCaSecret(api.client, 'mesh-ca', first.parts);
});

test('what nobody approves, what is denied and an issuer that is not there are told in words', {
  skip: noCertManager,
}, async context => {
  // A control plane that was killed may have left one.
  await good(api.client.call({ method: 'DELETE', path: requests }));
  await startCertManager(context, api.kubeconfig, { approves: false });
  await makeCaIssuer(api.client, 'mesh-ca', 'mesh-ca');
  const unanswered = (await sign(await openIssuer(context, 'mesh-ca', 2_000))) as WeftError;
  assert.equal(unanswered.code, 'issuer-unreachable');
  await until('the unanswered request to be deleted', async () => (await listed()).length === 0);

  const patient = await openIssuer(context, 'mesh-ca', 60_000);
  const decide = async (type: string, message: string) => {
    await until('a request', async () => (await listed()).length > 0);
    const { name } = (await listed())[0]!.metadata as { name: string };
    await setCondition(api.client, `${requests}/${name}`, type, message);
  };
  const [denied] = await Promise.all([sign(patient), decide('Denied', 'not on a Sunday')]);
  assert.ok(denied instanceof WeftError);
  assert.equal(denied.code, 'issuer-refused');
  assert.match(denied.message, /refused: not on a Sunday; see its issuer, and the approver policy/);
  await until('the denied request to be deleted', async () => (await listed()).length === 0);
  const [approved] = await Promise.all([sign(patient), decide('Approved', 'Monday')]);
  assert.equal(nameIn(approved), web);
  assert.deepEqual(patient.problems(), []);
});

test('an issuer that is gone is named, and certificates come again when it is back', {
  skip: noCertManager,
}, async context => {
  await startCertManager(context, api.kubeconfig);
  await makeCaIssuer(api.client, 'mesh-ca', 'mesh-ca');
  const authority = await openIssuer(context, 'mesh-ca', 10_000);
  assert.equal(nameIn(await sign(authority)), web);
  const path = `${clusterIssuers}/mesh-ca`;
  await good(api.client.call({ method: 'DELETE', path }));
  await until('the issuer to go', async () => (await api.client.call({ path })) instanceof ApiError);
  const lost = (await sign(authority)) as WeftError;
  assert.equal(lost.code, 'issuer-unreachable');
  assert.match(lost.message, /cert-manager says: .*mesh-ca.* not found/);
  await makeCaIssuer(api.client, 'mesh-ca', 'mesh-ca');
  assert.equal(nameIn(await sign(authority)), web);
});
