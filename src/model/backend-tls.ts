import type { CredentialRef, TlsVersion } from './gateway.ts';
import type { Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';

/** One of the names that the certificate of an upstream may be for. A host may be `*.example.com`. */
export interface ExpectedName {
  readonly type: 'host' | 'uri';
  readonly name: string;
}

/** How gateways, and sidecars for requests in clear, speak TLS to what stands behind a Service (BackendTLSPolicy). */
export interface BackendTls {
  /** The Service's. */
  readonly host: string;
  /** Name of the Service's port; undefined for all ports that nothing else is said of. */
  readonly portName?: string;
  /** Sent as SNI; what the certificate is for, unless `expected` says otherwise. */
  readonly serverName: string;
  readonly expected?: readonly ExpectedName[];
  /** Who may have signed the certificate: the authorities of the operating system, or those in ConfigMaps (`ca.crt`). */
  readonly authorities: 'system' | readonly CredentialRef[];
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly from: ObjectRef;
}

/**
 * That a policy names a Secret for upstreams, in the namespace of whoever connects: who may be told the key in it follows from
 * these. Gateways, and of `selector` also the workloads of `namespace` that it chooses.
 */
export interface UpstreamCredential {
  /** The Secret's. */
  readonly name: string;
  /** The policy's. */
  readonly namespace: string;
  readonly selector?: Labels;
  /** Where the policy says it, for problems. */
  readonly path: string;
  readonly from: ObjectRef;
}

/** What is said of this port; `all`: of its host, in the order in which they count. */
export function backendTlsOf(
  all: readonly BackendTls[],
  portName: string | undefined,
): BackendTls | undefined {
  const named = portName === undefined ? undefined : all.find(each => each.portName === portName);
  return named ?? all.find(each => each.portName === undefined);
}
