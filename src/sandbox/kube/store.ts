import { isDeepStrictEqual } from 'node:util';
import { type KubeObject, keyOf, refOf, storeKind } from './object.ts';
import type { Pod } from './pod.ts';
import type { ConfigMap, EndpointSlice, Namespace, Secret, Service } from './services.ts';
import type { BarePod, CronJob, DaemonSet, Deployment, Job, ReplicaSet, StatefulSet } from './workloads.ts';

/** The kinds that the sandbox acts on; every other kind is kept and handed to the control plane as it is. */
export interface Kinds {
  readonly Pod: Pod;
  readonly Service: Service;
  readonly EndpointSlice: EndpointSlice;
  readonly ConfigMap: ConfigMap;
  readonly Secret: Secret;
  readonly Namespace: Namespace;
  readonly Deployment: Deployment;
  readonly ReplicaSet: ReplicaSet;
  readonly StatefulSet: StatefulSet;
  readonly DaemonSet: DaemonSet;
  readonly Job: Job;
  readonly CronJob: CronJob;
  readonly BarePod: BarePod;
}

/** What a listener is told: the object as it is now, or as it last was. */
export interface Change {
  readonly type: 'put' | 'delete';
  readonly object: KubeObject;
}

/**
 * The objects of the sandbox, in memory: the part of an API server that its controllers need. Objects are replaced, never
 * changed.
 */
export class ObjectStore {
  readonly #byKind = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();

  /** The object, or undefined. `namespace` is empty for cluster-scoped kinds. */
  get<K extends keyof Kinds>(kind: K, namespace: string, name: string): Kinds[K] | undefined {
    return this.#byKind.get(kind)?.get(namespace === '' ? name : `${namespace}/${name}`) as
      | Kinds[K]
      | undefined;
  }

  /** The object of any kind by its reference (`Deployment/shop/web`), or undefined. */
  find(ref: string): KubeObject | undefined {
    const slash = ref.indexOf('/');
    return this.#byKind.get(ref.slice(0, slash))?.get(ref.slice(slash + 1));
  }

  /** Every object of a kind, in the order in which they were first put. */
  list<K extends keyof Kinds>(kind: K): Kinds[K][] {
    return [...(this.#byKind.get(kind)?.values() ?? [])] as Kinds[K][];
  }

  /** Every object. */
  all(): KubeObject[] {
    return [...this.#byKind.values()].flatMap(objects => [...objects.values()]);
  }

  /** Adds or replaces; an equal object changes nothing and tells nobody. */
  put(object: KubeObject): void {
    const kind = storeKind(object.apiVersion, object.kind);
    const objects = this.#byKind.get(kind) ?? new Map<string, KubeObject>();
    this.#byKind.set(kind, objects);
    const key = keyOf(object.metadata);
    if (isDeepStrictEqual(objects.get(key), object)) return;
    objects.set(key, object);
    this.#tell({ type: 'put', object });
  }

  /** Removes; nothing happens when it is not there. */
  remove(object: KubeObject): void {
    const key = keyOf(object.metadata);
    const objects = this.#byKind.get(storeKind(object.apiVersion, object.kind));
    const known = objects?.get(key);
    if (!known) return;
    objects!.delete(key);
    this.#tell({ type: 'delete', object: known });
  }

  /** Calls `listener` after every change until the returned function is called. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the store still has this very incarnation (same uid) of the object. */
  holds(object: KubeObject): boolean {
    return this.find(refOf(object))?.metadata.uid === object.metadata.uid;
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
