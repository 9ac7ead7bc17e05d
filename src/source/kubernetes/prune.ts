import { HAPROXY_CONFIG, INGRESS_CONFIG } from '../../config/index.ts';
import { type ApiObject, FIELD_MANAGER } from '../../kubernetes/index.ts';
import {
  CHALLENGES_SECRET,
  GATEWAY_SETTINGS_KEY,
  HAPROXY_PREFIXES,
  isPasswordHash,
} from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';

/** What of an object is kept; undefined when it is of no use at all. */
export type Prune = (object: ApiObject) => ApiObject;

/**
 * Cuts an object down to what the dialects read, before it is stored: ten thousand pods as the server sends them would be a
 * hundred megabytes, most of it managed fields, volumes and environment that no mesh reads.
 */
/** `whole`: which ConfigMap it is that is kept as a whole. */
export function pruneOf(kind: string, whole?: string): Prune {
  if (whole !== undefined) return object => ({ ...headOf(object, 'weft.dev/'), data: object.data });
  return prunes[kind] ?? prunePolicy;
}

const prunes: Readonly<Record<string, Prune>> = {
  Pod: prunePod,
  Service: object => ({
    ...withUid(headOf(object, serviceAnnotations), object),
    spec: object.spec,
    ...present('status', pick(object.status, ['loadBalancer'])),
  }),
  Endpoints: object => ({ ...headOf(object, 'weft.dev/'), subsets: object.subsets }),
  'EndpointSlice.discovery.k8s.io': object => ({
    ...headOf(object, 'weft.dev/'),
    addressType: object.addressType,
    ports: object.ports,
    endpoints: object.endpoints,
  }),
  ConfigMap: object => ({
    ...headOf(object, 'weft.dev/'),
    // Ingress controllers have a key for each setting.
    data:
      nameOf(object) === INGRESS_CONFIG || nameOf(object) === HAPROXY_CONFIG
        ? object.data
        : pick(object.data, ['mesh', 'ca.crt', GATEWAY_SETTINGS_KEY]),
  }),
  'Ingress.networking.k8s.io': object => ({
    ...prunePolicy(object),
    ...(wroteStatus(object) && { status: pick(object.status, ['loadBalancer']) }),
  }),
  'WorkloadEntry.networking.istio.io': object => ({
    ...prunePolicy(object),
    // The machine's health.
    status: {
      conditions: recordsOf(recordOf(object.status).conditions).filter(each => each.type === 'Healthy'),
    },
  }),
  Namespace: object => headOf(object, ''),
  Secret: object => ({
    ...headOf(object, 'weft.dev/'),
    type: object.type,
    data: pick(object.data, [...credentialKeys, ...loginKeys(object.data)]),
  }),
  Node: object => headOf(object, 'weft.dev/', nodeLabels),
};

/** What gateways have a use for. */
const credentialKeys = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'auth',
  'users',
  'cert',
  'key',
  'cacert',
  'tls.ca',
  CHALLENGES_SECRET.key,
];

/** On Services: Weft's own, what ingress controllers say of backends there, and Linkerd's retries, limits, circuit breaking. */
const serviceAnnotations = [
  'weft.dev/',
  'traefik.ingress.kubernetes.io/',
  ...HAPROXY_PREFIXES,
  ...['retry.linkerd.io/', 'timeout.linkerd.io/', 'balancer.linkerd.io/'],
];
/** On pods: Weft's own, and Linkerd's word of whom they let in. */
const podAnnotations = ['weft.dev/', 'config.linkerd.io/default-inbound-policy'];

/** Keys that are users, and whose values are hashes of their passwords. */
function loginKeys(data: unknown): readonly string[] {
  return Object.entries(recordOf(data)).flatMap(([key, value]) =>
    typeof value === 'string' && isPasswordHash(Buffer.from(value, 'base64').toString()) ? [key] : [],
  );
}

function nameOf({ metadata }: ApiObject): unknown {
  return recordOf(metadata).name;
}

/** Where a node stands. */
const nodeLabels = ['topology.kubernetes.io/', 'failure-domain.beta.kubernetes.io/', 'topology.istio.io/'];

/** Policies: all but what only their controllers read and write. */
function prunePolicy(object: ApiObject): ApiObject {
  const { metadata, status: _, ...rest } = object;
  const head = headOf({ ...object, metadata }, '');
  return withUid({ ...head, ...rest, metadata: head.metadata }, object);
}

