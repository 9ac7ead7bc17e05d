import { formatSpiffe, type ObjectRef, type Peer, type Service, type Workload } from '../model/index.ts';

/** The reference without where it was read: a resource must not change because a line was added to a file above it. */
export function withoutOrigin({ apiVersion, kind, namespace, name }: ObjectRef): ObjectRef {
  return { apiVersion, kind, namespace, name };
}

/** Who the workload is to those who call it or are called by it. */
export function peerOf(workload: Workload | undefined): Peer {
  if (!workload) return nobody;
  return {
    workload: workload.owner.name,
    namespace: workload.namespace,
    app: workload.app,
    version: workload.version,
    principal: formatSpiffe(workload.identity),
    pod: workload.name,
  };
}

const nobody: Peer = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };

/** The metric labels `destination_service*`. */
export function serviceLabels(service: Service | undefined): {
  host: string;
  name: string;
  namespace: string;
} {
  if (!service) return { host: '', name: '', namespace: '' };
  return { host: service.host, name: service.name, namespace: service.namespace };
}
