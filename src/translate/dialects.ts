import { consul } from './consul/index.ts';
import type { KindTranslator } from './dialect.ts';
import { gateway } from './gateway/index.ts';
import { haproxy } from './haproxy/index.ts';
import { ingress } from './ingress/index.ts';
import { istio } from './istio/index.ts';
import { kubernetes } from './kubernetes/index.ts';
import { linkerd } from './linkerd/index.ts';
import { smi } from './smi/index.ts';
import { traefik } from './traefik/index.ts';
import { weft } from './weft/index.ts';

/** Every kind that Weft reads. A new dialect is a folder beside these and a line here. */
export const dialects: readonly KindTranslator[] = [
  ...kubernetes,
  ...istio,
  ...gateway,
  ...ingress,
  ...haproxy,
  ...traefik,
  ...smi,
  ...linkerd,
  ...consul,
  ...weft,
];

/** Kinds of policies: all that are read but those that make up a cluster itself. A server may or may not have them. */
export const policyKinds: readonly string[] = [...new Set(dialects.map(each => each.kind))].filter(
  kind => !kubernetes.some(each => each.kind === kind),
);

/** API groups whose objects people expect a mesh to obey. */
const meshGroups = [
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'split.smi-spec.io',
  'specs.smi-spec.io',
  'access.smi-spec.io',
  'linkerd.io',
  'policy.linkerd.io',
  'gateway.networking.k8s.io',
  'consul.hashicorp.com',
  'policy.weft.dev',
];

/** What can be said in words that are read. */
const INSTEAD: Readonly<Record<string, string>> = {
  'EgressNetwork.policy.linkerd.io':
    'a Sidecar with outboundTrafficPolicy REGISTRY_ONLY, and a ServiceEntry for what may be reached',
  'HTTPLocalRateLimitPolicy.policy.linkerd.io': 'a RateLimit of policy.weft.dev',
};

/** Why an object of a kind that no dialect reads has no effect; undefined where nobody would expect one. */
export function ignoredKind(kind: string): string | undefined {
  const dot = kind.indexOf('.');
  if (dot < 0 || !meshGroups.includes(kind.slice(dot + 1))) return undefined;
  const instead = INSTEAD[kind];
  const words = `${kind.slice(0, dot)} is not supported yet; this object has no effect`;
  return instead === undefined ? words : `${words}. Write ${instead}`;
}
