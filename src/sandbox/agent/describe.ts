import { join } from 'node:path';
import { ANNOTATIONS } from '../../config/index.ts';
import { contentHash, REVISION, TEMPLATE_HASH } from '../controllers/index.ts';
import {
  type ContainerStatus,
  clusterIpOf,
  isOwnedBy,
  isPodReady,
  isTerminating,
  type KubeObject,
  type ObjectStore,
  type Pod,
  refOf,
  type SandboxEvent,
  type Service,
} from '../kube/index.ts';
import type { Forward } from './forwards.ts';
import { type ContainerView, type PodView, type ServiceView, stateWord, type WorkloadView } from './view.ts';

/** A pod as `status` shows it (pure). */
export function describePod(
  pod: Pod,
  store: ObjectStore,
  logsDir: string,
  netnsPrefix: string | undefined,
  events: readonly SandboxEvent[] = [],
): PodView {
  const { name, namespace = 'default' } = pod.metadata;
  const folder = join(logsDir, namespace, name);
  const init = (pod.status?.initContainerStatuses ?? []).map(status =>
    describeContainer(status, folder, true),
  );
  const main = (pod.status?.containerStatuses ?? []).map(status => describeContainer(status, folder, false));
  const sidecars = new Set(
    pod.spec.initContainers?.flatMap(one => (one.restartPolicy === 'Always' ? [one.name] : [])),
  );
  const counted = [...init.filter(container => sidecars.has(container.name)), ...main];
  const owner = workloadOf(pod, store);
  const injected = pod.metadata.annotations?.[ANNOTATIONS.status];
  const ref = refOf(pod);
  const warning = events.findLast(event => event.type === 'Warning' && event.object === ref)?.message;
  return {
    namespace,
    name,
    uid: pod.metadata.uid ?? '',
    workload: owner.name,
    workloadKind: owner.kind,
    labels: pod.metadata.labels ?? {},
    phase: pod.status?.phase ?? 'Pending',
    ready: isPodReady(pod),
    readyContainers: `${counted.filter(container => container.ready).length}/${counted.length || pod.spec.containers.length}`,
    terminating: isTerminating(pod),
    restarts: [...init, ...main].reduce((sum, container) => sum + container.restarts, 0),
    address: pod.status?.podIP ?? '',
    ...(netnsPrefix === undefined ? {} : { netns: `${netnsPrefix}${namespace}-${name}` }),
    meshed: injected !== undefined,
    ...(injected === undefined ? {} : { proxyVersion: versionOf(injected) }),
    reason: reasonOf(pod, [...init, ...main]),
    ...(warning ? { warning } : {}),
    startedAt: pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '',
    containers: [...init, ...main],
  };
}

function describeContainer(status: ContainerStatus, folder: string, init: boolean): ContainerView {
  const ended = status.state.terminated ?? status.lastState.terminated;
  const { waiting } = status.state;
  // Last words say more than how long the next start is away.
  const message =
    waiting?.reason === 'CrashLoopBackOff'
      ? (ended?.message ?? waiting.message)
      : (waiting?.message ?? (status.ready ? undefined : status.complaint) ?? ended?.message);
  return {
    name: status.name,
    init,
    ready: status.ready,
    restarts: status.restartCount,
    state: stateWord(status),
    ...(ended ? { exitCode: ended.exitCode } : {}),
    ...(message ? { message } : {}),
    ...(status.pid ? { pid: status.pid } : {}),
    log: join(folder, `${status.name}.${status.restartCount}.log`),
  };
}

function reasonOf(pod: Pod, containers: readonly ContainerView[]): string {
  if (isTerminating(pod)) return 'Terminating';
  if (pod.status?.phase === 'Succeeded') return 'Completed';
  if (pod.status?.phase === 'Failed') return pod.status.reason ?? 'Failed';
  const quiet = new Set(['Running', 'Completed', 'PodInitializing']);
  const bad = containers.find(container => !quiet.has(container.state));
  if (bad) return bad.state;
  if (containers.some(container => container.init && container.state === 'Running' && !container.ready))
    return 'Init';
  return isPodReady(pod)
    ? 'Running'
    : pod.status?.phase === 'Running'
      ? 'NotReady'
      : (pod.status?.phase ?? 'Pending');
}

