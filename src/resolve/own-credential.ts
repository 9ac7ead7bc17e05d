// Secrets that DestinationRules name (credentialName): they are looked for where whoever connects runs. Who may be told the key
// in one follows from the rules that name it (UpstreamCredential).
import {
  type CredentialRef,
  certificateKey,
  credentialKey,
  matchesLabels,
  type OriginatedTls,
  ownCertificateKey,
  type ParsedCertificateKey,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { ANY_NAMESPACE, listenersOf, placed } from './joined-gateway.ts';
import type { MeshReader } from './mesh-reader.ts';
import type { AtGateway } from './targets.ts';

/**
 * TLS by the Secret that it names, as proxies have it: the authorities in it, and with mode `mutual` the key of what is shown.
 * `at`: the gateway that connects; undefined for a sidecar. What cannot be had is said in `why`, and nobody is trusted.
 */
export function withOwnCredential(
  reader: MeshReader,
  caller: Caller,
  { credential, ...tls }: OriginatedTls,
  at: AtGateway | undefined,
): OriginatedTls {
  if (credential === undefined) return tls;
  const { forSidecars, ...named } = credential;
  if (at === undefined && forSidecars !== true)
    return {
      ...tls,
      why: `its DestinationRule names Secret ${named.name}, which holds at gateways; give the rule a workloadSelector that chooses this pod, or name files`,
    };
  const ref =
    at === undefined ? { ...named, namespace: caller.namespace } : placed(named, caller, at.gateway);
  const data = dataOf(reader, ref);
  const missing = `there is no ${credentialKey(ref)} that the control plane may read; make it, and give the right (docs/rights.md)`;
  const isMutual = tls.mode === 'mutual';
  if (data === undefined && isMutual) return { ...tls, why: missing };
  if (isMutual && !(has(data, 'tls.crt', 'cert') && has(data, 'tls.key', 'key')))
    return { ...tls, why: `${credentialKey(ref)} has no certificate and key to show (tls.crt and tls.key)` };
  const shown = at === undefined ? ownCertificateKey(ref) : certificateKey(at.served, ref);
  const certificate = isMutual ? { certificate: shown } : {};
  if (tls.insecureSkipVerify === true) return { ...tls, ...certificate };
  const beside = dataOf(reader, { ...ref, name: `${ref.name}-cacert` });
  const authorities = [beside, data].map(authoritiesIn).find(each => each !== '');
  if (authorities !== undefined) return { ...tls, ...certificate, authorities };
  const nobody = 'nobody can be trusted';
  return {
    ...tls,
    why:
      data === undefined && beside === undefined
        ? `${nobody}: ${missing}`
        : `${nobody}: neither ${credentialKey(ref)} nor ${ref.name}-cacert has authorities (ca.crt or cacert)`,
  };
}

/** Whether a DestinationRule lets this proxy show the certificate: see UpstreamCredential. */
export function isNamedForUpstreams(
  reader: MeshReader,
  caller: Caller,
  { gateway, ref }: ParsedCertificateKey,
): boolean {
  if (caller.namespace !== ref.namespace && caller.namespace !== ANY_NAMESPACE) return false;
  const named = reader.policies('upstreamCredentials', ref.name);
  if (gateway !== undefined) return named.length > 0 && listenersOf(reader, caller, gateway).length > 0;
  return named.some(
    ({ namespace, selector }) =>
      selector !== undefined &&
      namespace === caller.namespace &&
      matchesLabels({ matchLabels: selector }, caller.labels),
  );
}

type Data = Readonly<Record<string, string>> | undefined;

function dataOf(reader: MeshReader, ref: CredentialRef): Data {
  return reader.policies('credentials', credentialKey(ref))[0]?.data;
}

function has(data: Data, ...either: readonly string[]): boolean {
  return either.some(key => (data?.[key] ?? '') !== '');
}

function authoritiesIn(data: Data): string {
  const found = data?.['ca.crt'] ?? data?.cacert ?? '';
  return found.includes('-----BEGIN CERTIFICATE-----') ? found : '';
}
