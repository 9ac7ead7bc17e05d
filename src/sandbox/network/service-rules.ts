import { createHash } from 'node:crypto';
import { clusterIpOf, type EndpointSlice, type Service, type ServicePort } from '../kube/index.ts';

interface PortRules {
  readonly nat: string[];
  readonly chains: string[];
}

/**
 * The rules that give Services their virtual addresses (pure), as input of iptables-restore: what kube-proxy writes. They
 * replace the nat and filter tables of the node's network namespace as a whole, so nothing old stays and nobody else's
 * rules are there to lose. Only pods outside of the mesh need them; proxies resolve Services by themselves.
 */
export function serviceRules(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  range: string,
): string {
  const all: PortRules = { nat: [], chains: [] };
  const hairpins = new Set<string>();
  for (const service of services) {
    const address = clusterIpOf(service);
    if (!address) continue;
    for (const port of service.spec.ports ?? []) {
      const targets = readyTargets(service, port, slices);
      addPort(all, service, port, address, targets);
      for (const target of targets) hairpins.add(target.split(':')[0]!);
    }
  }
  const nowhere = `-d ${range} -m addrtype ! --dst-type LOCAL`;
  const nat = [
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    ':WEFT-SERVICES - [0:0]',
    ...all.chains.map(chain => `:${chain} - [0:0]`),
    '-A PREROUTING -j WEFT-SERVICES',
    '-A OUTPUT -j WEFT-SERVICES',
    // A pod that reached itself through a Service must see another source, or it would answer itself directly.
    ...[...hairpins].map(ip => `-A POSTROUTING -s ${ip}/32 -d ${ip}/32 -j MASQUERADE`),
    ...all.nat,
    'COMMIT',
  ];
  const filter = [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    // What is still addressed to a Service here has no endpoint: refused at once, as kube-proxy does.
    ...['FORWARD', 'OUTPUT'].map(
      chain => `-A ${chain} ${nowhere} -j REJECT --reject-with icmp-port-unreachable`,
    ),
    'COMMIT',
  ];
  return `${[...nat, ...filter].join('\n')}\n`;
}

function addPort(
  all: PortRules,
  service: Service,
  port: ServicePort,
  address: string,
  targets: readonly string[],
): void {
  const protocol = (port.protocol ?? 'TCP').toLowerCase();
  if (protocol === 'sctp' || targets.length === 0) return;
  const match = `-d ${address}/32 -p ${protocol} -m ${protocol} --dport ${port.port}`;
  const chain = chainName(`${service.metadata.namespace}/${service.metadata.name}:${protocol}:${port.port}`);
  all.chains.push(chain);
  all.nat.push(`-A WEFT-SERVICES ${match} -j ${chain}`);
  for (const [index, target] of targets.entries()) {
    const left = targets.length - index;
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    all.nat.push(`-A ${chain} -p ${protocol}${chance} -j DNAT --to-destination ${target}`);
  }
}

/** `address:port` of what may get connections now; of terminating pods only when no other is left, as kube-proxy does. */
export function readyTargets(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
): string[] {
  const own = slices.filter(
    slice =>
      slice.metadata.namespace === service.metadata.namespace &&
      slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
  );
  const pick = (wanted: 'ready' | 'serving'): string[] =>
    own.flatMap(slice => {
      const number = slice.ports.find(candidate => candidate.name === (port.name ?? ''))?.port;
      if (number === undefined) return [];
      const usable = slice.endpoints.filter(endpoint => endpoint.conditions[wanted]);
      return usable.flatMap(endpoint => endpoint.addresses.map(address => `${address}:${number}`));
    });
  const ready = pick('ready');
  return ready.length > 0 ? ready : pick('serving');
}

/** iptables allows 28 characters; this is 21 whatever the Service is called. */
function chainName(key: string): string {
  return `WEFT-${createHash('sha256').update(key).digest('hex').slice(0, 16).toUpperCase()}`;
}
