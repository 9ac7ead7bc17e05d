// Who may reach the control plane, for clusters whose network enforces NetworkPolicies. docs/security.md has the table.
import { PORTS, revisionNames } from '../../config/index.ts';
import { PART_OF, selectorOf } from './names.ts';
import type { InstallOptions } from './options.ts';

type Json = Record<string, unknown>;

/**
 * To the pods of the control plane come: proxies of any namespace (discovery and certificates), the API server (webhook, whose
 * address no policy can name), whoever scrapes metrics, and kubectl port-forward, which no policy sees. The live API is asked
 * by port-forward and by other replicas.
 */
export function networkPolicy({ namespace, revision, machines }: InstallOptions, labels: Json): Json {
  const tcp = (port: number): Json => ({ protocol: 'TCP', port });
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: revisionNames(revision).injector, namespace, labels },
    spec: {
      podSelector: { matchLabels: selectorOf(revision) },
      policyTypes: ['Ingress'],
      ingress: [
        // Machines outside of the cluster are no pods, and come from anywhere.
        { ...(!machines && { from: [{ namespaceSelector: {} }] }), ports: [tcp(PORTS.discovery)] },
        // The API server calls the webhook and asks for weft what /debug says: from outside of the cluster's pods, or through an
        // agent, an address that differs by installation. /debug answers no pod, whoever gets as far.
        { ports: [tcp(PORTS.webhook), tcp(PORTS.controlPlaneMetrics)] },
        // Replicas of all revisions ask each other.
        { from: [{ podSelector: { matchLabels: { ...PART_OF } } }], ports: [tcp(PORTS.live)] },
      ],
    },
  };
}
