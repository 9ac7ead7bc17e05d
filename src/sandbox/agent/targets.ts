import { portByName } from '../controllers/index.ts';
import { isTerminating, type ObjectStore } from '../kube/index.ts';
import { readyTargets } from '../network/index.ts';

/** Where to connect to, or why that cannot be said. */
export type Target = { readonly host: string; readonly port: number } | { readonly problem: string };

/** What somebody outside wants to reach: `svc/web` or `pod/web-1`, and a port by number or name. */
export interface TargetName {
  readonly kind: 'svc' | 'pod';
  readonly namespace: string;
  readonly name: string;
  readonly port: number | string;
}

/** Finds an address for a target; of a Service one of the ready ones, in turn by `turn`. */
export function resolveTarget(store: ObjectStore, wanted: TargetName, turn: number): Target {
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

/** Reads `svc/web`, `pod/web-1`, with the namespace in front (`svc/shop/web`) or taken from where the name is unique. */
export function parseTarget(
  text: string,
  store: ObjectStore,
): Omit<TargetName, 'port'> | { problem: string } {
  const parts = text.split('/');
  const kind = parts[0] === 'service' ? 'svc' : parts[0];
  if (kind !== 'svc' && kind !== 'pod') return { problem: `'${text}' is neither svc/NAME nor pod/NAME` };
  if (parts.length === 3) return { kind, namespace: parts[1]!, name: parts[2]! };
  const name = parts[1] ?? '';
  const found = findByName(store, kind === 'svc' ? 'Service' : 'Pod', name);
  return 'problem' in found ? found : { kind, namespace: found.namespace, name };
}

/** The one namespace that has an object of this kind and name. */
export function findByName(
  store: ObjectStore,
  kind: 'Pod' | 'Service' | 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob' | 'Job',
  name: string,
): { readonly namespace: string } | { readonly problem: string } {
  const objects = store.list(kind).filter(object => object.metadata.name === name);
  const alive = objects.filter(object => !isTerminating(object));
  const found = alive.length > 0 ? alive : objects;
  if (found.length === 1) return { namespace: found[0]!.metadata.namespace ?? 'default' };
  if (found.length === 0) {
    const all = store.list(kind).map(object => object.metadata.name);
    const has = all.length > 0 ? `; there are: ${all.slice(0, 20).join(', ')}` : '';
    return { problem: `there is no ${kind} named ${name}${has}` };
  }
  const namespaces = found.map(object => object.metadata.namespace).join(', ');
  return {
    problem: `${kind} ${name} is in several namespaces (${namespaces}); put one in front: ${found[0]!.metadata.namespace}/${name}`,
  };
}
