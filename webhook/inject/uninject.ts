// Takes out of a pod what inject put in, by the record that inject left.
import { ANNOTATIONS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import { forgetProxy } from './named-proxy.ts';
import { RUN_APP, VOLUMES } from './names.ts';
import { type Container, type Metadata, type PodSpec, type PodTemplate, shapeProblems } from './pod.ts';
import { isOwnPreStop } from './pre-stop.ts';
import { restoreProbes } from './probes.ts';
import { type InjectionStatus, readStatus } from './status.ts';

/** What came of `uninject`. */
export type UninjectResult =
  | { readonly kind: 'uninjected'; readonly pod: PodTemplate; readonly removed: readonly string[] }
  | { readonly kind: 'skipped'; readonly code: 'not-injected'; readonly reason: string }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/**
 * The pod as it was before `inject`: `uninject(inject(pod))` equals `pod`. What was edited in between stays edited; only
 * what still looks as inject left it is put back. Works on pods that other versions of Weft injected.
 */
export function uninject(pod: PodTemplate, object?: ObjectRef): UninjectResult {
  const status = readStatus(pod);
  if (status === undefined) {
    return {
      kind: 'skipped',
      code: 'not-injected',
      reason: `it has no annotation ${ANNOTATIONS.status}: Weft is not in it`,
    };
  }
  if (status === 'unreadable') {
    const message =
      `annotation ${ANNOTATIONS.status} was not written by weft inject, so it does not say what to take out; ` +
      "remove it, and Weft's containers and volumes if there are any";
    const path = `metadata.annotations[${ANNOTATIONS.status}]`;
    return { kind: 'refused', problems: [problem('unreadable-status', message, { object, path })] };
  }
  const malformed = shapeProblems(pod, object);
  if (malformed.length > 0) return { kind: 'refused', problems: malformed };
  const removed = [...status.initContainers, ...status.containers, ...status.volumes];
  return { kind: 'uninjected', pod: takeOut(pod, status), removed };
}

function takeOut(pod: PodTemplate, status: InjectionStatus): PodTemplate {
  const result: Record<string, unknown> = { ...pod, spec: takeOutOfSpec(pod.spec, status) };
  const metadata: Record<string, unknown> = { ...pod.metadata };
  setOrDrop(metadata, 'annotations', takeOutAnnotations(pod.metadata, status), status);
  setOrDrop(result, 'metadata', metadata, status);
  return result as unknown as PodTemplate;
}

function takeOutAnnotations(
  metadata: Metadata | null | undefined,
  status: InjectionStatus,
): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata?.annotations ?? {})) {
    if (key === ANNOTATIONS.status) continue;
    const set = Object.hasOwn(status.annotations, key) ? status.annotations[key] : undefined;
    if (set === undefined || set.now !== value) annotations[key] = value;
    else if (set.was !== undefined) annotations[key] = set.was;
  }
  return annotations;
}

function takeOutOfSpec(spec: PodSpec, status: InjectionStatus): PodSpec {
  const mend = (container: Container) =>
    unhook(unname(unwrap(restoreProbes(container, status.probes ?? {}), status), status), status);
  const keep = (names: readonly string[]) => (entry: { readonly name: string }) =>
    !names.includes(entry.name);
  const result: Record<string, unknown> = { ...spec };
  result.containers = spec.containers.filter(keep(status.containers)).map(mend);
  const initContainers = (spec.initContainers ?? []).filter(keep(status.initContainers)).map(mend);
  setOrDrop(result, 'initContainers', initContainers, status);
  setOrDrop(result, 'volumes', (spec.volumes ?? []).filter(keep(status.volumes)), status);
  return result as unknown as PodSpec;
}

function unwrap(container: Container, status: InjectionStatus): Container {
  if (!status.wrapped?.includes(container.name)) return container;
  const [first, dashes, ...command] = container.command ?? [];
  const result: Record<string, unknown> = { ...container };
  if (first === RUN_APP && dashes === '--') result.command = command;
  const mounts = (container.volumeMounts ?? []).filter(({ name }) => name !== VOLUMES.runApp);
  setOrDrop(result, 'volumeMounts', mounts, status, `${container.name}.volumeMounts`);
  return result as unknown as Container;
}

function unname(container: Container, status: InjectionStatus): Container {
  if (!status.named?.includes(container.name)) return container;
  const result: Record<string, unknown> = { ...container };
  setOrDrop(result, 'env', forgetProxy(container.env ?? []), status, `${container.name}.env`);
  return result as unknown as Container;
}

function unhook(container: Container, status: InjectionStatus): Container {
  const { preStop, ...others } = container.lifecycle ?? {};
  if (!status.preStop?.includes(container.name) || !isOwnPreStop(preStop)) return container;
  const result: Record<string, unknown> = { ...container };
  setOrDrop(result, 'lifecycle', others, status, `${container.name}.lifecycle`);
  return result as unknown as Container;
}

/** Sets a field, or makes it missing or null again when it is empty and inject had created it. */
function setOrDrop(
  target: Record<string, unknown>,
  field: string,
  value: object,
  status: InjectionStatus,
  recorded = field,
): void {
  const created = Object.hasOwn(status.created, recorded) ? status.created[recorded] : undefined;
  const filled = Object.keys(value).length > 0;
  if (filled || (created === undefined && target[field] !== undefined)) target[field] = value;
  else if (created === 'null') target[field] = null;
  else delete target[field];
}
