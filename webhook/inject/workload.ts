// Finds the pod templates in Kubernetes objects of every kind that has them, and injects those.
import { type Labels, type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import type { InjectContext, SkipCode } from './decide.ts';
import { inject } from './inject.ts';
import type { InjectOptions } from './options.ts';
import { isMap, type PodTemplate } from './pod.ts';
import { pathText, replaceAt, type TemplatePath, templatePaths, valueAt } from './templates.ts';
import { uninject } from './uninject.ts';

/** What one object of a file, or one item of a List, came to. */
export type ObjectOutcome =
  | {
      readonly kind: 'changed';
      readonly object: ObjectRef;
      /** Added by inject, removed by uninject. */
      readonly parts: readonly string[];
      readonly warnings: readonly Problem[];
    }
  | {
      readonly kind: 'skipped';
      readonly object: ObjectRef;
      readonly code: SkipCode | 'not-injected';
      readonly reason: string;
    }
  | { readonly kind: 'refused'; readonly object: ObjectRef; readonly problems: readonly Problem[] };

/** Labels and annotations of one namespace. */
export interface NamespaceMarks {
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** What injectObject has to know beside the object. */
export interface ObjectSurroundings {
  /** For objects that name none. */
  readonly namespace: string;
  readonly namespaces: ReadonlyMap<string, NamespaceMarks>;
  /** Where the object was read, for messages: `shop.yaml:12`. */
  readonly origin?: string;
}

/** Namespaces among `objects` (Lists are looked into), for `ObjectSurroundings`. */
export function namespacesOf(objects: readonly unknown[]): Map<string, NamespaceMarks> {
  const found = new Map<string, NamespaceMarks>();
  for (const object of objects) {
    if (!isMap(object)) continue;
    if (isList(object)) {
      for (const [name, marks] of namespacesOf(object.items)) found.set(name, marks);
    } else if (object.kind === 'Namespace' && object.apiVersion === 'v1' && isMap(object.metadata)) {
      const { name, labels, annotations } = object.metadata;
      if (typeof name === 'string')
        found.set(name, { labels: strings(labels), annotations: strings(annotations) });
    }
  }
  return found;
}

/** Injects every pod template of one object. What has none comes back as the same object, without an outcome. */
export function injectObject(
  object: unknown,
  surroundings: ObjectSurroundings,
  options: InjectOptions,
): { object: unknown; outcomes: ObjectOutcome[] } {
  return eachTemplate(object, surroundings, (template, ref, owner) => {
    const marks = surroundings.namespaces.get(ref.namespace);
    const context: InjectContext = {
      namespace: ref.namespace,
      namespaceLabels: marks?.labels,
      namespaceAnnotations: marks?.annotations,
      ownerAnnotations: owner,
      object: ref,
    };
    const result = inject(template, context, options);
    if (result.kind !== 'injected') return { outcome: { ...result, object: ref } };
    const { pod, added, warnings } = result;
    return { template: pod, outcome: { kind: 'changed', object: ref, parts: added, warnings } };
  });
}

/** Takes the injection out of every pod template of one object. */
export function uninjectObject(
  object: unknown,
  surroundings: ObjectSurroundings,
): { object: unknown; outcomes: ObjectOutcome[] } {
  return eachTemplate(object, surroundings, (template, ref) => {
    const result = uninject(template, ref);
    if (result.kind !== 'uninjected') return { outcome: { ...result, object: ref } };
    const { pod, removed } = result;
    return { template: pod, outcome: { kind: 'changed', object: ref, parts: removed, warnings: [] } };
  });
}

type Visit = (
  template: PodTemplate,
  ref: ObjectRef,
  ownerAnnotations: Labels | undefined,
) => { template?: PodTemplate; outcome: ObjectOutcome };

function eachTemplate(
  object: unknown,
  surroundings: ObjectSurroundings,
  visit: Visit,
): { object: unknown; outcomes: ObjectOutcome[] } {
  if (!isMap(object)) return { object, outcomes: [] };
  if (isList(object)) {
    const results = object.items.map(item => eachTemplate(item, surroundings, visit));
    const outcomes = results.flatMap(result => result.outcomes);
    const items = results.map(result => result.object);
    const changed = items.some((item, index) => item !== (object.items as unknown[])[index]);
    return { object: changed ? { ...object, items } : object, outcomes };
  }
  const { paths, isKnown } = templatePaths(object);
  const results: { object: unknown; outcomes: ObjectOutcome[] } = { object, outcomes: [] };
  for (const path of paths) {
    const ref = refOf(object, surroundings);
    const template = valueAt(object, path);
    if (isKnown && (template === undefined || template === null)) {
      const message = `${pathText(path)} is missing: a ${ref.kind} needs a pod template`;
      const problems = [problem('malformed-pod', message, { object: ref, path: pathText(path) })];
      return { object, outcomes: [{ kind: 'refused', object: ref, problems }] };
    }
    const owner =
      path.length === 0 || !isMap(object.metadata) ? undefined : strings(object.metadata.annotations);
    const result = visit((isKnative(object) ? named(template) : template) as PodTemplate, ref, owner);
    if (result.template !== undefined) results.object = replaceAt(results.object, path, result.template);
    results.outcomes.push(prefixPaths(noted(result.outcome, object), path));
  }
  return results;
}

function isKnative({ apiVersion }: Record<string, unknown>): boolean {
  return String(apiVersion).startsWith('serving.knative.dev/');
}

/** Knative calls a container without a name so, and everybody else refuses it. */
function named(template: unknown): unknown {
  const containers = valueAt(template, ['spec', 'containers']);
  if (!Array.isArray(containers) || containers.length !== 1) return template;
  const [only] = containers as unknown[];
  if (!isMap(only) || only.name !== undefined) return template;
  return replaceAt(template, ['spec', 'containers', 0], { name: 'user-container', ...only });
}

/** Knative's own webhook refuses most of what a sidecar needs unless its features are switched on. */
function noted(outcome: ObjectOutcome, object: Record<string, unknown>): ObjectOutcome {
  if (outcome.kind !== 'changed' || !isKnative(object)) return outcome;
  const message =
    'Knative refuses init containers, volumes and several containers unless its ConfigMap config-features allows them; where it does, ' +
    'label the template weft.dev/inject=enabled instead, and the webhook injects the pods that Knative makes';
  const warning = problem('template-restricted', message, { object: outcome.object, severity: 'warning' });
  return { ...outcome, warnings: [...outcome.warnings, warning] };
}

function isList(object: Record<string, unknown>): object is Record<string, unknown> & { items: unknown[] } {
  return typeof object.kind === 'string' && object.kind.endsWith('List') && Array.isArray(object.items);
}

function refOf(object: Record<string, unknown>, { namespace, origin }: ObjectSurroundings): ObjectRef {
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  return {
    apiVersion: String(object.apiVersion),
    kind: String(object.kind),
    namespace: text(metadata.namespace) ?? namespace,
    name: text(metadata.name) ?? text(metadata.generateName) ?? '(without a name)',
    origin,
  };
}

/** The strings of a map; anything else in it is left out (the API server refuses it anyway). */
function strings(value: unknown): Labels {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Problems of a template speak of the whole object: `spec.template.spec.containers`. */
function prefixPaths(outcome: ObjectOutcome, path: TemplatePath): ObjectOutcome {
  if (path.length === 0) return outcome;
  const prefix = (problems: readonly Problem[]) =>
    problems.map(entry => ({
      ...entry,
      path: entry.path ? `${pathText(path)}.${entry.path}` : pathText(path),
    }));
  if (outcome.kind === 'refused') return { ...outcome, problems: prefix(outcome.problems) };
  return outcome.kind === 'changed' ? { ...outcome, warnings: prefix(outcome.warnings) } : outcome;
}
