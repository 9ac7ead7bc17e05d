import { ANNOTATIONS, PORTS } from '../../config/names.ts';
import {
  canonicalAddress,
  type InboundBypass,
  type Labels,
  type Workload,
  type WorkloadPort,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { readInboundAccess } from '../inbound-access.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { ownerOf } from './owner.ts';
import { protocolOf } from './protocol.ts';

/** v1 Pod. One that has ended is no workload any more: its address may be somebody else's already. */
export const podTranslator: KindTranslator = { kind: 'Pod', translate: translatePod };

function translatePod(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '', labels = {}, annotations = {}, creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const status = fieldsOf(object, 'status', report);
  const phase = status.text('phase');
  if (phase === 'Succeeded' || phase === 'Failed') return [];
  const owner = ownerOf(object.metadata);
  const serviceAccount = spec.text('serviceAccountName') || spec.text('serviceAccount') || 'default';
  const meshed = ANNOTATIONS.status in annotations;
  const addresses = spec.flag('hostNetwork') ? [] : addressesOf(status);
  const awaitsAddress = !spec.flag('hostNetwork') && addresses.length === 0 && Boolean(spec.text('nodeName'));
  const workload: Workload = {
    namespace,
    name,
    addresses,
    ...(awaitsAddress && { awaitsAddress }),
    identity: { trustDomain: context.trustDomain, namespace, serviceAccount },
    labels,
    owner,
    app: canonicalApp(labels) ?? owner.name,
    version: canonicalVersion(labels) ?? 'latest',
    ports: portsOf(spec),
    meshed,
    ...readinessOf(status),
    ...(meshed ? { bypass: bypassOf(annotations) } : {}),
    ...(meshed ? optional('tunnelPort', Number(annotations[ANNOTATIONS.tunnelPort]) || undefined) : {}),
    ...(meshed ? optional('ended', endedOf(spec, status)) : {}),
    ...(meshed ? optional('inboundAccess', readInboundAccess(object, report)) : {}),
    ...(meshed ? optional('probes', probesOf(spec)) : {}),
    ...optional('node', spec.text('nodeName')),
    ...optional('zone', labels['topology.kubernetes.io/zone']),
    ...optional('locality', localityOf(labels)),
    ...context.site,
    from: report.object,
  };
  const terminating = object.metadata.deletionTimestamp !== undefined;
  return [{ kind: 'workload', workload, terminating, createdAt: creationTimestamp }];
}

function addressesOf(status: Fields): readonly string[] {
  const addresses = status.objects('podIPs').flatMap(each => each.text('ip') ?? []);
  const first = status.text('podIP');
  return (addresses.length === 0 && first ? [first] : addresses).map(canonicalAddress);
}

/** Istio's canonical service name (istio.io/latest/docs/ops/deployment/canonical-service). */
export function canonicalApp(labels: Labels): string | undefined {
  return labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app;
}

/** Its revision, in the same way. */
export function canonicalVersion(labels: Labels): string | undefined {
  return (
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version
  );
}

/** Of the containers and of init containers that keep running. */
function portsOf(spec: Fields): readonly WorkloadPort[] {
  const sidecars = spec.objects('initContainers').filter(each => each.text('restartPolicy') === 'Always');
  const ports = new Map<number, WorkloadPort>();
  for (const container of [...spec.objects('containers'), ...sidecars]) {
    for (const port of container.objects('ports')) {
      if ((port.text('protocol') ?? 'TCP') !== 'TCP') continue;
      const number = port.port('containerPort');
      const name = port.text('name') ?? '';
      if (number !== undefined && !ports.has(number))
        ports.set(number, { number, name, protocol: protocolOf(name) });
    }
  }
  return [...ports.values()];
}

const probeKinds = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** Those over HTTP that come to the app's own ports; inject has the proxy make them, unless it was told not to. */
function probesOf(spec: Fields): Workload['probes'] {
  const found = new Map<string, { readonly port: number; readonly path: string }>();
  for (const container of [...spec.objects('containers'), ...spec.objects('initContainers')]) {
    for (const kind of probeKinds) {
      const get = container.object(kind)?.object('httpGet');
      if (get === undefined) continue;
      const port = get.isText('port') ? portNamed(container, get.text('port')!) : get.port('port');
      const path = (get.text('path') || '/').replace(/[?#].*$/, '');
      if (port !== undefined && port !== PORTS.health) found.set(`${port} ${path}`, { port, path });
    }
  }
  return found.size === 0 ? undefined : [...found.values()];
}

function portNamed(container: Fields, name: string): number | undefined {
  const port = container.objects('ports').find(each => each.text('name') === name);
  return port?.port('containerPort') ?? (/^\d+$/.test(name) ? Number(name) : undefined);
}

/** Whoever calls a pod unready because its node is away leaves ContainersReady as its kubelet has said it. */
function readinessOf(status: Fields): Pick<Workload, 'ready' | 'readySinceMs' | 'ill'> {
  const conditions = status.objects('conditions');
  const ready = conditions.find(each => each.text('type') === 'Ready');
  if (ready?.text('status') !== 'True') {
    const containers = conditions.find(each => each.text('type') === 'ContainersReady');
    return { ready: false, ...(containers?.text('status') === 'False' && { ill: true }) };
  }
  const since = Date.parse(ready.text('lastTransitionTime') ?? '');
  return Number.isNaN(since) ? { ready: true } : { ready: true, readySinceMs: since };
}

/** Containers that have ended, in a pod that does not restart every one. */
function endedOf(spec: Fields, status: Fields): Workload['ended'] {
  if ((spec.text('restartPolicy') ?? 'Always') === 'Always') return undefined;
  const ended = status.objects('containerStatuses').flatMap(each => {
    const exitCode = each.object('state')?.object('terminated')?.number('exitCode');
    return exitCode === undefined ? [] : [{ container: each.text('name') ?? '', exitCode }];
  });
  return ended.length === 0 ? undefined : ended;
}

/** Istio's label for places that its nodes do not know; dots stand for slashes. Kubernetes 1.33 and later labels pods itself. */
function localityOf(labels: Labels): string | undefined {
  const said = labels['istio-locality'];
  if (said) return said.includes('/') ? said : said.replaceAll('.', '/');
  const region = labels['topology.kubernetes.io/region'];
  const zone = labels['topology.kubernetes.io/zone'];
  return region !== undefined && zone !== undefined ? `${region}/${zone}` : undefined;
}

/** The annotations that inject has checked; what is unreadable here was refused there. */
function bypassOf(annotations: Labels): InboundBypass {
  const skip = portRanges(annotations[ANNOTATIONS.skipInboundPorts]);
  const said = annotations[ANNOTATIONS.onlyInboundPorts];
  const only = said?.trim() === 'none' ? [] : portRanges(said);
  return { skip: skip ? [...ownPorts, ...skip] : ownPorts, ...optional('only', only) };
}

/** The proxy answers on these itself and never in mesh TLS; 15021 and 15090 are kept free for what users of Istio expect. */
const ownPorts: InboundBypass['skip'] = [
  [PORTS.admin, PORTS.outbound],
  [PORTS.inbound, PORTS.inbound],
  [PORTS.health, 15_021],
  [15_090, 15_090],
];

/** `80,8000-8100`; undefined for nothing and for `*`. */
function portRanges(text: string | undefined): (readonly [number, number])[] | undefined {
  const entries = (text ?? '').split(',').map(entry => entry.trim());
  const ranges = entries.flatMap((entry): (readonly [number, number])[] => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry);
    return match ? [[Number(match[1]), Number(match[2] ?? match[1])]] : [];
  });
  return ranges.length === 0 ? undefined : ranges;
}

function optional<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}
