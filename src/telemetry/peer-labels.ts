import type { Peer } from '../model/index.ts';
import { labelText } from './exposition.ts';
import { OVERFLOW } from './peer-names.ts';

/** What Istio's standard metrics say about who talks to whom. */
export interface PeerLabels {
  /** `source` for the caller's proxy, `destination` for the callee's. */
  readonly reporter: 'source' | 'destination';
  readonly source: Peer;
  readonly destination: Peer;
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string };
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** Whether the connection between the proxies was mesh TLS; Istio's client side says `unknown` when it is not. */
  readonly mutualTls: boolean;
}

/** A peer that nothing is known about. */
export const UNKNOWN_PEER: Peer = {
  workload: '',
  namespace: '',
  app: '',
  version: '',
  principal: '',
  pod: '',
};

/** Who is on the other side, as its certificate proves it; '' where there is none. */
export function peerOf({ reporter, source, destination, mutualTls }: PeerLabels): string {
  if (!mutualTls) return '';
  return reporter === 'source' ? destination.principal : source.principal;
}

const orUnknown = (text: string): string => (text === '' ? 'unknown' : text);

/** The labels of https://istio.io/latest/docs/reference/config/metrics/ as text, except status and flags. */
export function peerLabelText(labels: PeerLabels): string {
  const { source, destination, service } = labels;
  const security = labels.mutualTls ? 'mutual_tls' : labels.reporter === 'source' ? 'unknown' : 'none';
  return labelText({
    reporter: labels.reporter,
    source_workload: orUnknown(source.workload),
    source_workload_namespace: orUnknown(source.namespace),
    source_principal: orUnknown(labels.mutualTls ? source.principal : ''),
    source_app: orUnknown(source.app),
    source_version: orUnknown(source.version),
    source_canonical_service: orUnknown(source.app),
    source_canonical_revision: orUnknown(source.version),
    source_cluster: 'Kubernetes',
    destination_workload: orUnknown(destination.workload),
    destination_workload_namespace: orUnknown(destination.namespace),
    destination_principal: orUnknown(labels.mutualTls ? destination.principal : ''),
    destination_app: orUnknown(destination.app),
    destination_version: orUnknown(destination.version),
    destination_canonical_service: orUnknown(destination.app),
    destination_canonical_revision: orUnknown(destination.version),
    destination_cluster: 'Kubernetes',
    destination_service: orUnknown(service.host),
    destination_service_name: orUnknown(service.name),
    destination_service_namespace: orUnknown(service.namespace),
    request_protocol: labels.protocol,
    connection_security_policy: security,
  });
}

const overflowPeer: Peer = {
  workload: OVERFLOW,
  namespace: OVERFLOW,
  app: OVERFLOW,
  version: OVERFLOW,
  principal: OVERFLOW,
  pod: '',
};

/**
 * The labels of the series that counts what there is no room for: every label is there, so that sums by any of them still add up,
 * and what is not about this workload itself says `overflow`.
 */
export function overflowLabelText(labels: PeerLabels): string {
  const other = labels.reporter === 'source' ? { destination: overflowPeer } : { source: overflowPeer };
  const service = { host: OVERFLOW, name: OVERFLOW, namespace: OVERFLOW };
  return mergeLabels(peerLabelText({ ...labels, ...other, service }), 'overflow="true"');
}

/** Joins two label texts. */
export function mergeLabels(first: string, second: string): string {
  return first === '' ? second : `${first},${second}`;
}
