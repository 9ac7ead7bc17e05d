import { isDeepStrictEqual } from 'node:util';
import type { ObjectRef, Problem } from '../../model/index.ts';
import type { Change, Stored } from '../../registry/index.ts';
import { type KubeObject, refOf, storeKind } from './object.ts';
import type { Pod } from './pod.ts';
import type { ObjectStore } from './store.ts';
import { checkObject } from './validate.ts';
import { barePod, type Deployment, type PodTemplate } from './workloads.ts';

/** The annotation that `kubectl rollout restart` writes into the pod template; the sandbox writes the same. */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** What an Applier needs beside the store. */
export interface ApplierOptions {
  readonly newUid: () => string;
  /** ISO time. */
  readonly now: () => string;
  /** Deletes an object and what it owns. */
  readonly remove: (object: KubeObject) => void;
}

/**
 * Carries what users wrote into the store, as `kubectl apply --prune` does: what the writing did not change since the last
 * apply stays as it is in the store (scaled replicas, a restart annotation), what is written no more is removed. An object
 * that is refused keeps its last good version.
 */
export class Applier {
  readonly #store: ObjectStore;
  readonly #options: ApplierOptions;
  readonly #last = new Map<string, KubeObject>();
  readonly #origins = new Map<string, string>();
  readonly #problems = new Map<string, readonly Problem[]>();

  constructor(store: ObjectStore, options: ApplierOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Applies the changes of a source. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === 'put') this.#put(change.stored);
      else this.#delete(change.kind, change.key);
    }
  }

  /** Where an object is written (`shop.yaml:12`), by its reference. */
  originOf(ref: string): string | undefined {
    return this.#origins.get(ref);
  }

  /** What is wrong with the objects as they are written now. */
  problems(): Problem[] {
    return [...this.#problems.values()].flat();
  }

  #put({ object, ref }: Stored): void {
    this.#putObject(object as unknown as KubeObject, ref);
  }

  #putObject(written: KubeObject, ref: ObjectRef): void {
    const found = checkObject(written).map(problem => ({ ...problem, object: ref }));
    const object = written.kind === 'Pod' ? barePod(written as Pod) : written;
    const key = refOf(object);
    if (ref.origin !== undefined) this.#origins.set(key, ref.origin);
    if (found.length > 0) this.#problems.set(key, found);
    else this.#problems.delete(key);
    if (found.some(problem => problem.severity === 'error')) return;
    const last = this.#last.get(key);
    const live = this.#store.find(key);
    this.#last.set(key, object);
    if (live && last && isDeepStrictEqual(last, object)) return;
    const metadata = {
      ...object.metadata,
      uid: live?.metadata.uid ?? this.#options.newUid(),
      creationTimestamp: live?.metadata.creationTimestamp ?? this.#options.now(),
    };
    this.#store.put(merge({ ...object, metadata }, live, last));
  }

  #delete(kind: string, key: string): void {
    const dot = kind.indexOf('.');
    const own = dot < 0 ? kind : storeKind(`${kind.slice(dot + 1)}/v1`, kind.slice(0, dot));
    const ref = `${own === 'Pod' ? 'BarePod' : own}/${key}`;
    this.#last.delete(ref);
    this.#origins.delete(ref);
    this.#problems.delete(ref);
    const live = this.#store.find(ref);
    if (live) this.#options.remove(live);
  }
}

/** The new object with what was changed in the live one and is not the folder's business. */
function merge(next: KubeObject, live: KubeObject | undefined, last: KubeObject | undefined): KubeObject {
  if (!live) return next;
  let merged = { ...next, ...statusOf(live) } as KubeObject;
  if (next.kind === 'Service') merged = keepClusterIp(merged, live);
  const spec = specOf(merged);
  const liveSpec = specOf(live);
  if (!spec || !liveSpec) return merged;
  if (last && specOf(last)?.replicas === spec.replicas && liveSpec.replicas !== undefined) {
    merged = { ...merged, spec: { ...spec, replicas: liveSpec.replicas } } as KubeObject;
  }
  const restartedAt = liveSpec.template?.metadata?.annotations?.[RESTARTED_AT];
  return restartedAt === undefined ? merged : withRestart(merged, restartedAt);
}

function statusOf(object: KubeObject): { status?: unknown } {
  const { status } = object as { status?: unknown };
  return status === undefined ? {} : { status };
}

function specOf(object: KubeObject): { replicas?: number; template?: PodTemplate } | undefined {
  return (object as { spec?: { replicas?: number; template?: PodTemplate } }).spec;
}

function keepClusterIp(service: KubeObject, live: KubeObject): KubeObject {
  const spec = (service as { spec?: { clusterIP?: string; type?: string } }).spec;
  const liveIp = (live as { spec?: { clusterIP?: string } }).spec?.clusterIP;
  if (spec?.clusterIP !== undefined || spec?.type === 'ExternalName' || liveIp === undefined) return service;
  if (liveIp === 'None') return service;
  return { ...service, spec: { ...spec, clusterIP: liveIp, clusterIPs: [liveIp] } } as KubeObject;
}

/** The workload with the restart annotation in its pod template: a new template, hence a rolling restart. */
export function withRestart(workload: KubeObject, at: string): KubeObject {
  const { spec } = workload as Deployment;
  const metadata = spec.template.metadata;
  const annotations = { ...metadata?.annotations, [RESTARTED_AT]: at };
  const template = { ...spec.template, metadata: { ...metadata, annotations } };
  return { ...workload, spec: { ...spec, template } } as KubeObject;
}