function versionOf(annotation: string): string {
  try {
    return String((JSON.parse(annotation) as { version?: unknown }).version ?? '?');
  } catch {
    return '?';
  }
}

/** What a pod belongs to; the pod itself when it belongs to nothing. */
export function workloadOf(pod: Pod, store: ObjectStore): { readonly kind: string; readonly name: string } {
  const owner = pod.metadata.ownerReferences?.[0];
  if (!owner || owner.kind === 'BarePod') return { kind: 'Pod', name: pod.metadata.name };
  if (owner.kind !== 'ReplicaSet') return owner;
  const set = store.get('ReplicaSet', pod.metadata.namespace ?? '', owner.name);
  const above = set?.metadata.ownerReferences?.[0];
  if (above) return above;
  // The ReplicaSet of a pod that is on its way out may be gone already: its name still says whose it was.
  const hash = pod.metadata.labels?.[TEMPLATE_HASH];
  if (hash && owner.name.endsWith(`-${hash}`))
    return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  return owner;
}

/** A Service as `status` shows it (pure). */
export function describeService(
  service: Service,
  store: ObjectStore,
  forwards: readonly Forward[],
): ServiceView {
  const { name, namespace = 'default' } = service.metadata;
  const slices = store.list('EndpointSlice').filter(slice => isOwnedBy(slice, service));
  const endpoints = slices.flatMap(slice => slice.endpoints);
  const own = forwards.filter(({ target }) => {
    return target.kind === 'svc' && target.namespace === namespace && target.name === name;
  });
  return {
    namespace,
    name,
    type: service.spec.type ?? 'ClusterIP',
    address: service.spec.externalName ?? clusterIpOf(service) ?? 'None',
    ports: (service.spec.ports ?? []).map(port => `${port.port}/${port.protocol ?? 'TCP'}`),
    ready: endpoints.filter(endpoint => endpoint.conditions.ready).length,
    total: endpoints.length,
    open: own.map(forward => `http://${forward.host}:${forward.port}`),
  };
}

/** Deployments, StatefulSets and DaemonSets as `status` shows them (pure). */
export function describeWorkloads(store: ObjectStore): WorkloadView[] {
  const pods = store.list('Pod');
  const view = (object: KubeObject, desired: number, own: readonly Pod[], updated: number): WorkloadView => ({
    kind: object.kind,
    namespace: object.metadata.namespace ?? 'default',
    name: object.metadata.name,
    desired,
    ready: own.filter(pod => isPodReady(pod) && !isTerminating(pod)).length,
    updated,
    total: own.length,
  });
  const deployments = store.list('Deployment').map(deployment => {
    const hash = contentHash(deployment.spec.template);
    const mine = pods.filter(pod => belongsTo(pod, deployment, store));
    const updated = mine.filter(pod => pod.metadata.labels?.[TEMPLATE_HASH] === hash && !isTerminating(pod));
    return view(deployment, deployment.spec.replicas ?? 1, mine, updated.length);
  });
  const others = [...store.list('StatefulSet'), ...store.list('DaemonSet')].map(set => {
    const hash = contentHash(set.spec.template);
    const mine = pods.filter(pod => isOwnedBy(pod, set));
    const desired = set.kind === 'StatefulSet' ? (set.spec.replicas ?? 1) : 1;
    const updated = mine.filter(pod => pod.metadata.labels?.[REVISION] === hash && !isTerminating(pod));
    return view(set, desired, mine, updated.length);
  });
  return [...deployments, ...others];
}

function belongsTo(pod: Pod, deployment: KubeObject, store: ObjectStore): boolean {
  if (pod.metadata.namespace !== deployment.metadata.namespace) return false;
  const owner = workloadOf(pod, store);
  return owner.kind === 'Deployment' && owner.name === deployment.metadata.name;
}
