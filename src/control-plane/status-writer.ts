import {
  ApiError,
  type ApiObject,
  FIELD_MANAGER,
  type KubeClient,
  objectPath,
  resourceName,
  rest,
} from '../kubernetes/index.ts';
import { equal, type Problem, problem } from '../model/index.ts';
import { Backoff, type BackoffTimes, type Clock } from '../time/index.ts';
import { StatusPlaces } from './status-places.ts';

/** What one object's status is to say. */
export interface StatusWish {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Plain data; as long as it stays the same there is nothing to write. */
  readonly content: unknown;
  /**
   * The fields of status to write, as a merge patch of it. Undefined: it says so already, or the object is another one by now.
   */
  patch(current: ApiObject): object | undefined;
}

/** What a writer works with. */
export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly wishes: () => Iterable<StatusWish>;
  /** Changes are gathered for this long; 1 s unless told. */
  readonly debounceMs?: number;
  /** How often everything is looked at again: what others overwrote, what was not permitted; 10 min unless told. */
  readonly resyncMs?: number;
  readonly backoff?: BackoffTimes;
}

/** An object that could not be written, and when to try again. */
interface Failure {
  readonly backoff: Backoff;
  readonly retryAtMs: number;
}

const atOnce = 4;

/**
 * Writes statuses through their subresource, only where they differ from what is there. For the replica that leads. What a whole
 * kind lacks, the permission or the subresource, is one problem, and the kind is left alone until the next resync.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #places: StatusPlaces;
  /** Content that is known to stand in the object. */
  readonly #settled = new Map<string, unknown>();
  readonly #failed = new Map<string, Failure>();
  /** By kind. */
  readonly #problems = new Map<string, Problem>();
  readonly #closed = new Set<string>();
  #wake: () => void = () => {};
  #dirty = true;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#places = new StatusPlaces(options.client);
  }

  /** Of which kinds no status can be written, and why. */
  problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** Something may have changed: objects, or what became of them. */
  changed(): void {
    this.#dirty = true;
    this.#wake();
  }

  /** Keeps statuses right until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { clock, debounceMs = 1_000, resyncMs = 600_000 } = this.#options;
    this.#dirty = true;
    let resyncAtMs = 0;
    while (!signal.aborted) {
      if (clock.monotonic() >= resyncAtMs) {
        this.#lookAgain();
        resyncAtMs = clock.monotonic() + resyncMs;
      }
      if (this.#dirty) await rest(clock, debounceMs, signal);
      this.#dirty = false;
      await this.#round(signal);
      await this.#pause(resyncAtMs, signal);
    }
    this.#lookAgain();
    this.#failed.clear();
    this.#problems.clear();
  }

  #lookAgain(): void {
    this.#settled.clear();
    this.#closed.clear();
    this.#places.forget();
  }

  async #round(signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    const ids = new Set<string>();
    const kinds = new Set<string>();
    const queue: [string, StatusWish][] = [];
    for (const wish of this.#options.wishes()) {
      const id = `${kindOf(wish)} ${wish.namespace}/${wish.name}`;
      ids.add(id);
      kinds.add(kindOf(wish));
      if (this.#settled.has(id) && equal(this.#settled.get(id), wish.content)) continue;
      if ((this.#failed.get(id)?.retryAtMs ?? nowMs) <= nowMs) queue.push([id, wish]);
    }
    for (const map of [this.#settled, this.#failed])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    for (const kind of this.#problems.keys()) if (!kinds.has(kind)) this.#problems.delete(kind);
    queue.reverse();
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next && !signal.aborted; next = queue.pop()) await this.#write(...next);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async #write(id: string, wish: StatusWish): Promise<void> {
    const kind = kindOf(wish);
    if (this.#closed.has(kind)) return;
    const place = await this.#places.of(wish.apiVersion, wish.kind);
    if (typeof place === 'string') {
      this.#close(kind, `the status of ${wish.kind}s is not written: ${place}`);
      return;
    }
    if (place instanceof ApiError) {
      this.#fail(id);
      return;
    }
    const path = `${objectPath(place, place.namespaced ? wish.namespace : undefined, wish.name)}/status`;
    const error = await this.#bring(path, wish);
    if (error === undefined || error.status === 404) {
      this.#problems.delete(kind);
      this.#failed.delete(id);
      this.#settled.set(id, wish.content);
    } else if (error.status === 403) {
      const rule = `{apiGroups: ["${place.group}"], resources: ["${place.plural}/status"], verbs: ["get", "patch"]}`;
      const why = `not allowed to write the status of ${resourceName(place)} (${withoutName(error.message, wish)}); add the rule ${rule} to the role of this account, as the ClusterRole of 'weft install' has it`;
      this.#close(kind, why);
    } else if (error.status === 400 || error.status === 422) {
      this.#close(
        kind,
        `the server refuses the status of ${resourceName(place)}: ${withoutName(error.message, wish)}`,
      );
    } else this.#fail(id);
  }

  async #bring(path: string, { patch }: StatusWish): Promise<ApiError | undefined> {
    const { client } = this.#options;
    const current = await client.call({ path });
    if (current instanceof ApiError) return current;
    const status = patch(current);
    if (status === undefined) return undefined;
    const { resourceVersion } = current.metadata as { resourceVersion?: string };
    // Lists are replaced whole: whoever else wrote one meanwhile must not lose it.
    const body = { metadata: { resourceVersion }, status };
    const written = await client.call({
      ...{ method: 'PATCH', path, body },
      query: { fieldManager: FIELD_MANAGER },
    });
    return written instanceof ApiError ? written : undefined;
  }

  #close(kind: string, message: string): void {
    this.#closed.add(kind);
    const known = this.#problems.get(kind);
    if (known?.message !== message)
      this.#problems.set(kind, problem('status-not-written', message, { severity: 'warning' }));
  }

  #fail(id: string): void {
    const { clock, backoff: times = { firstMs: 500, longestMs: 60_000 } } = this.#options;
    const backoff = this.#failed.get(id)?.backoff ?? new Backoff(times);
    this.#failed.set(id, { backoff, retryAtMs: clock.monotonic() + backoff.next() });
  }

  /** Until something changes, a failure is to be tried again, or everything looked at. */
  async #pause(resyncAtMs: number, signal: AbortSignal): Promise<void> {
    if (this.#dirty) return;
    const { clock } = this.#options;
    const nextMs = Math.min(resyncAtMs, ...[...this.#failed.values()].map(each => each.retryAtMs));
    const wake = new AbortController();
    this.#wake = () => wake.abort();
    await rest(clock, Math.max(5, nextMs - clock.monotonic()), AbortSignal.any([signal, wake.signal]));
    this.#wake = () => {};
  }
}

function kindOf({ apiVersion, kind }: StatusWish): string {
  return `${kind}.${apiVersion.split('/')[0]}`;
}

/** The same words for all objects of the kind, so that they are one problem. */
function withoutName(message: string, { name, namespace }: StatusWish): string {
  return message.replace(` "${name}"`, '').replace(` in the namespace "${namespace}"`, '');
}