/**
 * Whether the status is of our own making, by the name that the server keeps for whoever changes an object. Then it is kept, so
 * that it can be taken away when the object is another controller's; what others say there is not read.
 */
function wroteStatus({ metadata }: ApiObject): boolean {
  return recordsOf(recordOf(metadata).managedFields).some(
    ({ manager, fieldsV1 }) => manager === FIELD_MANAGER && recordOf(fieldsV1)['f:status'] !== undefined,
  );
}

/** With the uid, which is for events: kubectl describe finds them by it. */
function withUid(pruned: ApiObject, object: ApiObject): ApiObject {
  return { ...pruned, metadata: { ...recordOf(pruned.metadata), ...pick(object.metadata, ['uid']) } };
}

function prunePod(object: ApiObject): ApiObject {
  const spec = recordOf(object.spec);
  const status = recordOf(object.status);
  const head = headOf(object, podAnnotations);
  const conditions = recordsOf(status.conditions).filter(each => each.type === 'Ready');
  const ended = endedOf(status);
  return {
    ...head,
    // A certificate is bound to it.
    metadata: { ...recordOf(head.metadata), ...pick(recordOf(object.metadata), ['uid']) },
    spec: {
      ...pick(spec, ['serviceAccountName', 'nodeName', 'hostNetwork', 'restartPolicy']),
      containers: recordsOf(spec.containers).map(pruneContainer),
      ...present('initContainers', keepingRunning(spec)),
    },
    status: {
      ...pick(status, ['phase', 'podIP', 'podIPs']),
      ...present(
        'conditions',
        conditions.map(each => pick(each, ['type', 'status', 'lastTransitionTime'])),
      ),
      ...present('containerStatuses', ended),
    },
  };
}

function pruneContainer(container: Record<string, unknown>): ApiObject {
  return {
    name: container.name,
    ...present(
      'ports',
      recordsOf(container.ports).map(port => pick(port, portFields)),
    ),
    ...Object.fromEntries(probeKinds.flatMap(kind => probeOf(kind, container[kind]))),
  };
}

/** Of probes over HTTP where they come: Linkerd's Servers let them in. */
const probeKinds = ['livenessProbe', 'readinessProbe', 'startupProbe'];

function probeOf(kind: string, probe: unknown): readonly (readonly [string, object])[] {
  const { httpGet } = recordOf(probe);
  return httpGet === undefined ? [] : [[kind, { httpGet: pick(httpGet, ['path', 'port']) }]];
}

const portFields = ['containerPort', 'name', 'protocol'];

/** Init containers that stay. */
function keepingRunning(spec: Record<string, unknown>): ApiObject[] {
  return recordsOf(spec.initContainers)
    .filter(each => each.restartPolicy === 'Always')
    .map(each => ({ ...pruneContainer(each), restartPolicy: 'Always' }));
}

/** Of the containers that have ended, with which code; see model/workload.ts. Others come and go too often to be kept. */
function endedOf(status: Record<string, unknown>): ApiObject[] {
  return recordsOf(status.containerStatuses).flatMap(each => {
    const terminated = recordOf(recordOf(each.state).terminated);
    if (typeof terminated.exitCode !== 'number') return [];
    return [{ name: each.name, state: { terminated: { exitCode: terminated.exitCode } } }];
  });
}

/** apiVersion, kind and the metadata that everybody may read; annotations and labels only with these beginnings. */
function headOf(
  object: ApiObject,
  annotations: string | readonly string[],
  labels: readonly string[] = [''],
): ApiObject {
  const metadata = recordOf(object.metadata);
  const kept = (value: unknown, prefixes: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(recordOf(value)).filter(
        ([name]) => name !== lastApplied && prefixes.some(prefix => name.startsWith(prefix)),
      ),
    );
  const owners = recordsOf(metadata.ownerReferences).map(each => pick(each, ['kind', 'name', 'controller']));
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      ...pick(metadata, ['name', 'namespace', 'creationTimestamp', 'deletionTimestamp']),
      ...present('labels', kept(metadata.labels, labels)),
      ...present('annotations', kept(metadata.annotations, [annotations].flat())),
      ...present('ownerReferences', owners),
    },
  };
}

/** A copy of the whole object that kubectl apply keeps. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const from = recordOf(value);
  const picked: Record<string, unknown> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked;
}

/** Nothing for an empty list or object. */
function present<K extends string>(name: K, value: object): Record<string, unknown> {
  const empty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
  return empty ? {} : { [name]: value };
}
