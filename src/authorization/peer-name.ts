// What a SPIFFE id says, taken apart once for each that is seen.

/** The parts of a SPIFFE id in Kubernetes' layout; '' for what it does not say. */
export interface PeerName {
  readonly trustDomain: string;
  readonly namespace: string;
  /** `namespace/name` */
  readonly serviceAccount: string;
}

const nobody: PeerName = { trustDomain: '', namespace: '', serviceAccount: '' };
/** Identities that call one workload; more are taken apart again. */
const maxKnown = 1024;
const known = new Map<string, PeerName>();

/**
 * Istio compares namespaces with the pattern `.+/ns/NS/.+` and service accounts with `spiffe://.+/ns/NS/(.+/|)sa/SA(/.+)?`: what
 * other issuers put between or behind does not count.
 */
export function peerName(principal: string): PeerName {
  if (principal === '') return nobody;
  let name = known.get(principal);
  if (name !== undefined) return name;
  name = read(principal);
  if (known.size >= maxKnown) known.clear();
  known.set(principal, name);
  return name;
}

/**
 * Of an identity of another trust domain only that is known: `payments` of a partner is not our own namespace `payments`, and a
 * rule that names the one must not mean the other. Principals and trust domains name it.
 */
export function foreignName(principal: string): PeerName {
  return { ...nobody, trustDomain: peerName(principal).trustDomain };
}

function read(principal: string): PeerName {
  const [, trustDomain = '', path = ''] = /^spiffe:\/\/([^/]+)(\/.*)?$/.exec(principal) ?? [];
  const [, namespace = ''] = /\/ns\/([^/]+)\//.exec(path) ?? [];
  const [, account = ''] = /\/ns\/[^/]+\/(?:.+\/)?sa\/([^/]+)(?:\/.+)?$/.exec(path) ?? [];
  return { trustDomain, namespace, serviceAccount: account === '' ? '' : `${namespace}/${account}` };
}
