import type { Change, Pod } from '../kube/index.ts';
import { isTerminating } from '../kube/index.ts';
import type { KubeletParts } from './parts.ts';
import { PodRunner } from './pod-runner.ts';

interface Running {
  readonly runner: PodRunner;
  readonly uid: string;
  graceMs: number | undefined;
}

/** Runs every pod of the store, and removes from it those that were deleted once they have stopped. */
export class Kubelet {
  readonly #parts: KubeletParts;
  readonly #running = new Map<string, Running>();
  #stop: () => void = () => {};

  constructor(parts: KubeletParts) {
    this.#parts = parts;
  }

  /** Follows the store until `stop`. */
  start(): void {
    this.#stop = this.#parts.store.onChange(change => this.#follow(change));
    for (const pod of this.#parts.store.list('Pod')) this.#sync(pod);
  }

  /** No pod is started or stopped any more; those that run go on running. */
  stop(): void {
    this.#stop();
  }

  /** The runner of a pod, for signals and exec. */
  runnerOf(namespace: string, name: string): PodRunner | undefined {
    return this.#running.get(`${namespace}/${name}`)?.runner;
  }

  #follow(change: Change): void {
    const { object } = change;
    if (object.kind === 'Pod' && change.type === 'put') this.#sync(object as Pod);
    if (object.kind === 'ConfigMap' || object.kind === 'Secret') {
      for (const { runner } of this.#running.values()) {
        runner.refreshVolumes().catch(() => {
          // What a volume needs is being replaced; the next change tries again.
        });
      }
    }
  }

  #sync(pod: Pod): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const running = this.#running.get(key);
    if (!running && isTerminating(pod)) {
      this.#parts.store.remove(pod);
      return;
    }
    if (!running) {
      const runner = new PodRunner(this.#parts, pod);
      this.#running.set(key, { runner, uid: pod.metadata.uid ?? '', graceMs: undefined });
      runner.start();
      return;
    }
    if (!isTerminating(pod)) return;
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
    if (running.graceMs !== undefined && graceMs >= running.graceMs) return;
    const first = running.graceMs === undefined;
    running.graceMs = graceMs;
    const stopped = running.runner.terminate(graceMs);
    if (first) void stopped.finally(() => this.#gone(key));
  }

  #gone(key: string): void {
    const [namespace, name] = key.split('/') as [string, string];
    this.#running.delete(key);
    const pod = this.#parts.store.get('Pod', namespace, name);
    if (pod) this.#parts.store.remove(pod);
  }
}
