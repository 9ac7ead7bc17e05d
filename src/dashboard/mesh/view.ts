import type { StreamStatus } from '../../discovery/index.ts';
import type { Mesh, ObjectRef, Problem } from '../../model/index.ts';
import type { ObjectStatus } from '../../translate/index.ts';
import type { PageControlPlane, PageMesh, PagePlace, PageProblem } from '../contract.ts';
import { policiesOf, problemOf } from './objects.ts';
import { servicesBehind, servicesOf } from './services.ts';
import { namespacesOf, workloadsOf } from './workloads.ts';

/** Proxies and problems beyond these are counted and not told one by one. */
const maxProxies = 2_000;
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
  /** What the analyzer says of policies. */
  readonly findings: readonly KnownFinding[];
  readonly proxies: readonly StreamStatus[];
  readonly certificates: PageControlPlane['certificates'];
  readonly objects: Readonly<Record<string, number>>;
}

/** All of it as the page is told. Pure. */
export function viewOf(known: Known): PageMesh {
  const { place, mesh, statuses, problems, findings, proxies, certificates, objects } = known;
  const services = servicesOf(mesh);
  const workloads = workloadsOf(mesh, servicesBehind(services));
  return {
    place,
    namespaces: namespacesOf(workloads),
    workloads,
    services,
    policies: policiesOf(statuses, findings),
    controlPlane: {
      proxies: proxies.slice(0, maxProxies).map(proxyOf),
      proxyCount: proxies.length,
      certificates,
      problems: problems.slice(0, maxProblems).map(each => problemOf(each)),
      objects,
    },
    grouped: false,
  };
}

function proxyOf(status: StreamStatus): PageControlPlane['proxies'][number] {
  const { pod, principal, proxyVersion, connectedAtMs, destinations, outstanding, resources } = status;
  const refused = resources.filter(each => each.state === 'nacked');
  return {
    ...{ pod, principal, version: proxyVersion, connectedAtMs, destinations, outstanding },
    refused: refused.map(({ key, reason = 'without a reason' }) => `${key}: ${reason}`),
  };
}
