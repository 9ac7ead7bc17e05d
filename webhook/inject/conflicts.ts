// What in a pod cannot live together with the proxy, or will not do what its author thinks.
import { ANNOTATIONS, PORTS, PROXY_UID } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, parseQuantity, problem } from '../../src/model/index.ts';
import { CONTAINERS, VOLUMES } from './names.ts';
import type { Container, PodSpec, Resources, SecurityContext } from './pod.ts';
import { type PodSettings, startsAsRoot } from './settings.ts';

/**
 * Every conflict of a pod that is not injected yet. An error means that injecting it would break it or bypass the mesh.
 * `settings` is undefined where they could not be read: what does not depend on them is told all the same.
 */
export function conflicts(spec: PodSpec, settings: PodSettings | undefined, object?: ObjectRef): Problem[] {
  return [
    ...nameConflicts(spec, object),
    ...(settings ? portConflicts(spec, settings, object) : []),
    ...(settings?.clientAddresses === 'keep' ? [keptAddresses(object)] : []),
    ...(settings && startsAsRoot(settings) ? tokenForRoot(spec, object) : []),
    ...uidConflicts(spec, object),
    ...(settings ? qualityOfService(spec, settings, object) : []),
  ];
}

function nameConflicts(spec: PodSpec, object?: ObjectRef): Problem[] {
  const problems: Problem[] = [];
  const look = (entries: readonly { name: string }[], path: string, taken: readonly string[]) => {
    for (const [index, { name }] of entries.entries()) {
      if (!taken.includes(name)) continue;
      const message = `the name ${name} is Weft's own; rename it, or remove it if an old injection left it behind`;
      problems.push(problem('name-taken', message, { object, path: `${path}[${index}].name` }));
    }
  };
  look(spec.containers, 'spec.containers', Object.values(CONTAINERS));
  look(spec.initContainers ?? [], 'spec.initContainers', Object.values(CONTAINERS));
  look(spec.volumes ?? [], 'spec.volumes', Object.values(VOLUMES));
  return problems;
}

/** What calling the app from its clients' addresses takes. */
function keptAddresses(object?: ObjectRef): Problem {
  const path = `metadata.annotations[${ANNOTATIONS.clientAddresses}]`;
  return problem(
    'client-addresses-kept',
    'the app sees the addresses of its clients: the proxy of this pod starts as root, and keeps the capability NET_RAW when it becomes user 1337; ' +
      'the Pod Security levels baseline and restricted refuse it',
    { object, path, severity: 'warning' },
  );
}

/** The kubelet gives a token to the one user of all containers, which would be root (kubelet, util.FsUserFrom). */
function tokenForRoot(spec: PodSpec, object?: ObjectRef): Problem[] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const isRoot = ({ securityContext }: Container): boolean =>
    (securityContext?.runAsUser ?? spec.securityContext?.runAsUser) === 0;
  if (!all.every(isRoot) || spec.securityContext?.fsGroup !== undefined) return [];
  const message =
    "every container says runAsUser: 0, so that the proxy's token would be for root's eyes only; give the pod an fsGroup, or leave runAsUser out";
  return [problem('token-unreadable', message, { object, path: 'spec.securityContext' })];
}

function portConflicts(spec: PodSpec, { ownPorts }: PodSettings, object?: ObjectRef): Problem[] {
  const problems: Problem[] = [];
  const listening: readonly number[] = [PORTS.admin, PORTS.outbound, PORTS.inbound, PORTS.health];
  for (const [index, container] of spec.containers.entries()) {
    for (const [at, { containerPort, protocol }] of (container.ports ?? []).entries()) {
      if ((protocol ?? 'TCP') !== 'TCP' || !ownPorts.includes(containerPort)) continue;
      const where = { object, path: `spec.containers[${index}].ports[${at}].containerPort` };
      const who = `port ${containerPort} of container ${container.name}`;
      problems.push(
        listening.includes(containerPort)
          ? problem('port-conflict', `${who} is the proxy's own; let the app listen on another port`, where)
          : problem(
              'port-outside-mesh',
              `${who} is kept free by the mesh: traffic to it is not intercepted`,
              {
                ...where,
                severity: 'warning',
              },
            ),
      );
    }
  }
  return problems;
}

function uidConflicts(spec: PodSpec, object?: ObjectRef): Problem[] {
  const problems: Problem[] = [];
  const id = (container: Container, field: string) => {
    const own = (container.securityContext as SecurityContext | null | undefined)?.[field];
    return own ?? spec.securityContext?.[field];
  };
  const look = (containers: readonly Container[], path: string, isInit: boolean) => {
    for (const [index, container] of containers.entries()) {
      for (const field of ['runAsUser', 'runAsGroup']) {
        if (id(container, field) !== PROXY_UID) continue;
        const where = { object, path: `${path}[${index}].securityContext.${field}` };
        const message = `container ${container.name} has ${field} ${PROXY_UID}, the proxy's own, so its traffic bypasses the mesh`;
        problems.push(
          isInit
            ? problem('uid-conflict', `${message}; with Weft an init container has network without that`, {
                ...where,
                severity: 'warning',
              })
            : problem('uid-conflict', `${message}; give it another number`, where),
        );
      }
    }
  };
  look(spec.containers, 'spec.containers', false);
  look(spec.initContainers ?? [], 'spec.initContainers', true);
  return problems;
}

/** Kubernetes evicts and throttles by class; a sidecar without equal limits takes the pod out of the best one. */
function qualityOfService(spec: PodSpec, settings: PodSettings, object?: ObjectRef): Problem[] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  if (!all.every(({ resources }) => isGuaranteed(resources)) || isGuaranteed(settings.resources)) return [];
  const message =
    "the pod's quality of service goes from Guaranteed to Burstable, because the proxy's requests and limits differ; " +
    'set weft.dev/proxy-cpu-request and -limit, proxy-memory-request and -limit to equal values to keep it';
  return [problem('qos-lowered', message, { object, path: 'spec.containers', severity: 'warning' })];
}

function isGuaranteed(resources: Resources | null | undefined): boolean {
  return ['cpu', 'memory'].every(name => {
    const limit = resources?.limits?.[name];
    const request = resources?.requests?.[name] ?? limit;
    return limit !== undefined && parseQuantity(limit) === parseQuantity(request ?? limit);
  });
}
