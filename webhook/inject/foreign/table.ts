// Which annotation of another mesh means what here: one row for each that is obeyed, and the beginnings of all that are not.
import { ANNOTATIONS } from '../../../src/config/index.ts';
import type { InjectOptions } from '../options.ts';
import {
  cidrs,
  goBool,
  istioCidrs,
  istioPorts,
  logLevel,
  portRanges,
  quantity,
  type Read,
  uids,
} from './values.ts';

/** Meshes whose words may be accepted. */
export const ACCEPTED_MESHES = ['istio', 'linkerd', 'consul'] as const;

/** One of ACCEPTED_MESHES. */
export type AcceptedMesh = (typeof ACCEPTED_MESHES)[number];

/** A mesh that is recognised; Kuma's words are named and never obeyed. */
export type ForeignMesh = AcceptedMesh | 'kuma';

/** What an obeyed annotation says, in Weft's own words. */
export interface Meaning {
  /** For annotations of Weft: a text, or a list that is joined with those of other meshes. */
  readonly annotations?: Readonly<Record<string, string | readonly string[]>>;
  readonly options?: Partial<
    Pick<
      InjectOptions,
      'rewriteProbes' | 'mergePrometheus' | 'holdApplicationUntilProxyStarts' | 'nativeSidecar'
    >
  >;
  /** Parts without effect, for a warning. */
  readonly ignored?: readonly string[];
}

/** An annotation that is obeyed. `all`: the mesh's annotations of this pod, for those that mean something only together. */
export interface ForeignAnnotation {
  readonly mesh: AcceptedMesh;
  /** The annotation of Weft that comes nearest, for those whose mesh is not accepted. */
  readonly own: string;
  readonly read: (text: string, all: Readonly<Record<string, string>>) => Read<Meaning>;
}

type Lists = (text: string) => Read<readonly string[]>;

function map<T, U>(read: Read<T>, to: (value: T) => U): Read<U> {
  return 'wrong' in read ? read : { value: to(read.value) };
}

function list(own: string, mesh: AcceptedMesh, lists: Lists): ForeignAnnotation {
  return { mesh, own, read: text => map(lists(text), value => ({ annotations: { [own]: value } })) };
}

function text(own: string, mesh: AcceptedMesh, reader: (text: string) => Read<string>): ForeignAnnotation {
  return { mesh, own, read: given => map(reader(given), value => ({ annotations: { [own]: value } })) };
}

/** Of all, or of these alone. Nothing at all intercepts nothing, as Istio has it. */
function only(own: string, lists: Lists): ForeignAnnotation['read'] {
  return given => {
    if (given === '*') return { value: {} };
    return map(lists(given), value => ({ annotations: { [own]: value.length === 0 ? 'none' : value } }));
  };
}

function flag(
  mesh: AcceptedMesh,
  own: string,
  option: keyof NonNullable<Meaning['options']>,
  lenient: boolean,
): ForeignAnnotation {
  const read = (given: string): Read<Meaning> => {
    const value = goBool(given);
    if (value !== undefined) return { value: { options: { [option]: value } } };
    const words = 'is neither true nor false';
    return lenient
      ? { value: { ignored: [`"${given}" ${words}, and is passed over, as Istio does`] } }
      : { wrong: words };
  };
  return { mesh, own, read };
}

const traffic = 'traffic.sidecar.istio.io/';
const sidecar = 'sidecar.istio.io/';
const linkerd = 'config.linkerd.io/';
const consul = 'consul.hashicorp.com/';

/** Consul's packet rules: an annotation of pods, and a label of namespaces for those that have none. */
export const TRANSPARENT_PROXY = `${consul}transparent-proxy`;

const modes: Readonly<Record<string, Read<Meaning>>> = {
  REDIRECT: {
    value: { annotations: { [ANNOTATIONS.redirection]: 'init', [ANNOTATIONS.clientAddresses]: 'replace' } },
  },
  NONE: {
    value: { annotations: { [ANNOTATIONS.redirection]: 'none', [ANNOTATIONS.clientAddresses]: 'replace' } },
  },
  TPROXY: {
    value: { annotations: { [ANNOTATIONS.redirection]: 'init', [ANNOTATIONS.clientAddresses]: 'keep' } },
  },
};

