// Another issuer under load, and back: cert-manager's controller beside the cluster, `weft upgrade --issuer`, and nothing lost.
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority, fingerprintsOf } from '../../../../src/ca/index.ts';
import { systemClock } from '../../../../src/time/index.ts';
import {
  defineCertManager,
  makeCaIssuer,
  startCertManager,
  writeCaSecret,
} from '../../../cert-manager/support.ts';
import type { Claim, Context } from '../claim.ts';
import { type Cluster, until } from '../cluster.ts';
import { nothingLost } from '../shop.ts';
import { injector, isClean } from './install.ts';

interface Status {
  readonly where: string;
  readonly stage: string;
  readonly issuerRoot: string;
  readonly proxies: number;
  readonly roots: readonly { fingerprint: string; trustedBy: number; certifiedUnder: number }[];
}

const ownSecret = '/api/v1/namespaces/weft-system/secrets/weft-ca';

export const changesIssuer: Claim = {
  name: 'cert-manager signs in place of the own key, and again the own key, under load: every proxy follows and nothing is lost',
  async run(context) {
    const { cluster, shop } = context;
    const ends: (() => unknown)[] = [];
    try {
      await defineCertManager(cluster.client);
      await startCertManager({ after: end => ends.push(end as () => unknown) }, cluster.kubeconfig);
      const theirs = CertificateAuthority.createRoot({ trustDomain: 'mesh-ca', clock: systemClock });
      await writeCaSecret(cluster.client, 'mesh-ca', theirs.parts);
      await makeCaIssuer(cluster.client, 'mesh-ca', 'mesh-ca');
      const own = (await statusOf(cluster)).issuerRoot;
      const [other = ''] = fingerprintsOf(theirs.roots);
      const seconds: number[] = [];
      const report = await shop.underLoad('issuer', async () => {
        await announce(cluster, theirs.roots.join(''));
        await until('every proxy to trust the other root', async () => {
          const { roots, proxies } = await statusOf(cluster);
          return roots.find(each => each.fingerprint === other)?.trustedBy === proxies;
        });
        seconds.push(await upgrade(cluster, 'certManager: { issuer: mesh-ca }\n', other));
        const { where, stage } = await statusOf(cluster);
        assert.deepEqual([where, stage], ["cert-manager's ClusterIssuer mesh-ca", 'elsewhere']);
        const refused = await cluster.weft('ca', 'rotate');
        assert.match(refused.stderr, /ClusterIssuer mesh-ca signs here/);
        // A pod that is new gets its first certificate of it.
        await shop.restart(shop.loaded.filter(({ metadata }) => metadata.name === 'ratings'));
        seconds.push(await upgrade(cluster, undefined, own));
      });
      await isClean(cluster);
      const [there, back] = seconds.map(each => each.toFixed(0));
      return `every certificate under the other root after ${there} s, under the own again after ${back} s; ${nothingLost(report)}`;
    } finally {
      for (const end of ends) await end();
      await clear(context);
    }
  },
};

async function statusOf(cluster: Cluster): Promise<Status> {
  const { stdout, stderr } = await cluster.weft('ca', 'status', '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Status;
}

/** Beside the own root, in the Secret that the control plane follows. */
async function announce(cluster: Cluster, roots: string): Promise<void> {
  const { data } = (await cluster.call({ path: ownSecret })) as unknown as { data: Record<string, string> };
  const own = Buffer.from(data['root-cert.pem'] ?? data['ca-cert.pem']!, 'base64').toString('utf8');
  const both = Buffer.from(`${own.trimEnd()}\n${roots}`).toString('base64');
  await cluster.patch(ownSecret, { data: { 'root-cert.pem': both } });
}

/** Seconds until every proxy has a certificate under `root`. */
async function upgrade(cluster: Cluster, issuer: string | undefined, root: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-issuer-'));
  try {
    const file = issuer === undefined ? 'none' : join(folder, 'issuer.yaml');
    if (issuer !== undefined) writeFileSync(file, issuer);
    const printed = await cluster.weft('upgrade', '--issuer', file);
    assert.equal(printed.code, 0, printed.stderr);
    const startedMs = performance.now();
    await cluster.applyText(printed.stdout);
    await cluster.rolledOut([injector]);
    await until(
      `every proxy to be certified under ${root.slice(0, 16)}`,
      async () => {
        const { issuerRoot, roots, proxies } = await statusOf(cluster);
        const use = roots.find(({ fingerprint }) => fingerprint === root);
        if (issuerRoot === root && proxies > 0 && use?.certifiedUnder === proxies) return true;
        throw new Error(
          `${use?.certifiedUnder ?? 0} of ${proxies} are, and it issues under ${issuerRoot.slice(0, 16)}`,
        );
      },
      300_000,
    );
    return (performance.now() - startedMs) / 1000;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What weft uninstall knows nothing of. */
async function clear({ cluster }: Context): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const { metadata } of await cluster.list(path))
    if (/cert-manager\.io$/.test(metadata.name)) await cluster.delete(`${path}/${metadata.name}`);
  await cluster.delete('/api/v1/namespaces/weft-system/secrets/mesh-ca');
}
