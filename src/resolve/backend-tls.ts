import {
  type BackendTls,
  backendTlsOf,
  certificateKey,
  credentialKey,
  type Gateway,
  mayName,
  type OriginatedTls,
  type Service,
} from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';

/** What a BackendTLSPolicy says of the Service's port; undefined where none does. */
export function backendTls(
  reader: MeshReader,
  service: Pick<Service, 'host' | 'ports'>,
  port: number,
): BackendTls | undefined {
  const all = reader.policies('backendTls', service.host);
  if (all.length === 0) return undefined;
  return backendTlsOf(all, service.ports.find(({ number }) => number === port)?.name);
}

/** The same as proxies have it. `gateway`: where it is a gateway's, which may have a certificate to show. */
export function originated(reader: MeshReader, policy: BackendTls, gateway?: Gateway): OriginatedTls {
  const { serverName, expected, authorities, minVersion, maxVersion } = policy;
  const shown = gateway?.clientCertificate;
  const isShown =
    gateway !== undefined &&
    shown !== undefined &&
    mayName(gateway, shown, reader.policies('credentialGrants', shown.namespace));
  return {
    mode: isShown ? 'mutual' : 'simple',
    serverName,
    ...(gateway === undefined && { requestsOnly: true }),
    ...(expected && { expected }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
    ...(isShown && { certificate: certificateKey(`${gateway.namespace}/${gateway.name}`, shown) }),
    ...(authorities !== 'system' && trusted(reader, authorities)),
  };
}

/** What a policy says of a Secret for an upstream, as proxies have it. `gateway`: whose certificate it is, who alone shows it. */
export function withCredential(
  reader: MeshReader,
  { credential, ...tls }: OriginatedTls,
  gateway?: Gateway,
): OriginatedTls {
  if (credential === undefined) return tls;
  const key = credentialKey(credential);
  const data = reader.policies('credentials', key)[0]?.data;
  if (data === undefined) return { ...tls, why: `nobody can be trusted: there is no ${key}` };
  // A Secret of an authority alone may have it as its certificate (HAProxy's server-ca).
  const authorities = data['ca.crt'] ?? (data['tls.key'] === undefined ? data['tls.crt'] : undefined) ?? '';
  const verifies = tls.insecureSkipVerify !== true;
  if (verifies && !authorities.includes('-----BEGIN CERTIFICATE-----'))
    return { ...tls, why: `nobody can be trusted: ${key} has no authorities (ca.crt)` };
  const isShown = gateway !== undefined && data['tls.crt'] !== undefined && data['tls.key'] !== undefined;
  return {
    ...tls,
    mode: isShown ? 'mutual' : 'simple',
    ...(isShown && { certificate: certificateKey(`${gateway.namespace}/${gateway.name}`, credential) }),
    ...(verifies && { authorities }),
  };
}

/** Of several ConfigMaps those count that are there. */
function trusted(
  reader: MeshReader,
  authorities: Exclude<BackendTls['authorities'], 'system'>,
): Pick<OriginatedTls, 'authorities' | 'why'> {
  const found = authorities.flatMap(ref => {
    const pem = reader.policies('credentials', credentialKey(ref))[0]?.data['ca.crt'] ?? '';
    return pem.includes('-----BEGIN CERTIFICATE-----') ? [pem] : [];
  });
  if (found.length > 0) return { authorities: found.join('\n') };
  const names = authorities.map(credentialKey).join(', ');
  return {
    why: `nobody can be trusted: its BackendTLSPolicy names no authority that is there${names && ` (${names}, key ca.crt)`}`,
  };
}
