import { ANNOTATIONS } from '../config/names.ts';
import { equal, type MachineClaim, type MachineGroup, machineEntryName } from '../model/index.ts';
import { recordOf, recordsOf } from '../plain/index.ts';

/** The kind of entries, as the registry names it. */
export const WORKLOAD_ENTRY = 'WorkloadEntry.networking.istio.io';

/** Annotations of entries that are written here. Those of Istio mean the same to its tools. */
export const MARKS = {
  group: 'istio.io/autoRegistrationGroup',
  /** The replica of the control plane that the machine is connected to. */
  controller: 'istio.io/workloadController',
  /** RFC 3339; of one replica no two are the same. */
  connectedAt: 'istio.io/connectedAt',
  disconnectedAt: 'istio.io/disconnectedAt',
  healthChecked: 'proxy.istio.io/health-checks-enabled',
  /** Which machine it is, whatever address it has: the uid of its certificates; see ca/join-record.ts. */
  machine: 'weft.dev/machine',
  /** RFC 3339: the replica was still there, and the machine connected to it. */
  seenAt: 'weft.dev/seen-at',
} as const;

/** A connection of a machine, as its entry tells of it. */
export interface Connection extends MachineClaim {
  readonly namespace: string;
  /** '' where the certificate names none. */
  readonly uid: string;
  readonly controller: string;
  readonly connectedAt: string;
}

/** An object of the API, whose shape nobody has checked. */
type Plain = Readonly<Record<string, unknown>>;

/** The entry of a machine that is connected; `current`: the one that is there. Finalizers and foreign annotations of it stay. */
export function entryOf(group: MachineGroup, connection: Connection, seenAt: string, current?: Plain): Plain {
  const { namespace, address, tunnelPort } = connection;
  const { template, probe } = group;
  const metadata = recordOf(current?.metadata);
  const foreign = Object.entries(textsOf(metadata.annotations)).filter(([key]) => !isOwn(key));
  return {
    apiVersion: group.apiVersion,
    kind: 'WorkloadEntry',
    metadata: {
      ...metadata,
      name: machineEntryName(group.name, address),
      namespace,
      labels: group.labels,
      annotations: {
        ...Object.fromEntries(foreign),
        ...group.annotations,
        [MARKS.group]: group.name,
        [MARKS.controller]: connection.controller,
        [MARKS.connectedAt]: connection.connectedAt,
        [MARKS.seenAt]: seenAt,
        ...(connection.uid !== '' && { [MARKS.machine]: connection.uid }),
        ...(tunnelPort !== undefined && { [ANNOTATIONS.tunnelPort]: String(tunnelPort) }),
        ...(probe && { [MARKS.healthChecked]: 'true' }),
      },
      ...(group.uid !== '' && { ownerReferences: [ownerOf(group)] }),
    },
    spec: {
      address,
      serviceAccount: template.serviceAccount,
      // It has a proxy: callers speak mutual TLS to it.
      labels: { 'security.istio.io/tlsMode': 'istio', ...template.labels },
      ...(Object.keys(template.ports).length > 0 && { ports: template.ports }),
      ...(template.weight !== undefined && { weight: template.weight }),
      ...(template.locality !== undefined && { locality: template.locality }),
      ...(template.network !== undefined && { network: template.network }),
    },
    ...(current?.status !== undefined && { status: current.status }),
  };
}

function isOwn(key: string): boolean {
  return key === ANNOTATIONS.tunnelPort || Object.values<string>(MARKS).includes(key);
}

function ownerOf(group: MachineGroup): Plain {
  const { apiVersion, name, uid } = group;
  return { apiVersion, kind: 'WorkloadGroup', name, uid, controller: true, blockOwnerDeletion: false };
}

/** Whether nothing but the time at which it was seen differs. */
export function isSameEntry(current: Plain, wanted: Plain): boolean {
  const essence = ({ metadata, spec }: Plain): unknown => {
    const { labels = {}, annotations, ownerReferences = [] } = recordOf(metadata);
    const { [MARKS.seenAt]: _, ...marks } = textsOf(annotations);
    return { spec, labels, marks, ownerReferences };
  };
  return equal(essence(current), essence(wanted));
}

/** The annotations of an entry. */
export function marksOf(entry: Plain): Readonly<Record<string, string>> {
  return textsOf(recordOf(entry.metadata).annotations);
}

/** Whether the entry was written when a machine connected to Weft. */
export function isRegistered(entry: Plain): boolean {
  const marks = marksOf(entry);
  return marks[MARKS.group] !== undefined && marks[MARKS.seenAt] !== undefined;
}

/** Whether the entry tells of this very connection. */
export function tellsOf(entry: Plain, { controller, connectedAt }: Connection): boolean {
  const marks = marksOf(entry);
  return marks[MARKS.controller] === controller && marks[MARKS.connectedAt] === connectedAt;
}

/** How a machine is. */
export interface MachineHealth {
  readonly healthy: boolean;
  /** Why not; '' where it is. */
  readonly message: string;
}

/** The conditions with that of the machine's health; undefined where they say it already. */
export function conditionsWith(
  entry: Plain,
  { healthy, message }: MachineHealth,
  nowMs: number,
): readonly Plain[] | undefined {
  const conditions = recordsOf(recordOf(entry.status).conditions);
  const before = conditions.find(each => each.type === 'Healthy');
  const status = healthy ? 'True' : 'False';
  if (before?.status === status && (before.message ?? '') === message) return undefined;
  const now = new Date(nowMs).toISOString();
  const since = before?.status === status ? before.lastTransitionTime : now;
  const reason = healthy ? 'Healthy' : 'Unhealthy';
  const own = { type: 'Healthy', status, reason, message, lastProbeTime: now, lastTransitionTime: since };
  return [...conditions.filter(each => each.type !== 'Healthy'), own];
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const texts = Object.entries(recordOf(value)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts) as Record<string, string>;
}
