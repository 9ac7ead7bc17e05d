import {
  type CertificateIssuer,
  credentialKey,
  type Gateway,
  type IssuedCertificate,
  type Mesh,
  mayName,
} from '../model/index.ts';
import type { CertificateWish } from './standing.ts';

/** The certificates that the gateways of a mesh want of issuers: of those that are `served`. */
export function wishesOf(mesh: Mesh, served: (gateway: Gateway) => boolean): readonly CertificateWish[] {
  const wanted = new Map<string, { readonly gateway: Gateway; readonly issued: IssuedCertificate }>();
  for (const gateways of mesh.gateways.values()) {
    for (const gateway of gateways) {
      if (!served(gateway)) continue;
      for (const { tls } of gateway.listeners)
        for (const issued of tls?.issued ?? []) join(wanted, gateway, issued);
    }
  }
  return [...wanted.values()].flatMap(({ gateway, issued }) => {
    const issuer = mesh.certificateIssuers.get(issued.issuer)?.[0];
    const { secret, names } = issued;
    const grants = mesh.credentialGrants.get(secret.namespace) ?? [];
    if (issuer === undefined || names.length === 0 || !mayName(gateway, secret, grants)) return [];
    // No server would sign: it is not asked (translate/ tells the author).
    if (issuer.challenge !== 'dns-01' && names.some(each => each.startsWith('*.'))) return [];
    return [
      {
        secret,
        names: [...names].sort(),
        issuer: settingsOf(issuer),
        seen: seenOf(mesh, issued),
        from: gateway.from,
      },
    ];
  });
}

/** Listeners that name one Secret share a certificate. Of two issuers the first counts. */
function join(
  wanted: Map<string, { readonly gateway: Gateway; readonly issued: IssuedCertificate }>,
  gateway: Gateway,
  issued: IssuedCertificate,
): void {
  const key = credentialKey(issued.secret);
  const known = wanted.get(key);
  if (known === undefined) {
    wanted.set(key, { gateway, issued });
    return;
  }
  if (known.issued.issuer !== issued.issuer) return;
  const names = [...new Set([...known.issued.names, ...issued.names])];
  wanted.set(key, { gateway: known.gateway, issued: { ...known.issued, names } });
}

function settingsOf({ problems: _, ...issuer }: CertificateIssuer): CertificateIssuer {
  return issuer;
}

/** Without private keys. */
function seenOf(mesh: Mesh, { secret }: IssuedCertificate): string {
  const found = mesh.credentials.get(credentialKey(secret))?.[0];
  return found === undefined ? '' : `${found.failure ?? ''} ${(found.data['tls.crt'] ?? '').slice(0, 400)}`;
}
