import type { Peer } from '../model/index.ts';
import type { Attributes, SpanSource } from './span.ts';

/** What a proxy knows about itself from its start on. */
export interface Identity {
  readonly pod: string;
  readonly namespace: string;
  /** Its first address; '' when it was not told. */
  readonly address: string;
  readonly node: string;
  /** Also Istio's mesh id. */
  readonly trustDomain: string;
  readonly clusterDomain: string;
}

/** Whose spans they are, in words of OpenTelemetry, and of Istio where `istioTags`. */
export function sourceOf(self: Peer, identity: Identity, istioTags: boolean): SpanSource {
  const namespace = self.namespace || identity.namespace;
  const app = self.app || self.workload || identity.pod;
  const pod = self.pod || identity.pod;
  const attributes: Attributes = {
    'service.namespace': namespace,
    'k8s.namespace.name': namespace,
    'k8s.pod.name': pod,
    // Kiali finds the workload of a span by it.
    node_id: `sidecar~${identity.address}~${pod}.${namespace}~${namespace}.svc.${identity.clusterDomain}`,
  };
  if (self.version !== '') attributes['service.version'] = self.version;
  if (identity.node !== '') attributes['k8s.node.name'] = identity.node;
  if (istioTags) {
    attributes['istio.canonical_service'] = app;
    attributes['istio.canonical_revision'] = self.version || 'latest';
    attributes['istio.namespace'] = namespace;
    attributes['istio.mesh_id'] = identity.trustDomain;
    attributes['istio.cluster_id'] = 'Kubernetes';
  }
  return { service: `${app}.${namespace}`, address: identity.address, attributes };
}