/** What `sidecar.istio.io/interceptionMode` means; also a field of `proxy.istio.io/config`. */
export function interceptionMode(given: string): Read<Meaning> {
  return Object.hasOwn(modes, given)
    ? modes[given]!
    : {
        wrong:
          "write REDIRECT, TPROXY for apps that see their clients' addresses, or NONE for no packet rules",
      };
}

/** Every annotation of other meshes that is obeyed where its mesh is accepted, but for `proxy.istio.io/config`. */
export const FOREIGN: Readonly<Record<string, ForeignAnnotation>> = {
  [`${traffic}excludeOutboundPorts`]: list(ANNOTATIONS.skipOutboundPorts, 'istio', istioPorts),
  [`${traffic}excludeInboundPorts`]: {
    mesh: 'istio',
    own: ANNOTATIONS.skipInboundPorts,
    // Istio writes rules for these only where all ports are included.
    read: (given, all) =>
      map(istioPorts(given), value =>
        (all[`${traffic}includeInboundPorts`] ?? '*') === '*'
          ? { annotations: { [ANNOTATIONS.skipInboundPorts]: value } }
          : {},
      ),
  },
  [`${traffic}excludeOutboundIPRanges`]: list(ANNOTATIONS.skipOutboundCidrs, 'istio', istioCidrs),
  [`${traffic}includeOutboundIPRanges`]: {
    mesh: 'istio',
    own: ANNOTATIONS.onlyOutboundCidrs,
    read: (given, all) =>
      only(ANNOTATIONS.onlyOutboundCidrs, istioCidrs)(
        all[`${traffic}includeOutboundPorts`] === '*' ? '*' : given,
        all,
      ),
  },
  [`${traffic}includeInboundPorts`]: {
    mesh: 'istio',
    own: ANNOTATIONS.onlyInboundPorts,
    read: only(ANNOTATIONS.onlyInboundPorts, istioPorts),
  },
  [`${traffic}includeOutboundPorts`]: {
    mesh: 'istio',
    own: ANNOTATIONS.onlyOutboundPorts,
    // Beside the addresses, of which Istio includes all unless told.
    read: (given, all) =>
      map(given === '*' ? { value: [] } : istioPorts(given), value =>
        given === '*' || (all[`${traffic}includeOutboundIPRanges`] ?? '*') === '*'
          ? {}
          : { annotations: { [ANNOTATIONS.onlyOutboundPorts]: value } },
      ),
  },
  [`${sidecar}interceptionMode`]: { mesh: 'istio', own: ANNOTATIONS.redirection, read: interceptionMode },
  [`${sidecar}rewriteAppHTTPProbers`]: flag(
    'istio',
    'weft inject --no-rewrite-probes',
    'rewriteProbes',
    true,
  ),
  [`${sidecar}nativeSidecar`]: flag('istio', 'weft inject --native-sidecar', 'nativeSidecar', true),
  'prometheus.istio.io/merge-metrics': flag(
    'istio',
    'weft inject --no-merge-prometheus',
    'mergePrometheus',
    false,
  ),
  [`${sidecar}proxyCPU`]: text(ANNOTATIONS.cpuRequest, 'istio', quantity),
  [`${sidecar}proxyCPULimit`]: text(ANNOTATIONS.cpuLimit, 'istio', quantity),
  [`${sidecar}proxyMemory`]: text(ANNOTATIONS.memoryRequest, 'istio', quantity),
  [`${sidecar}proxyMemoryLimit`]: text(ANNOTATIONS.memoryLimit, 'istio', quantity),
  [`${sidecar}logLevel`]: text(ANNOTATIONS.logLevel, 'istio', logLevel),
  [`${linkerd}skip-outbound-ports`]: list(ANNOTATIONS.skipOutboundPorts, 'linkerd', portRanges),
  [`${linkerd}skip-inbound-ports`]: list(ANNOTATIONS.skipInboundPorts, 'linkerd', portRanges),
  [`${linkerd}skip-subnets`]: list(ANNOTATIONS.skipOutboundCidrs, 'linkerd', cidrs),
  [`${linkerd}proxy-cpu-request`]: text(ANNOTATIONS.cpuRequest, 'linkerd', quantity),
  [`${linkerd}proxy-cpu-limit`]: text(ANNOTATIONS.cpuLimit, 'linkerd', quantity),
  [`${linkerd}proxy-memory-request`]: text(ANNOTATIONS.memoryRequest, 'linkerd', quantity),
  [`${linkerd}proxy-memory-limit`]: text(ANNOTATIONS.memoryLimit, 'linkerd', quantity),
  [`${linkerd}proxy-log-level`]: text(ANNOTATIONS.logLevel, 'linkerd', logLevel),
  [`${linkerd}proxy-await`]: {
    mesh: 'linkerd',
    own: 'weft inject --no-hold',
    read: given =>
      given === 'enabled' || given === 'disabled'
        ? { value: { options: { holdApplicationUntilProxyStarts: given === 'enabled' } } }
        : { wrong: 'write enabled or disabled' },
  },
  [`${consul}transparent-proxy-exclude-outbound-ports`]: list(
    ANNOTATIONS.skipOutboundPorts,
    'consul',
    portRanges,
  ),
  [`${consul}transparent-proxy-exclude-inbound-ports`]: list(
    ANNOTATIONS.skipInboundPorts,
    'consul',
    portRanges,
  ),
  [`${consul}transparent-proxy-exclude-outbound-cidrs`]: list(ANNOTATIONS.skipOutboundCidrs, 'consul', cidrs),
  [`${consul}transparent-proxy-exclude-uids`]: list(ANNOTATIONS.skipOutboundUids, 'consul', uids),
  [TRANSPARENT_PROXY]: {
    mesh: 'consul',
    own: ANNOTATIONS.redirection,
    read: given => {
      const on = goBool(given);
      if (on === undefined) return { wrong: 'is neither true nor false' };
      return { value: { annotations: { [ANNOTATIONS.redirection]: on ? 'init' : 'none' } } };
    },
  },
  [`${consul}sidecar-proxy-cpu-request`]: text(ANNOTATIONS.cpuRequest, 'consul', quantity),
  [`${consul}sidecar-proxy-cpu-limit`]: text(ANNOTATIONS.cpuLimit, 'consul', quantity),
  [`${consul}sidecar-proxy-memory-request`]: text(ANNOTATIONS.memoryRequest, 'consul', quantity),
  [`${consul}sidecar-proxy-memory-limit`]: text(ANNOTATIONS.memoryLimit, 'consul', quantity),
};

