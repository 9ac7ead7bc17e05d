// Issuers over the network: against a double of Vault's API, against the real Vault where WEFT_VAULT names the program, and
// against a double of cert-manager.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr, fingerprintOf, principalOf, readCertificates } from '../identity/index.ts';
import { type Identity, parseSpiffe } from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import { FakeClock, systemClock } from '../time/index.ts';
import { freePort } from '../wire/testing/ports.ts';
import {
  CertificateAuthority,
  CertManagerIssuer,
  jsonClient,
  type KubeRequest,
  RemoteAuthority,
  type RemoteAuthorityOptions,
  type RemoteIssuer,
  type SignedChain,
  VaultIssuer,
} from './index.ts';
import { DOUBLE_ROOT_TOKEN, VaultDouble } from './testing/vault-double.ts';

const web = 'spiffe://cluster.local/ns/shop/sa/web';
const identity = (uri: string): Identity => parseSpiffe(uri)!;

async function opened(
  context: TestContext,
  issuer: RemoteIssuer,
  given: Partial<RemoteAuthorityOptions> = {},
): Promise<RemoteAuthority> {
  const stop = new AbortController();
  context.after(() => stop.abort());
  const options = { issuer, clock: systemClock, signal: stop.signal, ...given };
  const authority = await RemoteAuthority.open(options, error => {
    throw error;
  });
  return authority!;
}

function certificate(signed: SignedChain | WeftError) {
  assert.ok(!(signed instanceof WeftError), String(signed));
  const found = readCertificates(signed.chainPem, 'a test');
  assert.ok(!(found instanceof WeftError));
  return found[0]!;
}

function vaultIssuer(address: string, token: () => string): VaultIssuer {
  return new VaultIssuer({
    ...{ address, mount: 'pki', role: 'weft', clock: systemClock, call: jsonClient(address) },
    auth: { kind: 'token', token: async () => token() },
  });
}

async function signsWhatWasProven(authority: RemoteAuthority): Promise<void> {
  const { csrPem } = createKeyAndCsr({ uri: 'spiffe://cluster.local/ns/shop/sa/somebody-else' });
  const signed = await authority.sign(csrPem, identity(web), { lifetimeMs: 3_600_000, dnsNames: [] });
  const leaf = certificate(signed);
  assert.equal(principalOf(leaf), web);
  assert.equal(leaf.ca, false);
  assert.equal(authority.issuerRoot, fingerprintOf(authority.roots[0]!));
  assert.ok(authority.expiries().some(({ role, active }) => role === 'root' && active));
  assert.deepEqual(authority.problems(), []);
}

test("Vault's PKI signs the names that were proven, not those of the request", async context => {
  const vault = new VaultDouble();
  await vault.start();
  context.after(() => vault.close());
  await signsWhatWasProven(
    await opened(
      context,
      vaultIssuer(vault.address, () => DOUBLE_ROOT_TOKEN),
    ),
  );
});

test('a login with the token of the pod is made once, and again when the token is good no more', async context => {
  const vault = new VaultDouble();
  await vault.start();
  context.after(() => vault.close());
  vault.jwts.add('pod-token');
  const authority = await opened(
    context,
    new VaultIssuer({
      ...{ address: vault.address, mount: 'pki', role: 'weft', clock: systemClock },
      call: jsonClient(vault.address),
      auth: {
        kind: 'kubernetes',
        mount: 'kubernetes',
        role: 'weft-injector',
        token: async () => 'pod-token',
      },
    }),
  );
  const sign = () => authority.sign(createKeyAndCsr().csrPem, identity(web));
  certificate(await sign());
  assert.equal(vault.logins, 1);
  vault.tokens.clear();
  certificate(await sign());
  assert.equal(vault.logins, 2);
  vault.tokens.clear();
  vault.jwts.clear();
  const refused = await sign();
  assert.ok(refused instanceof WeftError);
  assert.equal(refused.code, 'issuer-denied');
  assert.match(authority.problems()[0]!.message, /^Vault at .*permission denied; let the policy/);
});

test('another issuer of the mount is trusted before it is the default, and then the issuer changes', async context => {
  const vault = new VaultDouble();
  await vault.start();
  context.after(() => vault.close());
  const authority = await opened(
    context,
    vaultIssuer(vault.address, () => DOUBLE_ROOT_TOKEN),
    { announceMs: 0 },
  );
  certificate(await authority.sign(createKeyAndCsr().csrPem, identity(web)));
  const changes: string[] = [];
  authority.subscribe(change => changes.push(change));
  const fresh = CertificateAuthority.createRoot({ trustDomain: 'vault-2', clock: systemClock });
  vault.issuers.push(fresh);
  await authority.refresh();
  assert.equal(authority.roots.length, 2);
  vault.issuers.reverse();
  certificate(await authority.sign(createKeyAndCsr().csrPem, identity(web)));
  assert.deepEqual(changes, ['roots', 'issuer']);
  assert.equal(authority.issuerRoot, fingerprintOf(fresh.roots[0]!));
});

