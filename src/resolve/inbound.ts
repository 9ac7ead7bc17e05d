import {
  type InboundPort,
  type InboundRateLimit,
  type InboundResource,
  type JwtRule,
  type Mesh,
  matchesLabels,
  type Protocol,
  type RateLimit,
  type Service,
  type Workload,
} from '../model/index.ts';
import { authorizationOf, namedAuthorizers, type PortsOf, rulesOfTokens } from './authorization.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';
import { type PeerMode, peerModes } from './peer-mode.ts';
import { peerOf, serviceLabels, withoutOrigin } from './refs.ts';
import { serverPoliciesOf } from './server-policy.ts';
import { selectedTarget, servicesBehind } from './serving.ts';
import { telemetryOf } from './telemetry.ts';

interface Served {
  readonly service: Service;
  readonly protocol: Protocol;
  /** Of the Service. */
  readonly port: number;
}

/** A workload's own inbound side; undefined while the mesh does not know the pod. `key` is `namespace/pod`. */
export function resolveInbound(mesh: Mesh, key: string): Resolved<InboundResource | undefined> {
  const reader = new MeshReader(mesh);
  const workload = reader.workload(key);
  return { resource: workload && inboundOf(reader, key, workload), facts: reader.facts };
}

function inboundOf(reader: MeshReader, key: string, workload: Workload): InboundResource {
  const modes = peerModes(reader, workload);
  const served = servedPorts(reader, key, workload);
  const declared = new Map(workload.ports.map(port => [port.number, port.protocol]));
  const limits = limitsOf(reader, workload);
  const limited = limits.flatMap(({ port }) => port ?? []);
  const servers = serverPoliciesOf(reader, workload);
  const spoken = servers.protocols;
  const numbers = new Set(
    [declared, served, modes.ports, spoken, servers.routes].flatMap(each => [...each.keys()]).concat(limited),
  );
  const ports = [...numbers]
    .sort((left, right) => left - right)
    .map((number): InboundPort => {
      const services = served.get(number) ?? [];
      const said = services.find(({ protocol }) => protocol !== 'auto')?.protocol;
      const mode = modes.ports.get(number) ?? modes.general;
      return {
        number,
        protocol: spoken.get(number) ?? said ?? declared.get(number) ?? 'auto',
        mtls: mode.mode,
        ...fromOf('from', mode),
        ...rateLimits(
          'rateLimits',
          limits.filter(({ port }) => port === undefined || port === number),
        ),
        ...(services.length > 0 && {
          service: serviceLabels(services[0]!.service),
          servicePort: services[0]!.port,
        }),
        ...(servers.routes.has(number) && { routes: servers.routes.get(number)! }),
      };
    });
  const telemetry = telemetryOf(reader, workload);
  const portsOf = (service: string): readonly number[] =>
    [...served]
      .filter(([, all]) =>
        all.some(each => each.service.name === service && each.service.namespace === workload.namespace),
      )
      .map(([number]) => number);
  const authorization = authorizationOf(reader, workload, portsOf, servers.authorization);
  const tokenRules = tokenRulesOf(reader, workload, portsOf);
  return {
    kind: 'inbound',
    key,
    self: peerOf(workload),
    ports,
    ...(authorization && { authorization }),
    ...namedAuthorizers(reader, authorization),
    defaultMtls: modes.general.mode,
    ...fromOf('defaultFrom', modes.general),
    ...rateLimits(
      'defaultRateLimits',
      limits.filter(({ port }) => port === undefined),
    ),
    ...(tokenRules.length > 0 && { tokenRules }),
    ...reader.pathNormalization(),
    ...(workload.ended && { ended: workload.ended }),
    ...(telemetry && { telemetry }),
  };
}

/** Every limit that selects the workload, of the mesh as a whole first. */
function limitsOf(reader: MeshReader, { namespace, labels }: Workload): readonly InboundRateLimit[] {
  const all = [
    ...reader.policies('inboundRateLimits', ''),
    ...reader.policies('inboundRateLimits', namespace),
  ];
  return all.filter(({ selector }) => !selector || matchesLabels({ matchLabels: selector }, labels));
}

/** Rules of every RequestAuthentication that selects the workload, of the mesh first: they are joined, not chosen from. */
function tokenRulesOf(
  reader: MeshReader,
  { namespace, labels }: Workload,
  portsOf: PortsOf,
): readonly JwtRule[] {
  const all = [
    ...reader.policies('requestAuthentications', ''),
    ...reader.policies('requestAuthentications', namespace),
  ].filter(({ selector, services, gateways }) => {
    if (services !== undefined) return services.some(each => portsOf(each).length > 0);
    return gateways === undefined && (!selector || matchesLabels(selector, labels));
  });
  return rulesOfTokens(reader, all);
}

function rateLimits<K extends 'rateLimits' | 'defaultRateLimits'>(
  name: K,
  limits: readonly InboundRateLimit[],
): object {
  if (limits.length === 0) return {};
  return { [name]: limits.map(({ limit, from }): RateLimit => ({ ...limit, from: withoutOrigin(from) })) };
}

/** The Services that send traffic to the workload's ports, by target port and in order of name. */
function servedPorts(
  reader: MeshReader,
  key: string,
  workload: Workload,
): ReadonlyMap<number, readonly Served[]> {
  const served = new Map<number, Served[]>();
  const selecting = new Set(reader.servicesBySelector(workload));
  for (const service of servicesBehind(reader, workload)) {
    for (const port of service.ports) {
      const targets = namedTargets(service, port.number, key, workload);
      const target = selecting.has(service) ? selectedTarget(port, workload) : undefined;
      if (target !== undefined) targets.add(target);
      for (const each of targets) {
        const { number, protocol } = port;
        served.set(each, [...(served.get(each) ?? []), { service, protocol, port: number }]);
      }
    }
  }
  return served;
}

/** The workload's ports that the endpoints of a Service's port name. */
function namedTargets(
  { endpoints }: Service,
  port: number,
  key: string,
  { addresses, network }: Workload,
): Set<number> {
  const own = endpoints
    .get(port)
    ?.filter(
      each => addresses.includes(each.address) && each.network === network && (each.workload ?? key) === key,
    );
  return new Set(own?.map(each => each.port));
}

function fromOf<K extends string>(name: K, { policy }: PeerMode): object {
  return policy ? { [name]: withoutOrigin(policy.from) } : {};
}
