// Where pod templates stand in objects: at a known place for Kubernetes' own kinds, and wherever one is found in those of others
// (Argo's Rollout, OpenShift's DeploymentConfig, Knative's Service, training jobs with a template for each role).
import { isMap } from './pod.ts';

/** From an object to a part of it: names of fields and places in lists. */
export type TemplatePath = readonly (string | number)[];

/** By API group and kind. These must have their template; a kind of the same name in another group is somebody else's. */
const known: Readonly<Record<string, TemplatePath>> = {
  '/Pod': [],
  '/PodTemplate': ['template'],
  '/ReplicationController': ['spec', 'template'],
  'apps/Deployment': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'extensions/Deployment': ['spec', 'template'],
  'extensions/DaemonSet': ['spec', 'template'],
  'extensions/ReplicaSet': ['spec', 'template'],
  'batch/Job': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Groups whose objects hold parts of pods that are patterns, patches or parameters, and make no pods as they stand. */
const notPods =
  /(^|\.)(kyverno\.io|gatekeeper\.sh|toolkit\.fluxcd\.io|crossplane\.io|admissionregistration\.k8s\.io|apiextensions\.k8s\.io)$/;

/** Deeper than any template stands. */
const deepest = 12;

/** Where the object has pod templates; `isKnown` where it must have one at that place. */
export function templatePaths(object: Readonly<Record<string, unknown>>): {
  readonly paths: readonly TemplatePath[];
  readonly isKnown: boolean;
} {
  const { apiVersion, kind, spec } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return { paths: [], isKnown: false };
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const key = `${group}/${kind}`;
  if (Object.hasOwn(known, key)) return { paths: [known[key]!], isKnown: true };
  if (notPods.test(group)) return { paths: [], isKnown: false };
  const paths: TemplatePath[] = [];
  search(spec, ['spec'], group === 'serving.knative.dev', paths);
  return { paths, isKnown: false };
}

/** Of a container alone, Knative does not ask for a name. */
function search(value: unknown, path: TemplatePath, isKnative: boolean, found: TemplatePath[]): void {
  if (path.length > deepest) return;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) search(each, [...path, index], isKnative, found);
    return;
  }
  if (!isMap(value)) return;
  if (isTemplate(value, isKnative) && /template$/i.test(String(path.at(-1)))) {
    found.push(path);
    return;
  }
  for (const [name, each] of Object.entries(value)) search(each, [...path, name], isKnative, found);
}

/** A map with a pod's spec, whose containers have names. */
function isTemplate({ spec }: Readonly<Record<string, unknown>>, mayBeNameless: boolean): boolean {
  if (!isMap(spec) || !Array.isArray(spec.containers) || spec.containers.length === 0) return false;
  return spec.containers.every(each => isMap(each) && (mayBeNameless || typeof each.name === 'string'));
}

/** What stands there; undefined where the path ends before. */
export function valueAt(object: unknown, path: TemplatePath): unknown {
  let at = object;
  for (const key of path) {
    if (typeof key === 'number') at = Array.isArray(at) ? at[key] : undefined;
    else at = isMap(at) ? at[key] : undefined;
  }
  return at;
}

/** The object with another value there. The path must exist. */
export function replaceAt(object: unknown, path: TemplatePath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(object)) return object.with(Number(key), replaceAt(object[Number(key)], rest, value));
  const map = object as Record<string, unknown>;
  return { ...map, [key]: replaceAt(map[key], rest, value) };
}

/** `spec.tasks[0].template`. */
export function pathText(path: TemplatePath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}
