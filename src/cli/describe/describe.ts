// Descriptions, out of objects and the mesh that they make. Pure: what runs is asked by the command.
import {
  analyze,
  controlPlaneOf,
  type Finding,
  namespaceLabels,
  type ObjectMesh,
  outsideReason,
  podLabels,
} from '../../analyze/index.ts';
import {
  type Endpoint,
  formatRef,
  formatSpiffe,
  interceptsPort,
  type Mesh,
  type MtlsMode,
  type ObjectRef,
  type Service,
  type Workload,
} from '../../model/index.ts';
import { type Caller, resolveInbound } from '../../resolve/index.ts';
import type { ApiObject } from '../kubernetes/objects.ts';
import { servedBy } from '../revision/revisions.ts';
import type {
  Membership,
  NamespaceDescription,
  PodDescription,
  PodPort,
  PolicyFact,
  ServiceDescription,
  ServicePortFact,
} from './facts.ts';
import { idOf, policiesOfHost, policiesOfWorkload, settingsOf } from './policies.ts';
import { howContainerPort, howServicePort } from './protocol.ts';
import { placed, rulesOf, rulesTo } from './rules.ts';

/** A pod. `proxy` is for the command to add. */
export function describePod(loaded: ObjectMesh, workload: Workload): PodDescription {
  const { mesh } = loaded;
  const { namespace, name, owner, identity, node, meshed } = workload;
  const inbound = resolveInbound(mesh, `${namespace}/${name}`).resource!;
  const rules = rulesTo(loaded, strangerOf(namespace), workload);
  const policies = placedAll(loaded, meshed ? policiesOfWorkload(mesh, workload) : []);
  const services = servicesOf(mesh, workload);
  const about = [
    ...[workload.from, { ...workload.from, kind: owner.kind, name: owner.name }],
    ...services.map(({ service }) => service.from),
    ...policies.map(({ object }) => object),
    ...rules.flatMap(({ object }) => object ?? []),
  ];
  const decidedBy = placed(loaded, inbound.defaultFrom);
  return {
    kind: 'pod',
    pod: workload.from,
    owner,
    identity: formatSpiffe(identity),
    ready: workload.ready,
    ...(node !== undefined && { node }),
    membership: {
      ...{ meshed, why: meshed ? 'a proxy was injected' : outsideReason(loaded, workload) },
      ...controlPlaneFacts(loaded, workload),
    },
    ports: inbound.ports.map(each => portOf(loaded, workload, each, services)),
    ...(meshed && { otherPorts: { mtls: inbound.defaultMtls, ...(decidedBy && { decidedBy }) } }),
    rules,
    policies,
    findings: findingsOf(loaded, about),
  };
}

/** Whose it is by its labels, and whose it still has where that is another one. */
function controlPlaneFacts(
  loaded: ObjectMesh,
  { namespace, name }: Workload,
): Pick<Membership, 'controlPlane' | 'servedBy'> {
  const { objects } = loaded;
  const choice = controlPlaneOf(
    loaded,
    podLabels(objects, namespace, name),
    namespaceLabels(objects, namespace),
  );
  if (!choice) return {};
  const pod = objects.find(
    ({ ref }) => ref.kind === 'Pod' && ref.namespace === namespace && ref.name === name,
  );
  const has = pod && servedBy(pod.object as unknown as ApiObject);
  const isOther = has !== undefined && has !== choice.revision;
  return { controlPlane: choice.words, ...(isOther && { servedBy: has }) };
}

function portOf(
  loaded: ObjectMesh,
  workload: Workload,
  {
    number,
    protocol,
    mtls,
    from,
  }: { number: number; protocol: PodPort['protocol']; mtls: MtlsMode; from?: ObjectRef },
  services: readonly Serving[],
): PodPort {
  const serving = services.filter(({ target }) => target === number);
  const says = serving.find(({ service, port }) =>
    service.ports.some(each => each.number === port && each.protocol !== 'auto'),
  );
  const named = workload.ports.find(each => each.number === number)?.name ?? '';
  const how = says
    ? `${howServicePort(loaded.objects, says.service, says.port)}, in Service ${says.service.name}.${says.service.namespace}`
    : howContainerPort(named, protocol);
  const decidedBy = placed(loaded, from);
  return {
    ...{ number, protocol, how, mtls },
    ...(decidedBy && { decidedBy }),
    seen: workload.meshed && interceptsPort(workload, number),
    services: serving.map(({ service, port }) => `${service.name}.${service.namespace}:${port}`),
  };
}

interface Serving {
  readonly service: Service;
  readonly port: number;
  /** The pod's. */
  readonly target: number;
}

/** The Services that have the workload behind them, by port. */
function servicesOf(mesh: Mesh, { namespace, name }: Workload): readonly Serving[] {
  const key = `${namespace}/${name}`;
  return [...mesh.services.values()].flatMap(service =>
    [...service.endpoints].flatMap(([port, endpoints]) => {
      const own = endpoints.find(each => keyOf(mesh, each) === key);
      return own ? [{ service, port, target: own.port }] : [];
    }),
  );
}

