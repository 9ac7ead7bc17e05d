// Rotations and revocations under load, through the real control plane and real proxies.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CertificateAuthority, fingerprintsOf, rootOfChain } from '../../src/ca/index.ts';
import { DOUBLE_ROOT_TOKEN, VaultDouble } from '../../src/ca/testing/vault-double.ts';
import { folderPlace } from '../../src/cli/ca/place.ts';
import { type ProxyIdentity, readIdentity } from '../../src/cli/ca/readiness.ts';
import { replaceNow, rotate, rotateBack } from '../../src/cli/ca/rotate.ts';
import { systemClock } from '../../src/time/index.ts';
import { IdentityMesh, type MeshProxy, until } from './identity-mesh.ts';

const wish = { trustDomain: 'cluster.local', waitMs: 60_000 };

function partsOf(mesh: IdentityMesh, proxies: Readonly<Record<string, MeshProxy>>) {
  const said: string[] = [];
  return {
    said,
    place: folderPlace(mesh.caDir),
    proxies: async (): Promise<readonly ProxyIdentity[]> =>
      Object.entries(proxies).map(([pod, { metrics }]) => ({
        pod: `shop/${pod}`,
        ...readIdentity(metrics()),
      })),
    clock: systemClock,
    say: (line: string) => void said.push(line),
  };
}

test('a root is rotated under load, forth and back and forth, without a restart and without a failed request', async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '20s' });
  const proxies = await mesh.proxies();
  const parts = partsOf(mesh, proxies);
  const old = rootOfChain((await parts.place.read()).parts);
  assert.equal(await mesh.request(), '200');
  const stop = mesh.load();
  await rotate(parts, wish);
  await rotateBack(parts);
  await rotate(parts, { ...wish, all: true });
  const load = await stop();
  assert.deepEqual(load.failed, []);
  assert.ok(load.sent > 500, `${load.sent} requests`);
  const [fresh, ...others] = (await parts.place.read()).parts.roots;
  assert.deepEqual(others, []);
  assert.notEqual(fingerprintsOf([fresh!])[0], old);
  await until('the old root is trusted by nobody', () =>
    Object.values(proxies).every(({ tls }) => tls.certificates!.roots.length === 1),
  );
  assert.equal(await mesh.request(), '200');
});

test('a step for which a proxy is not ready is refused by its name, and nothing is written', async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '1h' });
  const proxies = await mesh.proxies();
  const parts = partsOf(mesh, proxies);
  await rotate(parts, wish);
  const announced = await parts.place.read();
  const straggler = { pod: 'shop/old-0', trusts: fingerprintsOf(announced.previous?.roots ?? []), root: '' };
  const some = { ...parts, proxies: async () => [...(await parts.proxies()), straggler] };
  await assert.rejects(rotate(some, wish), {
    code: 'rotation-too-early',
    message: /shop\/old-0: it does not trust the new root yet.*--force/,
  });
  assert.deepEqual(await parts.place.read(), announced);
  await until('both trust both', () =>
    Object.values(proxies).every(({ tls }) => tls.certificates!.roots.length === 2),
  );
  await rotate(parts, wish);
  await assert.rejects(rotate(parts, wish), /its certificate leads to the old root still/);
});

test('an authority that has run out is mended with one command', async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '1h' });
  const { web, front } = await mesh.proxies();
  const place = folderPlace(mesh.caDir);
  const short = CertificateAuthority.createRoot({
    trustDomain: 'cluster.local',
    clock: systemClock,
    lifetimeMs: 14_000,
  });
  // Everything now hangs on a root of seconds.
  await place.write({ parts: short.parts, distrusted: fingerprintsOf((await place.read()).parts.roots) });
  const expired = await import('node:crypto').then(
    ({ X509Certificate }) => new X509Certificate(short.roots[0]!),
  );
  await until('it has run out', () => Date.now() > expired.validToDate.getTime() + 500);
  assert.notEqual(await mesh.request(), '200');
  await replaceNow(partsOf(mesh, { web, front }), wish);
  let outcome = '';
  const asking = setInterval(() => void mesh.request().then(each => (outcome = each)), 200);
  context.after(() => clearInterval(asking));
  await until('requests pass again', () => outcome === '200');
});

test('a revoked identity is out within seconds, on open connections too, gets no certificate, and comes back', async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '1h' });
  const { web } = await mesh.proxies();
  assert.equal(await mesh.request(), '200');
  const place = folderPlace(mesh.caDir);
  const principal = 'spiffe://cluster.local/ns/shop/sa/front';
  const since = performance.now();
  await place.revoke([{ principal, why: 'stolen' }]);
  await until('the open connection is broken off', () => web.tls.peers.brokenOff > 0);
  const tookMs = performance.now() - since;
  assert.ok(tookMs < 5_000, `${Math.round(tookMs)} ms`);
  assert.match(await mesh.request(), /^503/);
  await place.revoke([]);
  let outcome = '';
  const asking = setInterval(() => void mesh.request().then(each => (outcome = each)), 200);
  context.after(() => clearInterval(asking));
  await until('it is let in again', () => outcome === '200');
});

test('the trust domain is renamed under load, by way of an alias: no request fails, and old proxies go on', async context => {
  const mesh = await IdentityMesh.start(context, {
    certificateLifetime: '20s',
    trustDomainAlias: 'new.example',
  });
  const { web, front } = await mesh.proxies();
  assert.equal(await mesh.request(), '200');
  const stop = mesh.load();
  // Every proxy knows the new name by now: the control plane takes it, and the old one becomes the alias.
  mesh.stopInjector();
  await mesh.startInjector({ trustDomain: 'new.example', trustDomainAlias: 'cluster.local' });
  await until('both have certificates under the new name', () =>
    [web, front].every(({ tls }) => tls.principal.startsWith('spiffe://new.example/')),
  );
  assert.equal(await mesh.request(), '200');
  const load = await stop();
  assert.deepEqual(load.failed, []);
  assert.ok(load.sent > 100, `${load.sent} requests`);
});

test("the issuer changes under load to Vault's without a failed request", async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '20s' });
  const { web, front } = await mesh.proxies();
  const parts = partsOf(mesh, { web, front });
  const vault = new VaultDouble();
  await vault.start();
  context.after(() => vault.close());
  const settings = join(mesh.folder, 'issuer.yaml');
  writeFileSync(join(mesh.folder, 'vault-token'), DOUBLE_ROOT_TOKEN);
  const login = { address: vault.address, role: 'weft', tokenFile: join(mesh.folder, 'vault-token') };
  writeFileSync(settings, JSON.stringify({ vault: login, trustAlso: join(mesh.caDir, 'root-cert.pem') }));
  const stop = mesh.load();
  // Vault's root is announced as any other is, before anything is issued under it.
  const record = await parts.place.read();
  const roots = [...record.parts.roots, ...vault.issuers[0]!.roots];
  await parts.place.write({ ...record, parts: { ...record.parts, roots } });
  await until('both trust both', () => [web, front].every(({ tls }) => tls.certificates!.roots.length === 2));
  mesh.stopInjector();
  await mesh.startInjector({ issuer: settings });
  const vaults = fingerprintsOf(vault.issuers[0]!.roots)[0];
  const under = (root: string | undefined) => () =>
    [web, front].every(({ metrics }) => readIdentity(metrics()).root === root);
  await until("both have certificates under Vault's root", under(vaults));
  const load = await stop();
  assert.deepEqual(load.failed, []);
});
