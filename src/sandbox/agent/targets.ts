import { portByName } from '../controllers/index.ts';
import {
  chooseNamed,
  choosePod,
  isPodReady,
  isTerminating,
  type Named,
  type ObjectStore,
  type Pod,
  type TargetKind,
} from '../kube/index.ts';
import { readyTargets } from '../network/index.ts';
import { workloadOf } from './describe.ts';

/** Where to connect to, or why that cannot be said. */
export type Reachable = { readonly host: string; readonly port: number } | { readonly problem: string };

/** What somebody outside wants to reach: `svc/web` or `pod/web-1`, and a port by number or name. */
export interface TargetName {
  readonly kind: 'svc' | 'pod';
  readonly namespace: string;
  readonly name: string;
  readonly port: number | string;
}

/** Finds an address for a target; of a Service one of the ready ones, in turn by `turn`. */
export function resolveTarget(store: ObjectStore, wanted: TargetName, turn: number): Reachable {
  const shown = `${wanted.kind}/${wanted.name} of namespace ${wanted.namespace}`;
  if (wanted.kind === 'pod') {
    const pod = store.get('Pod', wanted.namespace, wanted.name);
    const host = pod?.status?.podIP;
    if (!pod || !host) return { problem: `there is no ${shown}${pod ? ' with an address yet' : ''}` };
    const port = typeof wanted.port === 'number' ? wanted.port : portByName(pod, wanted.port);
    return port ? { host, port } : { problem: `${shown} has no port named ${wanted.port}` };
  }
  const service = store.get('Service', wanted.namespace, wanted.name);
  if (!service) return { problem: `there is no ${shown}` };
  const ports = service.spec.ports ?? [];
  const port = ports.find(one => one.port === wanted.port || one.name === wanted.port);
  if (!port) {
    const has = ports.map(one => one.port).join(', ') || 'none';
    return { problem: `${shown} has no port ${wanted.port}; it has ${has}` };
  }
  const targets = readyTargets(service, port, store.list('EndpointSlice'));
  if (targets.length === 0) return { problem: `no endpoint of ${shown} is ready; see weft sandbox status` };
  const [host, number] = targets[turn % targets.length]!.split(':') as [string, string];
  return { host, port: Number(number) };
}

/** What a forward or a dial leads to: a Service, a pod, or one of a workload's pods. */
export function findReachable(
  text: string,
  store: ObjectStore,
): Omit<TargetName, 'port'> | { readonly problem: string } {
  const service = findNamed(text, store, ['Service']);
  if (!('problem' in service)) return { kind: 'svc', namespace: service.namespace, name: service.name };
  const found = findPod(text, store);
  if ('pod' in found) {
    const { namespace = 'default', name } = found.pod.metadata;
    return { kind: 'pod', namespace, name };
  }
  // Of the two reasons, the one that is about what was meant.
  return /^(svc|services?)\//i.test(text) ? service : found;
}

/** The pod that a target names, or one of the workload that it names. */
export function findPod(
  text: string,
  store: ObjectStore,
): { readonly pod: Pod } | { readonly problem: string } {
  const pods = store.list('Pod').map(pod => {
    const { kind, name } = workloadOf(pod, store);
    const { namespace = 'default' } = pod.metadata;
    const names = { namespace, name: pod.metadata.name, workload: name, workloadKind: kind };
    return { ...names, ready: isPodReady(pod), terminating: isTerminating(pod), pod };
  });
  const found = choosePod(text, pods);
  return 'problem' in found ? found : { pod: found.pod };
}

/** The one object of these kinds that a target names. */
export function findNamed(
  text: string,
  store: ObjectStore,
  kinds: readonly TargetKind[],
): Named | { readonly problem: string } {
  const all = kinds.flatMap(kind => store.list(kind));
  const alive = all.filter(object => !isTerminating(object));
  const candidates = (alive.length > 0 ? alive : all).map(
    ({ kind, metadata: { name, namespace = 'default' } }) => ({
      kind,
      namespace,
      name,
    }),
  );
  return chooseNamed(text, candidates, kinds);
}
