// The parts of Kubernetes objects that inject reads, as plain data. Everything it does not name is carried along as it is.
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';

/** `metadata` of a pod or of a pod template. */
export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly [key: string]: unknown;
}

/** What a probe or a lifecycle hook does. */
export interface Handler {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly scheme?: string;
    readonly host?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly grpc?: { readonly port: number; readonly service?: string | null };
  readonly exec?: { readonly command?: readonly string[] };
  readonly [key: string]: unknown;
}

/** A probe: a handler and its timing. */
export interface Probe extends Handler {
  readonly timeoutSeconds?: number;
}

/** A container of any of the three sorts. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[] | null;
  readonly args?: readonly string[] | null;
  readonly env?:
    | readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[]
    | null;
  readonly ports?:
    | readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[]
    | null;
  readonly resources?: Resources | null;
  readonly volumeMounts?: readonly { readonly name: string; readonly [key: string]: unknown }[] | null;
  readonly readinessProbe?: Probe | null;
  readonly livenessProbe?: Probe | null;
  readonly startupProbe?: Probe | null;
  readonly lifecycle?: { readonly postStart?: Handler | null; readonly preStop?: Handler | null } | null;
  readonly securityContext?: SecurityContext | null;
  /** `Always` makes an init container a native sidecar. */
  readonly restartPolicy?: string;
  readonly [key: string]: unknown;
}

/** Requests and limits; quantities as Kubernetes writes them. */
export interface Resources {
  readonly requests?: Readonly<Record<string, string | number>>;
  readonly limits?: Readonly<Record<string, string | number>>;
}

/** The part of a container's or a pod's securityContext that matters here. */
export interface SecurityContext {
  readonly runAsUser?: number;
  readonly [key: string]: unknown;
}

/** A volume, by name. */
export interface Volume {
  readonly name: string;
  readonly [key: string]: unknown;
}

/** `spec` of a pod. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[] | null;
  readonly volumes?: readonly Volume[] | null;
  readonly hostNetwork?: boolean;
  readonly restartPolicy?: string;
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
  readonly os?: { readonly name?: string } | null;
  readonly securityContext?: SecurityContext | null;
  readonly [key: string]: unknown;
}

/** A Pod, or the pod template inside a workload. */
export interface PodTemplate {
  readonly metadata?: Metadata | null;
  readonly spec: PodSpec;
  readonly [key: string]: unknown;
}

/** Whether `value` is a map, as opposed to a list, a scalar or nothing. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What keeps `value` from being read as a pod template, with paths; empty when inject can read it. It checks only what
 * inject reads: the API server judges the rest.
 */
export function shapeProblems(value: unknown, object?: ObjectRef): Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, message: string) =>
    problems.push(problem('malformed-pod', message, { object, path }));
  if (!isMap(value)) {
    add('', 'a pod template must be a map with metadata and spec');
    return problems;
  }
  checkMetadata(value.metadata, add);
  const spec = value.spec;
  if (!isMap(spec)) {
    add('spec', 'spec is missing: a pod needs spec.containers');
    return problems;
  }
  if (!Array.isArray(spec.containers) || spec.containers.length === 0) {
    add('spec.containers', 'spec.containers must be a list of at least one container');
  } else checkContainers(spec.containers, 'spec.containers', add);
  if (spec.initContainers != null) checkContainers(spec.initContainers, 'spec.initContainers', add);
  if (spec.volumes != null) checkNamed(spec.volumes, 'spec.volumes', add);
  if (spec.securityContext != null && !isMap(spec.securityContext)) {
    add('spec.securityContext', 'spec.securityContext must be a map');
  }
  return problems;
}

type Add = (path: string, message: string) => void;

function checkMetadata(metadata: unknown, add: Add): void {
  if (metadata == null) return;
  if (!isMap(metadata)) {
    add('metadata', 'metadata must be a map');
    return;
  }
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (map == null) continue;
    if (!isMap(map)) {
      add(`metadata.${field}`, `metadata.${field} must be a map of strings`);
      continue;
    }
    for (const [key, entry] of Object.entries(map)) {
      if (typeof entry === 'string') continue;
      add(
        `metadata.${field}[${key}]`,
        `${key} is ${JSON.stringify(entry)}, not a string; put it in quotes: "${String(entry)}"`,
      );
    }
  }
}

function checkContainers(list: unknown, path: string, add: Add): void {
  if (!checkNamed(list, path, add)) return;
  for (const [index, container] of list.entries()) {
    const at = `${path}[${index}]`;
    for (const field of ['ports', 'volumeMounts', 'env', 'command', 'args']) {
      const entry = container[field];
      if (entry != null && !Array.isArray(entry)) add(`${at}.${field}`, `${field} must be a list`);
    }
    for (const field of ['readinessProbe', 'livenessProbe', 'startupProbe', 'lifecycle', ...plainMaps]) {
      const entry = container[field];
      if (entry != null && !isMap(entry)) add(`${at}.${field}`, `${field} must be a map`);
      else if (isMap(entry) && field === 'lifecycle') {
        for (const hook of ['postStart', 'preStop']) checkHandler(entry[hook], `${at}.${field}.${hook}`, add);
      } else if (!plainMaps.includes(field)) checkHandler(entry, `${at}.${field}`, add);
    }
    for (const field of ['ports', 'volumeMounts', 'env'])
      checkEntries(container[field], `${at}.${field}`, add);
  }
}

const plainMaps = ['securityContext', 'resources'];

/** A probe or hook: each way of asking is a map. */
function checkHandler(handler: unknown, path: string, add: Add): void {
  if (handler == null) return;
  if (!isMap(handler)) {
    add(path, `${path.slice(path.lastIndexOf('.') + 1)} must be a map`);
    return;
  }
  for (const way of ['httpGet', 'tcpSocket', 'grpc', 'exec']) {
    if (handler[way] != null && !isMap(handler[way])) add(`${path}.${way}`, `${way} must be a map`);
  }
  const headers = isMap(handler.httpGet) ? handler.httpGet.httpHeaders : undefined;
  if (headers != null && !Array.isArray(headers))
    add(`${path}.httpGet.httpHeaders`, 'httpHeaders must be a list');
  else checkEntries(headers, `${path}.httpGet.httpHeaders`, add);
}

function checkEntries(list: unknown, path: string, add: Add): void {
  if (!Array.isArray(list)) return;
  for (const [index, entry] of list.entries()) {
    if (!isMap(entry))
      add(`${path}[${index}]`, `${path.slice(path.lastIndexOf('.') + 1)}[${index}] must be a map`);
  }
}

function checkNamed(list: unknown, path: string, add: Add): list is Record<string, unknown>[] {
  if (!Array.isArray(list)) {
    add(path, `${path} must be a list`);
    return false;
  }
  let good = true;
  for (const [index, entry] of list.entries()) {
    if (isMap(entry) && typeof entry.name === 'string' && entry.name !== '') continue;
    add(`${path}[${index}]`, `${path}[${index}] must be a map with a name`);
    good = false;
  }
  return good;
}
