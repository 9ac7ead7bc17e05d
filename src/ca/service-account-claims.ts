import { WeftError } from '../errors/index.ts';
import { formatSpiffe, parseSpiffe } from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import type { TokenProof } from './token-verifier.ts';

/** The private claims of a bound ServiceAccount token, under `kubernetes.io` (Kubernetes KEP-1205). */
export interface ServiceAccountClaims {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string };
  readonly pod?: { readonly name: string; readonly uid?: string };
}

/** Claim that holds them. */
export const SERVICE_ACCOUNT_CLAIM = 'kubernetes.io';

/** `sub` of a ServiceAccount's token. */
export function subjectOf(namespace: string, serviceAccount: string): string {
  return `system:serviceaccount:${namespace}:${serviceAccount}`;
}

/** Whom verified claims speak for. The subject and the private claims must say the same. */
export function proofOf(
  claims: Readonly<Record<string, unknown>>,
  trustDomain: string,
): TokenProof | WeftError {
  const own = recordOf(claims[SERVICE_ACCOUNT_CLAIM]);
  const { namespace } = own;
  const { name: serviceAccount } = recordOf(own.serviceaccount);
  const { name: pod, uid } = recordOf(own.pod);
  if (typeof namespace !== 'string' || typeof serviceAccount !== 'string') {
    return refuse("has no 'kubernetes.io' claim with namespace and serviceaccount");
  }
  if (pod !== undefined && typeof pod !== 'string')
    return refuse('names its pod in a claim that is not text');
  if (claims.sub !== subjectOf(namespace, serviceAccount)) {
    return refuse("says one ServiceAccount in its subject and another in its 'kubernetes.io' claim");
  }
  const identity = { trustDomain, namespace, serviceAccount };
  if (!parseSpiffe(formatSpiffe(identity))) {
    return refuse('names a namespace or ServiceAccount that is not a Kubernetes name');
  }
  if (pod === undefined) return { identity };
  return { identity, pod, ...(typeof uid === 'string' && uid !== '' && { podUid: uid }) };
}

function refuse(why: string): WeftError {
  return new WeftError(
    'token-claims',
    `the token ${why}; mount a projected ServiceAccount token (volume source serviceAccountToken)`,
    { source: 'downstream' },
  );
}