test('a certificate for somebody else, a refusal and an issuer that is away are told in words and never handed on', async context => {
  const vault = new VaultDouble();
  await vault.start();
  context.after(() => vault.close());
  const authority = await opened(
    context,
    vaultIssuer(vault.address, () => DOUBLE_ROOT_TOKEN),
  );
  vault.misissues = true;
  const other = await authority.sign(createKeyAndCsr().csrPem, identity(web));
  assert.equal((other as WeftError).code, 'issuer-wrong-certificate');
  vault.misissues = false;
  const foreign = await authority.sign(createKeyAndCsr().csrPem, identity('spiffe://elsewhere/ns/a/sa/b'));
  assert.equal((foreign as WeftError).code, 'issuer-refused');
  assert.match((foreign as WeftError).message, /not allowed by this role; compare the role/);
  vault.close();
  const away = await authority.sign(createKeyAndCsr().csrPem, identity(web));
  assert.equal((away as WeftError).code, 'issuer-unreachable');
});

const program = process.env.WEFT_VAULT ?? '';

// The double stands for it elsewhere.
if (program !== '')
  test('the real Vault signs the names that were proven, and another issuer of it is trusted', async context => {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const listen = `-dev-listen-address=127.0.0.1:${port}`;
    const child = spawn(program, ['server', '-dev', '-dev-root-token-id=root', listen], { stdio: 'ignore' });
    context.after(() => child.kill());
    const call = jsonClient(address);
    const vault = async (path: string, body: object): Promise<unknown> => {
      const headers = { 'x-vault-token': 'root' };
      const answer = await call(
        { method: 'POST', path: `/v1/${path}`, body, headers },
        AbortSignal.timeout(10_000),
      );
      assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    for (let tries = 0; ; tries++) {
      const up = await call(
        { method: 'GET', path: '/v1/sys/health', headers: {} },
        AbortSignal.timeout(2_000),
      ).catch(() => undefined);
      if (up?.status === 200) break;
      assert.ok(tries < 150, 'Vault does not come up');
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    await vault('sys/mounts/pki', { type: 'pki', config: { max_lease_ttl: '87600h' } });
    const root = { common_name: 'mesh root', ttl: '87600h', key_type: 'ec', key_bits: 256 };
    await vault('pki/root/generate/internal', root);
    await vault('pki/roles/weft', {
      ...{ allowed_uri_sans: 'spiffe://cluster.local/*', require_cn: false, use_csr_common_name: false },
      ...{ use_csr_sans: false, key_type: 'ec', key_bits: 256, not_before_duration: '360s', max_ttl: '168h' },
      ...{ allow_any_name: true, enforce_hostnames: false, server_flag: true, client_flag: true },
    });
    const authority = await opened(
      context,
      vaultIssuer(address, () => 'root'),
      { announceMs: 0 },
    );
    await signsWhatWasProven(authority);
    const refused = await authority.sign(createKeyAndCsr().csrPem, identity('spiffe://elsewhere/ns/a/sa/b'));
    assert.equal((refused as WeftError).code, 'issuer-refused');
    await vault('pki/root/rotate/internal', { ...root, issuer_name: 'second', common_name: 'mesh root 2' });
    await authority.refresh();
    assert.equal(authority.roots.length, 2);
    await vault('pki/root/replace', { default: 'second' });
    certificate(await authority.sign(createKeyAndCsr().csrPem, identity(web)));
    assert.equal(authority.issuerRoot, fingerprintOf(authority.roots[1]!));
  });

/** cert-manager with a CA issuer behind it: signs what the request says, as the real one does. */
class CertManagerDouble {
  readonly authority = CertificateAuthority.createRoot({ trustDomain: 'cm', clock: systemClock });
  readonly requests = new Map<string, Record<string, unknown>>();
  deleted = 0;
  denies = false;
  #made = 0;

  readonly request: KubeRequest = async ({ method, path, body }) => {
    const name = path.split('/').at(-1)!;
    if (method === 'POST') {
      const fresh = `weft-${this.#made++}`;
      this.requests.set(fresh, { ...recordOf(body), metadata: { name: fresh } });
      return { status: 201, body: { metadata: { name: fresh } } };
    }
    const found = this.requests.get(name);
    if (!found) return { status: 404, body: { message: 'not found' } };
    if (method === 'DELETE') {
      this.deleted++;
      this.requests.delete(name);
      return { status: 200, body: {} };
    }
    // The first look comes too early.
    if (found.seen === undefined) {
      found.seen = true;
      return { status: 200, body: { status: { conditions: [{ type: 'Approved', status: 'True' }] } } };
    }
    return { status: 200, body: { status: this.#status(recordOf(found.spec)) } };
  };

  #status(spec: Readonly<Record<string, unknown>>): object {
    if (this.denies)
      return { conditions: [{ type: 'Denied', status: 'True', message: 'no policy approved this request' }] };
    const csr = Buffer.from(String(spec.request), 'base64').toString();
    const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const at = der.indexOf('spiffe://');
    const uri = der.toString('latin1', at, at + der[at - 1]!);
    const signed = this.authority.sign(csr, identity(uri), {
      lifetimeMs: Number.parseInt(String(spec.duration), 10) * 1000,
    });
    assert.ok(!(signed instanceof WeftError));
    const encode = (text: string) => Buffer.from(text).toString('base64');
    return {
      conditions: [{ type: 'Ready', status: 'True', reason: 'Issued' }],
      certificate: encode(signed.chainPem),
      ca: encode(this.authority.roots[0]!),
    };
  }
}

async function certManager(context: TestContext) {
  const double = new CertManagerDouble();
  const issuer = new CertManagerIssuer({
    request: double.request,
    namespace: 'weft-system',
    issuer: { name: 'mesh', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    own: 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
    clock: systemClock,
  });
  return { double, authority: await opened(context, issuer) };
}

test('cert-manager signs by a CertificateRequest, which is followed and deleted', async context => {
  const { double, authority } = await certManager(context);
  assert.deepEqual(authority.roots.map(fingerprintOf), double.authority.roots.map(fingerprintOf));
  const { csrPem, keyPem } = createKeyAndCsr({ uri: web });
  const leaf = certificate(await authority.sign(csrPem, identity(web)));
  assert.equal(principalOf(leaf), web);
  assert.ok(createPublicKey(keyPem).equals(leaf.publicKey));
  assert.deepEqual([double.requests.size, double.deleted], [0, 2]);
});

test('a request whose own names are not those that were proven never reaches cert-manager', async context => {
  const { double, authority } = await certManager(context);
  const made = double.deleted;
  const requests = [
    createKeyAndCsr(),
    createKeyAndCsr({ uri: 'spiffe://cluster.local/ns/shop/sa/admin' }),
    createKeyAndCsr({ uri: web, dnsNames: ['weft-injector.weft-system.svc'] }),
  ];
  for (const { csrPem } of requests) {
    const refused = await authority.sign(csrPem, identity(web));
    assert.equal((refused as WeftError).code, 'csr-names');
  }
  assert.equal(double.deleted, made);
  const named = createKeyAndCsr({ uri: web, dnsNames: ['a.b'] });
  certificate(await authority.sign(named.csrPem, identity(web), { dnsNames: ['a.b'] }));
});

test("cert-manager's refusal is told with its words", async context => {
  const { double, authority } = await certManager(context);
  double.denies = true;
  const refused = await authority.sign(createKeyAndCsr({ uri: web }).csrPem, identity(web));
  assert.match(String(refused), /no policy approved this request; see its issuer/);
  assert.equal(double.requests.size, 0);
});

test('a new root that first shows in a certificate is announced before any certificate under it is handed out', async context => {
  const clock = new FakeClock();
  const make = () => CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
  let current = make();
  const issuer: RemoteIssuer = {
    ...{ name: 'a double', signsNamesOfRequest: false },
    roots: async () => current.roots,
    sign: async ({ csrPem, uri }) => {
      const signed = current.sign(csrPem, identity(uri));
      return signed instanceof WeftError ? signed : signed.chainPem;
    },
  };
  const authority = await opened(context, issuer, { clock });
  const sign = () => authority.sign(createKeyAndCsr().csrPem, identity(web));
  certificate(await sign());
  const old = authority.issuerRoot;
  current = make();
  const early = await sign();
  assert.ok(early instanceof WeftError);
  assert.equal(early.code, 'issuer-root-new');
  assert.equal(authority.roots.length, 2, 'it is trusted at once');
  assert.equal(authority.issuerRoot, old);
  await clock.advance(9_000);
  assert.equal(((await sign()) as WeftError).code, 'issuer-root-new');
  await clock.advance(1_000);
  certificate(await sign());
  assert.notEqual(authority.issuerRoot, old);
  assert.deepEqual(authority.problems(), []);
});

test('why cert-manager has not signed yet is told when the time is over', async context => {
  const status = {
    conditions: [
      { type: 'Ready', status: 'False', reason: 'Pending', message: 'Referenced "ClusterIssuer" not found' },
    ],
  };
  const request: KubeRequest = async ({ method }) =>
    method === 'POST'
      ? { status: 201, body: { metadata: { name: 'weft-1' } } }
      : { status: 200, body: { status } };
  const issuer = new CertManagerIssuer({
    ...{ request, namespace: 'weft-system', own: web, clock: systemClock },
    issuer: { name: 'mesh-ca', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    roots: async () =>
      CertificateAuthority.createRoot({ trustDomain: 'x', clock: systemClock }).roots.join(''),
  });
  const authority = await opened(context, issuer, { limitMs: 300 });
  const refused = await authority.sign(createKeyAndCsr({ uri: web }).csrPem, identity(web));
  assert.match(
    (refused as WeftError).message,
    /not answered in time; cert-manager says: Referenced "ClusterIssuer" not found/,
  );
});
