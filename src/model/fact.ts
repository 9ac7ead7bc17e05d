import { POLICY_KINDS, type PolicyKind } from './policy-kinds.ts';

/**
 * Names of facts: a fact is one thing about a Mesh that can change by itself. translate/ says which facts a change touched,
 * resolve/ says which facts a result rests on (also those it looked for and did not find), and discovery/ recomputes the
 * results whose facts were touched. Whoever adds something to Mesh that resolve reads adds its fact here.
 */
export const fact = {
  /** A Service but for its endpoints. Key: see Mesh. */
  service: (key: string): string => `service ${key}`,
  /** The endpoints of a Service. Key: see Mesh. */
  endpoints: (key: string): string => `endpoints ${key}`,
  /** Which Service has this fully qualified host. */
  host: (host: string): string => `host ${host}`,
  /** Which Services or which workload have this address; keys of addresses: see Mesh. */
  address: (address: string): string => `address ${address}`,
  /** Which Service ports this endpoint address stands behind. */
  backing: (address: string): string => `backing ${address}`,
  /** Which Services stand under this label, and their selectors; keys of labels: see `selectorKey`. */
  selecting: (label: string): string => `selecting ${label}`,
  /** A workload. Key: see Mesh. */
  workload: (key: string): string => `workload ${key}`,
  /** The policies of a kind in a group: see POLICY_KINDS. */
  policies: (kind: PolicyKind, group: string): string => `${POLICY_KINDS[kind].fact} ${group}`,
  /** Which external Services have this host or wildcard. */
  externals: (host: string): string => `externals ${host}`,
  /** Which external Services have ranges of addresses. */
  addressRanges: (): string => 'address-ranges',
  /** Whether there are names that only a request tells apart on this port: external Services, and hosts that only routes know. */
  namedPort: (port: number): string => `named-port ${port}`,
  /** Which labels of callers anything depends on. */
  callerLabels: (): string => 'caller-labels',
  /** How paths are normalised. */
  pathNormalization: (): string => 'path-normalization',
  /** Whether requests are upgraded to HTTP/2 between proxies. */
  h2Upgrade: (): string => 'h2-upgrade',
  /** What the mesh's settings say about telemetry. */
  telemetrySettings: (): string => 'telemetry-settings',
  /** Who may be asked whether requests pass. */
  authorizers: (): string => 'authorizers',
  /** Under which names the trust domain is known. */
  trustDomains: (): string => 'trust-domains',
  /** A node. Key: see Mesh. */
  node: (name: string): string => `node ${name}`,
} as const;
