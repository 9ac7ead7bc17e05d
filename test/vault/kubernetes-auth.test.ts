// A real Vault (WEFT_VAULT) that asks a real API server whose token it was given, with the policy and the role of
// docs/certificates.md.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { jsonClient, RemoteAuthority, VaultIssuer } from '../../src/ca/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { createKeyAndCsr, principalOf, readCertificates } from '../../src/identity/index.ts';
import { parseSpiffe } from '../../src/model/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { noApiServer, openApiServer, type TestApiServer } from '../kubernetes/support/api-server.ts';
import { apply, makeAccount, makeNamespace, system, tokenOf, until } from '../kubernetes/support/objects.ts';

const program = process.env.WEFT_VAULT ?? '';
const skip = noApiServer || (program === '' && 'set WEFT_VAULT to the program of Vault 1.14');
const web = 'spiffe://cluster.local/ns/shop/sa/web';
let api: TestApiServer;

before(async () => {
  if (skip) return;
  api = await openApiServer();
  await makeNamespace(api.client, system);
  for (const name of ['weft-injector', 'vault', 'stranger']) await makeAccount(api.client, system, name);
  const group = 'rbac.authorization.k8s.io';
  await apply(api.client, `/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: 'vault' },
    subjects: [{ kind: 'ServiceAccount', name: 'vault', namespace: system }],
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'system:auth-delegator' },
  });
});

after(async () => {
  if (!skip) await api.close();
});

test('the control plane logs in to Vault with the token of its pod, and Vault signs what was proven', {
  skip,
}, async context => {
  const address = await startVault(context);
  const tokens = ['weft-injector', 'stranger'].map(name => tokenOf(api.client, system, name));
  const [own, strangers] = (await Promise.all(tokens)) as [string, string];
  const authority = await open(context, address, own);
  assert.ok(!(authority instanceof WeftError), String(authority));
  const signed = await authority.sign(createKeyAndCsr().csrPem, parseSpiffe(web)!, { lifetimeMs: 3_600_000 });
  assert.ok(!(signed instanceof WeftError), String(signed));
  const [leaf] = readCertificates(signed.chainPem, 'a test') as Exclude<
    ReturnType<typeof readCertificates>,
    WeftError
  >;
  assert.equal(principalOf(leaf!), web);
  assert.deepEqual(authority.problems(), []);
  const refused = await open(context, address, strangers);
  assert.ok(refused instanceof WeftError);
  assert.equal(refused.code, 'issuer-denied');
});

/** Vault in development mode, set up as docs/certificates.md says; its address. */
async function startVault(context: TestContext): Promise<string> {
  const [port = 0] = await freePorts(1);
  const address = `http://127.0.0.1:${port}`;
  const flags = ['server', '-dev', '-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${port}`];
  const child = spawn(program, flags, { stdio: 'ignore' });
  context.after(() => child.kill());
  const call = jsonClient(address);
  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call(
      { method, path: `/v1/${path}`, body, headers: { 'x-vault-token': 'root' } },
      AbortSignal.timeout(20_000),
    );
  await until('Vault', async () => (await ask('GET', 'sys/health').catch(() => undefined))?.status === 200);
  const write = async (path: string, body: object): Promise<void> => {
    const answer = await ask('POST', path, body);
    assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
  };
  await write('sys/mounts/pki', { type: 'pki', config: { max_lease_ttl: '87600h' } });
  await write('pki/root/generate/internal', {
    common_name: 'mesh root',
    ttl: '87600h',
    key_type: 'ec',
    key_bits: 256,
  });
  await write('pki/roles/weft', {
    ...{ allowed_uri_sans: 'spiffe://cluster.local/*', require_cn: false, use_csr_common_name: false },
    ...{ use_csr_sans: false, key_type: 'ec', key_bits: 256, server_flag: true, client_flag: true },
    ...{ not_before_duration: '360s', max_ttl: '168h', allow_bare_domains: true },
    allowed_domains: 'weft-injector.weft-system.svc,weft-injector.weft-system.svc.cluster.local',
  });
  const policy = [
    ['pki/sign/weft', 'update'],
    ['pki/issuers', 'list'],
    ['pki/issuer/+/json', 'read'],
  ].map(([path, right]) => `path "${path}" { capabilities = ["${right}"] }`);
  await write('sys/policies/acl/weft', { policy: policy.join('\n') });
  await write('sys/auth/kubernetes', { type: 'kubernetes' });
  const { server, ...cluster } = clusterOf(api.kubeconfig);
  await write('auth/kubernetes/config', {
    ...{ kubernetes_host: server, kubernetes_ca_cert: cluster.ca, disable_local_ca_jwt: true },
    token_reviewer_jwt: await tokenOf(api.client, system, 'vault'),
  });
  await write('auth/kubernetes/role/weft-injector', {
    ...{ bound_service_account_names: 'weft-injector', bound_service_account_namespaces: system },
    token_policies: 'weft',
  });
  return address;
}

function clusterOf(kubeconfig: string): { readonly server: string; readonly ca: string } {
  const { clusters } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data'?: string } }[];
  };
  const { server, 'certificate-authority-data': data = '' } = clusters[0]!.cluster;
  return { server, ca: Buffer.from(data, 'base64').toString('utf8') };
}

/** An authority with this token; the first error where its roots cannot be had. */
async function open(
  context: TestContext,
  address: string,
  token: string,
): Promise<RemoteAuthority | WeftError> {
  const stop = new AbortController();
  context.after(() => stop.abort());
  const issuer = new VaultIssuer({
    ...{ address, mount: 'pki', role: 'weft', clock: systemClock, call: jsonClient(address) },
    auth: { kind: 'kubernetes', mount: 'kubernetes', role: 'weft-injector', token: async () => token },
  });
  let failed: WeftError | undefined;
  const opened = await RemoteAuthority.open({ issuer, clock: systemClock, signal: stop.signal }, error => {
    failed = error;
    stop.abort();
  });
  return opened ?? failed!;
}
