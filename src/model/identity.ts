/** Who a workload is: its Kubernetes ServiceAccount inside a trust domain. */
export interface Identity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const pattern =
  /^spiffe:\/\/([a-z0-9._-]{1,255})\/ns\/([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)\/sa\/([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$/;

/** `spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>` (SPIFFE-ID.md section 2, Istio's path layout). */
export function formatSpiffe(identity: Identity): string {
  return `spiffe://${identity.trustDomain}/ns/${identity.namespace}/sa/${identity.serviceAccount}`;
}

/** Reads a SPIFFE id of our layout; undefined when it is anything else. */
export function parseSpiffe(uri: string): Identity | undefined {
  const match = pattern.exec(uri);
  if (!match) return undefined;
  return { trustDomain: match[1]!, namespace: match[2]!, serviceAccount: match[4]! };
}

const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;
/** SPIFFE-ID.md section 2.2: no empty segment, no `.` or `..`, no percent encoding. */
const segmentPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;
/** SPIFFE-ID.md section 2.3. */
const MAX_SPIFFE_BYTES = 2048;

/** Whether it can be the name of a trust domain (SPIFFE-ID.md section 2.1). */
export function isTrustDomain(name: string): boolean {
  return trustDomainPattern.test(name);
}

/** Whether it is the SPIFFE id of a workload, of any layout: those of other trust domains have their own. */
export function isSpiffeId(uri: string): boolean {
  if (!uri.startsWith('spiffe://') || uri.length > MAX_SPIFFE_BYTES) return false;
  const [domain = '', ...path] = uri.slice('spiffe://'.length).split('/');
  return isTrustDomain(domain) && path.length > 0 && path.every(segment => segmentPattern.test(segment));
}

/** The trust domain of a SPIFFE id, without a look at the rest; '' where it is none. */
export function trustDomainOf(uri: string): string {
  if (!uri.startsWith('spiffe://')) return '';
  const end = uri.indexOf('/', 9);
  return end < 0 ? uri.slice(9) : uri.slice(9, end);
}

/** Whether both SPIFFE ids name one workload, where `domains` are all names of one trust domain. */
export function isSameWorkload(one: string, other: string, domains: readonly string[]): boolean {
  if (one === other) return true;
  const [first, second] = [trustDomainOf(one), trustDomainOf(other)];
  if (!domains.includes(first) || !domains.includes(second)) return false;
  return one.slice('spiffe://'.length + first.length) === other.slice('spiffe://'.length + second.length);
}
