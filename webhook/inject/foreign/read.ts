// The annotations of other meshes on one pod, in Weft's own words where their mesh is accepted, and named where it is not.
import { ANNOTATIONS, LABELS } from '../../../src/config/index.ts';
import { type Problem, problem } from '../../../src/model/index.ts';
import type { InjectContext } from '../decide.ts';
import type { InjectOptions } from '../options.ts';
import type { PodTemplate } from '../pod.ts';
import { readProxyConfig } from './proxy-config.ts';
import {
  type AcceptedMesh,
  FOREIGN,
  type ForeignMesh,
  type Meaning,
  meshName,
  meshOf,
  PROXY_CONFIG,
  TRANSPARENT_PROXY,
} from './table.ts';
import { notWithin } from './values.ts';

/** What other meshes' annotations come to. */
export interface ForeignSettings {
  /**
   * Weft's own annotations that they stand for, each with those that say so. What the pod says in Weft's words goes over them.
   */
  readonly annotations: ReadonlyMap<string, { readonly value: string; readonly by: string }>;
  readonly options: NonNullable<Meaning['options']>;
  readonly problems: readonly Problem[];
}

/** Annotations by which a pod is injected or not: `decide` looks at these. */
const wishes: readonly string[] = [
  LABELS.sidecarInject,
  LABELS.linkerdInject,
  LABELS.istioRevision,
  LABELS.consulInject,
];

/** Whether the mesh's words are obeyed. */
export function isAccepted(mesh: ForeignMesh, options: InjectOptions): mesh is AcceptedMesh {
  if (!options.acceptOtherMeshes || mesh === 'kuma') return false;
  return options.acceptedMeshes?.includes(mesh) !== false;
}

/** Reads all of them. A namespace's count where their mesh hands them down to pods: Linkerd does. */
export function readForeign(
  pod: PodTemplate,
  context: InjectContext,
  options: InjectOptions,
): ForeignSettings {
  const { object } = context;
  const found = new Found();
  const problems: Problem[] = [];
  for (const [mesh, given] of byMesh(pod, context)) {
    if (!isAccepted(mesh, options)) {
      const words = unheard(mesh, given);
      if (words !== undefined)
        problems.push(
          problem('foreign-annotation', words, { object, path: 'metadata.annotations', severity: 'warning' }),
        );
      continue;
    }
    // An annotation of its own goes over the same word in a whole configuration.
    const entries = Object.entries(given).sort(
      ([a], [b]) => Number(a === PROXY_CONFIG) - Number(b === PROXY_CONFIG),
    );
    for (const [key, text] of entries) {
      if (wishes.includes(key)) continue;
      const path = `metadata.annotations[${key}]`;
      const say = (message: string, severity: Problem['severity']): number =>
        problems.push(
          problem(severity === 'error' ? 'bad-annotation' : 'foreign-annotation', message, {
            object,
            path,
            severity,
          }),
        );
      const read =
        key === PROXY_CONFIG
          ? readProxyConfig(text)
          : Object.hasOwn(FOREIGN, key)
            ? FOREIGN[key]!.read(text, given)
            : undefined;
      if (read === undefined) say(withoutEffect(mesh, key), 'warning');
      else if ('wrong' in read) say(`annotation ${key}: "${text}": ${read.wrong}`, 'error');
      else {
        for (const ignored of read.value.ignored ?? []) say(`annotation ${key}: ${ignored}`, 'warning');
        found.add(key, read.value);
      }
    }
  }
  const impossible = withoutNative(found, options);
  if (impossible !== undefined)
    problems.push(problem('foreign-annotation', impossible, { object, severity: 'warning' }));
  return { annotations: found.annotations(), options: found.options, problems };
}

/** A cluster that does not know native sidecars takes one for an init container that never ends: the pod would never start. */
function withoutNative(found: Found, { canRunNative }: InjectOptions): string | undefined {
  if (canRunNative !== false || found.options.nativeSidecar !== true) return undefined;
  delete found.options.nativeSidecar;
  return 'a native sidecar is asked for, which Kubernetes has from 1.29 on and this cluster has not; the proxy is a container like others';
}

/** Keys of other meshes on the pod, labels that ask for injection included, by mesh. */
export function foreignKeys(
  pod: PodTemplate,
  context: InjectContext,
): ReadonlyMap<ForeignMesh, readonly string[]> {
  const keys = new Map<ForeignMesh, readonly string[]>();
  for (const [mesh, given] of byMesh(pod, context)) keys.set(mesh, Object.keys(given));
  return keys;
}

