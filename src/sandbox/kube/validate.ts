import { type Problem, problem } from '../../model/index.ts';
import { unknownFields, unknownWords } from '../../schema/index.ts';
import type { KubeObject } from './object.ts';
import type { Container, PodSpec } from './pod.ts';
import type { Service } from './services.ts';
import type { StatefulSet } from './workloads.ts';

const nameShape = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const templated = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job']);

/**
 * What is wrong with an object as it was written (pure): what the API server would refuse, and what the sandbox cannot run.
 * Misspelt fields refuse it, as kubectl's strict validation does, which is its default: a pod whose probe or limit is none runs
 * otherwise.
 */
export function checkObject(object: KubeObject): Problem[] {
  return [...unknownFieldProblems(object), ...meaningProblems(object)];
}

function unknownFieldProblems(object: KubeObject): Problem[] {
  const who = `${object.kind} ${object.metadata?.name ?? '(no name)'}`;
  return unknownFields(object).map(field =>
    problem('field-unknown', `${who}: ${field.path}: ${unknownWords(field)}`, { path: field.path }),
  );
}

function meaningProblems(object: KubeObject): Problem[] {
  const name = object.metadata?.name;
  if (typeof name !== 'string' || !nameShape.test(name)) {
    const words = name === undefined ? 'has no metadata.name' : `has the invalid name '${String(name)}'`;
    return [problem('bad-name', `${object.kind} ${words}; use lowercase letters, digits, '-' and '.'`)];
  }
  const found = specOf(object);
  if (found) return checkPodSpec(found.spec, found.path, `${object.kind} ${name}`, claimsOf(object));
  if (object.kind === 'Service') return checkService(object as Service);
  return [];
}

function specOf(object: KubeObject): { spec: Partial<PodSpec> | undefined; path: string } | undefined {
  const spec = (object as { spec?: Record<string, unknown> }).spec;
  if (object.kind === 'Pod') return { spec: spec as Partial<PodSpec>, path: 'spec' };
  if (templated.has(object.kind)) {
    return { spec: templateSpec(spec), path: 'spec.template.spec' };
  }
  if (object.kind === 'CronJob') {
    const jobTemplate = spec?.jobTemplate as { spec?: Record<string, unknown> } | undefined;
    return { spec: templateSpec(jobTemplate?.spec), path: 'spec.jobTemplate.spec.template.spec' };
  }
  return undefined;
}

function templateSpec(spec: Record<string, unknown> | undefined): Partial<PodSpec> | undefined {
  return (spec?.template as { spec?: Partial<PodSpec> } | undefined)?.spec;
}

/** Names of the volumes that a StatefulSet gives its pods. */
function claimsOf(object: KubeObject): string[] {
  if (object.kind !== 'StatefulSet') return [];
  return ((object as StatefulSet).spec.volumeClaimTemplates ?? []).map(template => template.metadata.name);
}

function checkPodSpec(
  spec: Partial<PodSpec> | undefined,
  path: string,
  who: string,
  claims: readonly string[],
): Problem[] {
  if (!spec || !Array.isArray(spec.containers) || spec.containers.length === 0) {
    return [problem('no-containers', `${who} has no containers; give it at least one`, { path })];
  }
  const problems: Problem[] = [];
  if (spec.hostNetwork) {
    const message = `${who} asks for hostNetwork, which the sandbox does not give; it gets an address of its own`;
    problems.push(problem('host-network', message, { path: `${path}.hostNetwork`, severity: 'warning' }));
  }
  if (spec.shareProcessNamespace) {
    const message = `${who} asks for shareProcessNamespace, which the sandbox does not give; each container sees its own processes only`;
    const at = { path: `${path}.shareProcessNamespace`, severity: 'warning' } as const;
    problems.push(problem('share-process-namespace', message, at));
  }
  const names = new Set<string>();
  const volumes = new Set([...(spec.volumes ?? []).map(volume => volume.name), ...claims]);
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const at = `${path}.${list}[${index}]`;
      problems.push(...checkContainer(container, at, who, names, volumes));
    }
  }
  return problems;
}

function checkContainer(
  container: Container,
  at: string,
  who: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): Problem[] {
  if (typeof container?.name !== 'string') {
    return [problem('bad-name', `${who} has a container without a name`, { path: `${at}.name` })];
  }
  if (names.has(container.name)) {
    const message = `${who} has two containers named ${container.name}; names must differ`;
    return [problem('bad-name', message, { path: `${at}.name` })];
  }
  names.add(container.name);
  const problems: Problem[] = [];
  for (const mount of container.volumeMounts ?? []) {
    if (volumes.has(mount.name)) continue;
    const message = `container ${container.name} of ${who} mounts the volume ${mount.name}, which spec.volumes does not declare`;
    problems.push(problem('unknown-volume', message, { path: `${at}.volumeMounts` }));
  }
  return problems;
}

function checkService(service: Service): Problem[] {
  if (!service.spec) return [problem('no-spec', `Service ${service.metadata.name} has no spec`)];
  const problems: Problem[] = [];
  for (const [index, port] of (service.spec.ports ?? []).entries()) {
    if (Number.isInteger(port.port) && port.port > 0 && port.port < 65_536) continue;
    const message = `Service ${service.metadata.name} has the port ${String(port.port)}; use 1 to 65535`;
    problems.push(problem('bad-port', message, { path: `spec.ports[${index}].port` }));
  }
  return problems;
}
