// Certificates for the proxies of the bench: one authority, ECDSA P-256 all the way, usable by Weft and by every peer.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from '../src/ca/index.ts';
import { createKeyAndCsr } from '../src/identity/index.ts';
import type { Identity } from '../src/model/index.ts';
import { systemClock } from '../src/time/index.ts';

/** One side of the full path. */
export interface BenchIdentity {
  readonly principal: string;
  /** Also a name in the certificate, for peers that check names and no SPIFFE ids. */
  readonly dnsName: string;
  readonly keyPem: string;
  readonly chainPem: string;
  /** Files with the same. `bundle` is chain and key together, as HAProxy wants it. */
  readonly files: { readonly key: string; readonly chain: string; readonly bundle: string };
}

/** Who takes part. */
export interface Identities {
  readonly roots: readonly string[];
  readonly rootFile: string;
  readonly client: BenchIdentity;
  readonly server: BenchIdentity;
}

/** Makes them and writes them to `folder`. */
export function createIdentities(folder: string): Identities {
  const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
  const rootFile = join(folder, 'root.pem');
  writeFileSync(rootFile, authority.roots.join(''));
  const create = (name: string): BenchIdentity => {
    const identity: Identity = { trustDomain: 'cluster.local', namespace: 'bench', serviceAccount: name };
    const dnsName = `${name}.bench.svc.cluster.local`;
    const { keyPem, csrPem } = createKeyAndCsr();
    const signed = authority.sign(csrPem, identity, { lifetimeMs: 24 * 3_600_000, dnsNames: [dnsName] });
    if (signed instanceof Error) throw signed;
    const file = (kind: string, text: string): string => {
      const path = join(folder, `${name}-${kind}.pem`);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const files = {
      key: file('key', keyPem),
      chain: file('chain', signed.chainPem),
      bundle: file('bundle', signed.chainPem + keyPem),
    };
    const principal = `spiffe://cluster.local/ns/bench/sa/${name}`;
    return { principal, dnsName, keyPem, chainPem: signed.chainPem, files };
  };
  return { roots: authority.roots, rootFile, client: create('client'), server: create('server') };
}

/** Files of a certificate that signs itself; `bundle` is chain and key together. */
export interface EdgeCertificate {
  readonly key: string;
  readonly chain: string;
  readonly bundle: string;
}

/** One of `edge.example`: ECDSA P-256, or RSA of 2,048 bits. */
export function edgeCertificate(folder: string, kind: 'ecdsa' | 'rsa'): EdgeCertificate {
  const file = (part: string): string => join(folder, `edge-${kind}-${part}.pem`);
  const files = { key: file('key'), chain: file('chain'), bundle: file('bundle') };
  const algorithm =
    kind === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const named = ['-subj', '/CN=edge.example', '-addext', 'subjectAltName=DNS:edge.example'];
  const out = ['-keyout', files.key, '-out', files.chain];
  execFileSync('openssl', ['req', '-x509', ...algorithm, '-nodes', '-days', '2', ...named, ...out], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  writeFileSync(files.bundle, readFileSync(files.chain, 'utf8') + readFileSync(files.key, 'utf8'), {
    mode: 0o600,
  });
  return files;
}
