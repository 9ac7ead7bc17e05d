// Services whose endpoints all turn unready at once, while proxies go on with them: a proxy can only log and count that, and
// whoever looks with kubectl reads it in an event about the Service.
import type { MeshEvent } from '../../webhook/index.ts';
import { type Endpoint, fact, type Mesh, type Service } from '../model/index.ts';
import type { Change } from '../registry/index.ts';
import type { Pipeline } from './pipeline.ts';

/** Keys of the Services whose endpoints are changed. */
export function servicesOf(changes: readonly Change[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const change of changes) {
    if (change.kind === 'Endpoints') keys.add(change.key);
    // Of what is deleted nothing turns unready: it goes.
    if (change.kind !== 'EndpointSlice.discovery.k8s.io' || change.type !== 'put') continue;
    const { namespace, labels } = change.stored.object.metadata;
    const name = labels?.['kubernetes.io/service-name'];
    if (name !== undefined) keys.add(`${namespace}/${name}`);
  }
  return keys;
}

/**
 * Reports them as the registry changes, while `leads`; returns how to stop. For Services that have pods of the mesh, or callers
 * in it.
 */
export function watchUnready(
  pipeline: Pipeline,
  leads: () => boolean,
  report: (event: MeshEvent) => void,
): () => void {
  const { registry, hub } = pipeline;
  let before = pipeline.mesh;
  return registry.subscribe(({ changes }) => {
    const after = pipeline.mesh;
    const matters = (service: Service): boolean =>
      hub.isFollowed(fact.endpoints(`${service.namespace}/${service.name}`)) || isMeshed(service, after);
    const uidOf = (key: string): string | undefined => registry.get('Service', key)?.object.metadata.uid;
    const events = leads() ? unreadyEvents(before, after, servicesOf(changes), matters, uidOf) : [];
    before = after;
    for (const event of events) report(event);
  });
}

function isMeshed({ endpoints }: Service, { workloads }: Mesh): boolean {
  return [...endpoints.values()]
    .flat()
    .some(({ workload }) => workload !== undefined && workloads.get(workload)?.meshed);
}

/**
 * An event for each of the Services that had ready endpoints in `before`, all of which are there in `after` and unready. One that
 * ends or is scaled down is no such case: its endpoints terminate or go. `matters`: whether somebody of the mesh is concerned.
 */
export function unreadyEvents(
  before: Mesh,
  after: Mesh,
  keys: Iterable<string>,
  matters: (service: Service) => boolean,
  uidOf: (key: string) => string | undefined = () => undefined,
): readonly MeshEvent[] {
  return [...keys].flatMap(key => {
    const [was, service] = [before.services.get(key), after.services.get(key)];
    if (!was || !service || was === service || !turnedUnready(was, service) || !matters(service)) return [];
    return [eventOf(service, uidOf(key))];
  });
}

function turnedUnready(was: Service, service: Service): boolean {
  for (const [port, endpoints] of was.endpoints) {
    const ready = endpoints.filter(each => each.ready);
    const now = service.endpoints.get(port) ?? [];
    if (ready.length > 0 && !now.some(each => each.ready) && ready.every(each => isUnready(each, now)))
      return true;
  }
  return false;
}

function isUnready({ address, port }: Endpoint, now: readonly Endpoint[]): boolean {
  return now.some(each => each.address === address && each.port === port && !each.ready && !each.terminating);
}

function eventOf({ namespace, name, from }: Service, uid: string | undefined): MeshEvent {
  return {
    namespace,
    about: { apiVersion: from.apiVersion, kind: from.kind, name, ...(uid !== undefined && { uid }) },
    type: 'Warning',
    reason: 'AllEndpointsUnready',
    message:
      'all endpoints turned unready at once; proxies whose connections to them work go on with them, less whoever fails, until one is ready again (weft_cluster_kept_unready), unless it is a single one that says so itself. See whether the pods are well, or their nodes and the API server',
  };
}
