import type { StreamStatus } from '../../discovery/index.ts';
import type { Mesh, ObjectRef, Problem } from '../../model/index.ts';
import type { ObjectStatus } from '../../translate/index.ts';
import type { PageControlPlane, PageMesh, PagePlace, PageProblem, PageProxy } from '../contract.ts';
import { policiesOf, problemOf } from './objects.ts';
import { MAX_PROXIES } from './peer-proxies.ts';
import { servicesBehind, servicesOf } from './services.ts';
import { namespacesOf, workloadsOf } from './workloads.ts';

/** Problems beyond these are not told one by one. */
const maxProblems = 500;

/** A finding of `weft analyze`, as far as the page tells it. */
export interface KnownFinding {
  readonly code: string;
  readonly severity: PageProblem['severity'];
  readonly object: ObjectRef;
  readonly path?: string;
  readonly message: string;
}

/** What the control plane knows, at one moment. */
export interface Known {
  readonly place: PagePlace;
  readonly mesh: Mesh;
  readonly statuses: readonly ObjectStatus[];
  readonly problems: readonly Problem[];
  /** What the analyzer says of policies and Services. */
  readonly findings: readonly KnownFinding[];
  /** Of this replica. */
  readonly proxies: readonly PageProxy[];
  /** Of others, as far as they are told, and how many those have. */
  readonly others?: { readonly proxies: readonly PageProxy[]; readonly count: number };
  readonly certificates: PageControlPlane['certificates'];
  readonly objects: Readonly<Record<string, number>>;
}

/** All of it as the page is told. Pure. */
export function viewOf(known: Known): PageMesh {
  const { place, mesh, statuses, problems, findings, proxies, others, certificates, objects } = known;
  const services = servicesOf(mesh, findings);
  const workloads = workloadsOf(mesh, servicesBehind(services));
  return {
    place,
    namespaces: namespacesOf(workloads),
    workloads,
    services,
    policies: policiesOf(statuses, findings),
    controlPlane: {
      proxies: [...proxies.slice(0, MAX_PROXIES), ...(others?.proxies ?? [])],
      proxyCount: proxies.length + (others?.count ?? 0),
      certificates,
      problems: problems.slice(0, maxProblems).map(each => problemOf(each)),
      objects,
    },
    grouped: false,
  };
}

/** A proxy that is connected to this replica. `replica`: its name, where there are several. */
export function proxyOf(status: StreamStatus, replica?: string): PageProxy {
  const { pod, principal, proxyVersion, connectedAtMs, destinations, outstanding, resources } = status;
  const refused = resources.filter(each => each.state === 'nacked');
  return {
    ...{ pod, principal, version: proxyVersion, connectedAtMs, destinations, outstanding },
    ...(replica !== undefined && { replica }),
    refused: refused.map(({ key, reason = 'without a reason' }) => `${key}: ${reason}`),
  };
}