function byMesh(
  { metadata }: PodTemplate,
  { namespaceAnnotations = {}, namespaceLabels = {} }: InjectContext,
): ReadonlyMap<ForeignMesh, Readonly<Record<string, string>>> {
  const found = new Map<ForeignMesh, Record<string, string>>();
  const look = (
    map: Readonly<Record<string, string>> | null | undefined,
    counts: (key: string) => boolean,
  ): void => {
    for (const [key, value] of Object.entries(map ?? {})) {
      const mesh = counts(key) ? meshOf(key) : undefined;
      if (mesh === undefined) continue;
      const of = found.get(mesh) ?? {};
      of[key] = value;
      found.set(mesh, of);
    }
  };
  look(namespaceAnnotations, key => meshOf(key) === 'linkerd' && !wishes.includes(key));
  look(namespaceLabels, key => key === TRANSPARENT_PROXY);
  look(metadata?.labels, key => wishes.includes(key));
  look(metadata?.annotations, () => true);
  return found;
}

/** What is said of the annotations of a mesh that is not accepted; undefined where none of them asks for anything. */
function unheard(mesh: ForeignMesh, given: Readonly<Record<string, string>>): string | undefined {
  const words = Object.entries(given).flatMap(([key, value]) => {
    // An injected pod got what a yes asks for.
    if (wishes.includes(key))
      return isNo(value) ? [`${key}=${value} (write ${ANNOTATIONS.inject}: disabled)`] : [];
    const own = Object.hasOwn(FOREIGN, key) ? FOREIGN[key]!.own : undefined;
    return [own === undefined ? key : `${key} (${own.includes(' ') ? own : `write ${own}`})`];
  });
  if (words.length === 0) return undefined;
  const remedy =
    mesh === 'kuma'
      ? 'take them out'
      : `or install Weft with --accept-labels ${mesh}, which obeys what has a counterpart`;
  return `annotations of ${meshName(mesh)} have no effect here: ${words.join(', ')}; ${remedy}`;
}

function isNo(value: string): boolean {
  return ['false', 'disabled', '0', 'f', 'F', 'FALSE', 'False'].includes(value);
}

function withoutEffect(mesh: ForeignMesh, key: string): string {
  return `annotation ${key} of ${meshName(mesh)} has no effect: Weft has no counterpart; take it out, or do not rely on it`;
}

/** Puts together what several annotations say. Lists are joined; of two texts the first one stays. */
class Found {
  readonly options: {
    -readonly [K in keyof NonNullable<Meaning['options']>]: NonNullable<Meaning['options']>[K];
  } = {};
  readonly #values = new Map<string, { list?: string[]; text?: string; by: string[] }>();

  add(by: string, { annotations = {}, options = {} }: Meaning): void {
    Object.assign(this.options, { ...options, ...this.options });
    for (const [key, value] of Object.entries(annotations)) {
      const known = this.#values.get(key) ?? { by: [] };
      known.by.push(by);
      if (typeof value === 'string') known.text ??= value;
      else known.list = [...(known.list ?? []), ...value];
      this.#values.set(key, known);
    }
  }

  annotations(): ReadonlyMap<string, { readonly value: string; readonly by: string }> {
    this.#settle(ANNOTATIONS.onlyOutboundCidrs, ANNOTATIONS.skipOutboundCidrs, notWithin);
    this.#settle(ANNOTATIONS.onlyOutboundPorts, ANNOTATIONS.skipOutboundPorts, without);
    this.#settle(ANNOTATIONS.onlyInboundPorts, undefined, ports => without(ports, reserved));
    const out = new Map<string, { readonly value: string; readonly by: string }>();
    for (const [key, { list, text, by }] of this.#values) {
      const value = text ?? list?.join(',') ?? '';
      if (value !== '') out.set(key, { value, by: by.join(', ') });
    }
    return out;
  }

  /** Where other meshes let one list win over another, Weft calls the pair a contradiction: take out what loses. */
  #settle(
    only: string,
    skip: string | undefined,
    remaining: (only: readonly string[], skip: readonly string[]) => readonly string[],
  ): void {
    const entry = this.#values.get(only);
    if (!entry?.list) return;
    const list = remaining(entry.list, (skip && this.#values.get(skip)?.list) || []);
    if (list.length > 0) entry.list = [...list];
    else if (only === ANNOTATIONS.onlyOutboundPorts) this.#values.delete(only);
    else entry.text = 'none';
  }
}

/** Ports that Istio's rules leave alone whatever is included, and Weft's refuse to include. */
const reserved: readonly string[] = ['15000', '15001', '15006', '15020', '15021', '15090'];

function without(list: readonly string[], others: readonly string[]): readonly string[] {
  return list.filter(each => !others.includes(each));
}