function keyOf(mesh: Mesh, { workload, address }: Endpoint): string | undefined {
  return workload ?? mesh.workloadByAddress.get(address);
}

/** A Service, as `caller` meets it; `who` for people. */
export function describeService(
  loaded: ObjectMesh,
  service: Service,
  caller: Caller,
  who: string,
): ServiceDescription {
  const { mesh } = loaded;
  const { host, namespace } = service;
  const subsets = [...(mesh.subsets.get(host) ?? [])].filter(
    ({ visibleTo }) => visibleTo === undefined || visibleTo.includes(caller.namespace),
  );
  const behind = behindOf(mesh, service);
  const ports = service.ports.map(({ number }) => servicePort(loaded, service, number, caller));
  const numbers = service.ports.map(({ number }) => number);
  const hosts = policiesOfHost(
    mesh,
    caller,
    host,
    numbers,
    subsets.map(({ name }) => name),
  );
  const inbound = behind.filter(({ meshed }) => meshed).flatMap(each => policiesOfWorkload(mesh, each));
  const policies = placedAll(loaded, onceByObject([...hosts, ...inbound]));
  const about = [
    service.from,
    ...behind.flatMap(each => [each.from, { ...each.from, kind: each.owner.kind, name: each.owner.name }]),
    ...[...policies.map(({ object }) => object), ...subsets.map(({ from }) => from)],
    ...ports.flatMap(({ rules, leftOut }) => [
      ...rules.flatMap(each => each.object ?? []),
      ...leftOut.map(({ object }) => object),
    ]),
  ];
  return {
    kind: 'service',
    service: service.from,
    host,
    type: typeOf(service),
    caller: who,
    ports,
    subsets: subsets.map(({ name, labels, from }) => ({
      name,
      labels: Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      pods: behind.filter(each => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
        .length,
      object: placed(loaded, from)!,
    })),
    workloads: workloadsOf(behind),
    policies,
    findings: findingsOf(
      loaded,
      about.filter(each => each.namespace === namespace || each.kind !== 'Namespace'),
    ),
  };
}

function typeOf({ addresses, headless, externalName, external }: Service): string {
  if (externalName !== undefined) return `another name for ${externalName}`;
  if (external) return `outside of Kubernetes' own list (${external.resolution}, ${external.location})`;
  if (headless) return "headless: called by its pods' addresses";
  return `with address ${addresses.join(', ') || 'none yet'}`;
}

function servicePort(loaded: ObjectMesh, service: Service, number: number, caller: Caller): ServicePortFact {
  const { mesh, objects } = loaded;
  const port = service.ports.find(each => each.number === number)!;
  const endpoints = service.endpoints.get(number) ?? [];
  const modes = new Map<string, ServicePortFact['accepts'][number]>();
  let meshed = 0;
  for (const endpoint of endpoints) {
    const key = keyOf(mesh, endpoint);
    const workload = key === undefined ? undefined : mesh.workloads.get(key);
    if (!workload?.meshed) continue;
    meshed++;
    const inbound = resolveInbound(mesh, key!).resource!;
    const own = inbound.ports.find(each => each.number === endpoint.port);
    const seen = interceptsPort(workload, endpoint.port);
    const mtls = seen ? (own?.mtls ?? inbound.defaultMtls) : 'disable';
    const decidedBy = seen ? placed(loaded, own ? own.from : inbound.defaultFrom) : undefined;
    const id = `${mtls} ${seen} ${decidedBy ? idOf(decidedBy) : ''}`;
    const before = modes.get(id);
    modes.set(id, {
      mtls,
      pods: (before?.pods ?? 0) + 1,
      ...(!seen && { past: true }),
      ...(decidedBy && { decidedBy }),
    });
  }
  const { explained, rules } = rulesOf(loaded, caller, service.host, number);
  const config =
    explained.resource.clusters.find(({ name }) => !name.includes('/')) ?? explained.resource.clusters[0];
  const scope = { host: service.host, port: number };
  return {
    ...{ number, name: port.name, protocol: port.protocol, how: howServicePort(objects, service, number) },
    ready: endpoints.filter(({ ready }) => ready).length,
    total: endpoints.length,
    meshed,
    accepts: [...modes.values()],
    rules,
    leftOut: explained.leftOut.map(({ table, rule, why }) => ({
      object: placed(loaded, rule.from ?? table.from)!,
      path: rule.path,
      why,
    })),
    settings: config
      ? settingsOf(mesh, caller, scope, config.settings).map(each => ({
          ...each,
          from: each.from.map(ref => placed(loaded, ref)!),
        }))
      : [],
  };
}

/** The pods that have a port of the Service open. */
export function behindOf(mesh: Mesh, { endpoints }: Service): readonly Workload[] {
  const keys = new Set([...endpoints.values()].flat().flatMap(each => keyOf(mesh, each) ?? []));
  return [...keys].flatMap(key => mesh.workloads.get(key) ?? []);
}

function workloadsOf(all: readonly Workload[]): readonly ServiceDescription['workloads'][number][] {
  const rows = new Map<string, { name: string; pods: number; ready: number; meshed: number }>();
  for (const { owner, ready, meshed } of all) {
    const name = `${owner.kind} ${owner.name}`;
    const row = rows.get(name) ?? { name, pods: 0, ready: 0, meshed: 0 };
    rows.set(name, {
      name,
      pods: row.pods + 1,
      ready: row.ready + (ready ? 1 : 0),
      meshed: row.meshed + (meshed ? 1 : 0),
    });
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A namespace. */
export function describeNamespace(loaded: ObjectMesh, name: string): NamespaceDescription {
  const { mesh } = loaded;
  const within = [...mesh.workloads.values()].filter(({ namespace }) => namespace === name);
  const owners = new Map<string, Workload[]>();
  for (const each of within) {
    const key = `${each.owner.kind} ${each.owner.name}`;
    owners.set(key, [...(owners.get(key) ?? []), each]);
  }
  const workloads = [...owners.values()].map(pods => {
    const [first] = pods;
    const outside = pods.find(({ meshed }) => !meshed);
    return {
      ...first!.owner,
      pods: pods.length,
      ready: pods.filter(({ ready }) => ready).length,
      meshed: pods.filter(({ meshed }) => meshed).length,
      ...(outside && { why: outsideReason(loaded, outside) }),
    };
  });
  const meshed = within.filter(each => each.meshed).length;
  const general = modeOf(mesh, name);
  const decidedBy = placed(loaded, general.from);
  const policies = placedAll(loaded, onceByObject(policiesWithin(loaded, name)));
  const choice = controlPlaneOf(loaded, {}, namespaceLabels(loaded.objects, name));
  return {
    kind: 'namespace',
    name,
    membership: {
      meshed: meshed > 0,
      why: within.length === 0 ? 'it has no pods' : `${meshed} of its ${within.length} pods have a proxy`,
      ...(choice && { controlPlane: choice.words }),
    },
    workloads: workloads.sort((a, b) => (a.name < b.name ? -1 : 1)),
    mtls: { mode: general.mode, ...(decidedBy && { decidedBy }) },
    services: [...mesh.services.values()]
      .filter(each => each.namespace === name)
      .map(each => each.name)
      .sort(),
    policies,
    findings: analyze(loaded).filter(
      ({ object }) => object?.namespace === name || (object?.kind === 'Namespace' && object.name === name),
    ),
  };
}

/** What holds for pods that no policy selects: the namespace's word, else the mesh's. */
function modeOf(mesh: Mesh, namespace: string): { readonly mode: MtlsMode; readonly from?: ObjectRef } {
  for (const group of [namespace, '']) {
    const said = (mesh.peerPolicies.get(group) ?? []).find(
      ({ selector, mode }) => selector === undefined && mode,
    );
    if (said) return { mode: said.mode!, from: said.from };
  }
  return { mode: 'permissive' };
}

/** The objects of the namespace that any pod or host of the mesh goes by. */
function policiesWithin({ mesh }: ObjectMesh, namespace: string): readonly PolicyFact[] {
  const facts: PolicyFact[] = [];
  for (const workload of mesh.workloads.values())
    if (workload.namespace === namespace && workload.meshed)
      facts.push(...policiesOfWorkload(mesh, workload));
  const own = (
    all: ReadonlyMap<string, readonly { readonly from: ObjectRef; readonly host: string }[]>,
    what: string,
  ): void => {
    for (const { from, host } of [...all.values()].flat())
      if (from.namespace === namespace) facts.push({ object: from, says: `${what} ${host}` });
  };
  own(mesh.routeTables, 'routes requests to');
  own(mesh.trafficPolicies, 'has settings for');
  own(mesh.subsets, 'has subsets of');
  return facts;
}

/** Of several words about one object, those that have an effect. */
function onceByObject(facts: readonly PolicyFact[]): readonly PolicyFact[] {
  const found = new Map<string, PolicyFact>();
  for (const fact of facts) {
    const key = `${idOf(fact.object)} ${fact.says}`;
    const before = found.get(key);
    if (before === undefined || before.without !== undefined) found.set(key, fact);
  }
  return [...found.values()];
}

function placedAll(loaded: ObjectMesh, facts: readonly PolicyFact[]): readonly PolicyFact[] {
  return facts.map(fact => ({ ...fact, object: placed(loaded, fact.object)! }));
}

/** What analysis finds about exactly these objects. */
function findingsOf(loaded: ObjectMesh, about: readonly ObjectRef[]): readonly Finding[] {
  const ids = new Set(about.map(idOf));
  return analyze(loaded).filter(({ object }) => object !== undefined && ids.has(idOf(object)));
}

/** Somebody of a namespace about whom nothing else is known. */
export function strangerOf(namespace: string): Caller {
  return { namespace, labels: {} };
}

/** `Service web.shop`, without file and line. */
export function shortRef(ref: ObjectRef): string {
  return formatRef({ ...ref, origin: undefined });
}