/** The annotation with a whole ProxyConfig in it. */
export const PROXY_CONFIG = 'proxy.istio.io/config';

const names: Readonly<Record<ForeignMesh, string>> = {
  istio: 'Istio',
  linkerd: 'Linkerd',
  consul: 'Consul',
  kuma: 'Kuma',
};

/** As people write it. */
export function meshName(mesh: ForeignMesh): string {
  return names[mesh];
}

const beginnings: readonly (readonly [string, ForeignMesh])[] = [
  [traffic, 'istio'],
  [sidecar, 'istio'],
  ['proxy.istio.io/', 'istio'],
  ['inject.istio.io/', 'istio'],
  ['status.sidecar.istio.io/', 'istio'],
  ['readiness.status.sidecar.istio.io/', 'istio'],
  ['prometheus.istio.io/', 'istio'],
  ['istio.io/rev', 'istio'],
  ['istio.io/reroute-virtual-interfaces', 'istio'],
  [linkerd, 'linkerd'],
  ['config.alpha.linkerd.io/', 'linkerd'],
  ['config.beta.linkerd.io/', 'linkerd'],
  ['linkerd.io/inject', 'linkerd'],
  [consul, 'consul'],
  ['kuma.io/', 'kuma'],
  ['traffic.kuma.io/', 'kuma'],
  ['runtime.kuma.io/', 'kuma'],
];

/** What programs write and nobody wishes, and what is read as a policy, whatever is accepted. */
const others: readonly string[] = [
  `${linkerd}default-inbound-policy`,
  `${sidecar}status`,
  `${consul}connect-inject-status`,
  `${consul}consul-k8s-version`,
  `${consul}original-pod`,
  `${consul}original-liveness-probe`,
  `${consul}original-readiness-probe`,
  `${consul}original-startup-probe`,
];

/** Whose annotation or label it is; undefined for what says nothing of a mesh. */
export function meshOf(key: string): ForeignMesh | undefined {
  if (others.includes(key)) return undefined;
  return beginnings.find(([beginning]) => key.startsWith(beginning))?.[1];
}
