import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cancel, Clock } from '../../time/index.ts';
import { type KubeObject, type ObjectStore, refOf } from '../kube/index.ts';

/** Changes that come within this time are written together. */
const gatherMs = 2;

/** Kinds that nobody outside of the sandbox has a use for. */
const kept = new Set(['BarePod', 'Secret', 'ConfigMap']);

/** Shows the store's objects as a folder of JSON files, one each, for the control plane to watch. */
export class Exporter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #dirty = new Map<string, KubeObject | undefined>();
  #cancel: Cancel | undefined;
  #stop: () => void = () => {};

  constructor(store: ObjectStore, folder: string, clock: Clock) {
    this.#store = store;
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Writes what is there and follows the store until `stop`. */
  start(): void {
    mkdirSync(this.#folder, { recursive: true });
    this.#stop = this.#store.onChange(({ type, object }) => this.#mark(object, type === 'put'));
    for (const object of this.#store.all()) this.#mark(object, true);
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#stop();
    this.#cancel?.();
  }

  #mark(object: KubeObject, there: boolean): void {
    if (kept.has(object.kind)) return;
    this.#dirty.set(refOf(object), there ? object : undefined);
    this.#cancel ??= this.#clock.after(gatherMs, () => this.#write());
  }

  /** Each file is replaced as a whole, so that no reader sees half of one. */
  #write(): void {
    this.#cancel = undefined;
    for (const [ref, object] of this.#dirty) {
      const name = `${ref.replaceAll('/', '_').replaceAll(':', '-')}.json`;
      const path = join(this.#folder, name);
      if (!object) {
        rmSync(path, { force: true });
        continue;
      }
      const draft = join(this.#folder, `.${name}`);
      writeFileSync(draft, JSON.stringify(object));
      renameSync(draft, path);
    }
    this.#dirty.clear();
  }
}
