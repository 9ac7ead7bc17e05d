import { isRecord } from '../plain/index.ts';
import { Backoff, type BackoffTimes, type Clock } from '../time/index.ts';
import { ApiError, errorOfStatus, unreadable } from './api-error.ts';
import type { ApiObject, KubeClient } from './client.ts';
import { apiVersionOf, collectionPath, type ResourceType } from './resource-type.ts';
import { rest } from './rest.ts';

/** What a reflector is made of. */
export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly type: ResourceType;
  /** Only this namespace. */
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** An object came or changed; the whole object as the server sent it, with apiVersion and kind. */
  readonly put: (object: ApiObject, key: string) => void;
  /** An object is gone. `key` is `namespace/name`, or the name of a cluster-scoped object. */
  readonly gone: (key: string) => void;
  /** The state may be another. */
  readonly changed?: () => void;
  /** Keys that are known from before, so that those which are gone by now are told. */
  readonly known?: Iterable<string>;
  /** Objects of one page of a list; 100 unless told: what is parsed at once is garbage at once. */
  readonly pageSize?: number;
  readonly backoff?: BackoffTimes;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Where a reflector stands. */
export type ReflectorState =
  /** Reads everything. */
  | { readonly phase: 'listing' }
  /** Current: the server tells of every change. */
  | { readonly phase: 'watching' }
  /** The last attempt failed; what was known stays. */
  | { readonly phase: 'waiting'; readonly error: ApiError; readonly verb: 'list' | 'watch' }
  | { readonly phase: 'stopped' };

/** The server ends a watch itself after this, give or take a third, so that replicas of it share the load again. */
const watchSeconds = 420;
/** How much later than that a watch is given up from here. */
const graceMs = 30_000;
/** A watch that ends sooner, without having brought anything, counts as a failure. */
const shortWatchMs = 1_000;

/**
 * Keeps the objects of one kind current: lists page by page, then watches from where the list ended, with bookmarks, and takes
 * the watch up again where it broke off. Only when the server has forgotten that place (410) it lists again, and tells the
 * difference: nobody hears of objects going and coming. What was known stays for as long as the server is away.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #known: Set<string>;
  /** Where to watch from; undefined: list first. */
  #version: string | undefined;
  #paged = true;
  #state: ReflectorState = { phase: 'listing' };
  #synced = false;
  /** When it stopped being current; 0 when it is. */
  #behindSinceMs: number;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#known = new Set(options.known);
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(options.backoff, this.#random);
    this.#behindSinceMs = options.clock.now();
  }

  get type(): ResourceType {
    return this.#options.type;
  }
  get state(): ReflectorState {
    return this.#state;
  }
  /** Whether everything has been read at least once. */
  get synced(): boolean {
    return this.#synced;
  }
  /** Since when what is known may be old, milliseconds since the epoch; undefined when it is current. */
  get behindSinceMs(): number | undefined {
    return this.#behindSinceMs === 0 ? undefined : this.#behindSinceMs;
  }
  /** The objects there are. */
  get keys(): ReadonlySet<string> {
    return this.#known;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const verb = this.#version === undefined ? 'list' : 'watch';
      const error = verb === 'list' ? await this.#list(signal) : await this.#watch(signal);
      if (signal.aborted) break;
      if (error === undefined) continue;
      this.#failed(error, verb);
      const waitMs = Math.max(this.#backoff.next(), error.retryAfterMs ?? 0);
      await rest(this.#options.clock, waitMs, signal);
    }
    this.#become({ phase: 'stopped' });
  }

  /** Forgets everything that is known, and says so; for a kind that the server no longer has. */
  clear(): void {
    for (const key of this.#known) this.#options.gone(key);
    this.#known.clear();
    this.#version = undefined;
  }

  async #list(signal: AbortSignal): Promise<ApiError | undefined> {
    const { client, type, namespace, fieldSelector, labelSelector, pageSize = 100 } = this.#options;
    this.#become({ phase: 'listing' });
    const seen = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await client.call({
        path: collectionPath(type, namespace),
        query: { limit: this.#paged ? pageSize : undefined, continue: next, fieldSelector, labelSelector },
        timeoutMs: 60_000,
        signal,
      });
      if (page instanceof ApiError) {
        // The server forgot the snapshot that the pages are cut from: too many objects for its patience. All at once then.
        if (page.status === 410) this.#paged = false;
        return page;
      }
      const list = readList(page);
      if (list === undefined) return unreadable(client.server, `no list of ${type.plural}`);
      if (signal.aborted) return undefined;
      for (const item of list.items) {
        const key = keyOfItem(item);
        if (key === undefined) continue;
        seen.add(key);
        this.#put(item, key);
      }
      next = list.next;
      if (next !== undefined) continue;
      for (const key of this.#known) if (!seen.has(key)) this.#options.gone(key);
      this.#known = seen;
      this.#version = list.version;
      this.#synced = true;
      this.#options.changed?.();
      return undefined;
    }
  }

  async #watch(signal: AbortSignal): Promise<ApiError | undefined> {
    const { client, clock, type, namespace, fieldSelector, labelSelector } = this.#options;
    const timeoutSeconds = Math.round(watchSeconds * (2 / 3 + (this.#random() * 2) / 3));
    const startMs = clock.monotonic();
    let heard = false;
    let trouble: ApiError | undefined;
    const over = await client.stream(
      {
        path: collectionPath(type, namespace),
        query: {
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: this.#version,
          timeoutSeconds,
          fieldSelector,
          labelSelector,
        },
        timeoutMs: timeoutSeconds * 1000 + graceMs,
        signal,
      },
      line => {
        if (signal.aborted) return false;
        trouble = this.#event(line);
        heard ||= trouble === undefined;
        if (heard) this.#current();
        return trouble === undefined;
      },
      () => this.#current(),
    );
    const error = trouble ?? over;
    const worked = heard || clock.monotonic() - startMs >= shortWatchMs;
    if (worked) this.#backoff.reset();
    if (error === undefined)
      return worked ? undefined : unreadable(client.server, 'a watch that ended at once');
    // 410 above all: there is no going on from here. A server in trouble says nothing about that, unless it stays so.
    if (!error.passing || (error.status !== 0 && this.#backoff.failures >= 5)) this.#version = undefined;
    return error;
  }

  /** Puts one event to use; an error ends the watch. */
  #event(line: string): ApiError | undefined {
    const { client, type } = this.#options;
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch {
      return unreadable(client.server, `an event of ${type.plural} that is no JSON`);
    }
    if (!isRecord(event) || !isRecord(event.object)) {
      return unreadable(client.server, `an event of ${type.plural} without an object`);
    }
    if (event.type === 'ERROR') return errorOfStatus(client.server, event.object);
    const metadata = event.object.metadata;
    const version = isRecord(metadata) ? metadata.resourceVersion : undefined;
    const key = keyOfItem(event.object);
    if (event.type !== 'BOOKMARK' && key !== undefined) {
      if (event.type === 'DELETED') {
        if (this.#known.delete(key)) this.#options.gone(key);
      } else if (event.type === 'ADDED' || event.type === 'MODIFIED') {
        this.#put(event.object, key);
      }
    }
    if (typeof version === 'string' && version !== '') this.#version = version;
    return undefined;
  }

  /** Objects in lists of built-in kinds come without apiVersion and kind. */
  #put(item: ApiObject, key: string): void {
    const { type, put } = this.#options;
    this.#known.add(key);
    put(item.kind === undefined ? { apiVersion: apiVersionOf(type), kind: type.kind, ...item } : item, key);
  }

  #current(): void {
    this.#behindSinceMs = 0;
    if (this.#state.phase !== 'watching') this.#become({ phase: 'watching' });
  }

  #failed(error: ApiError, verb: 'list' | 'watch'): void {
    if (this.#behindSinceMs === 0) this.#behindSinceMs = this.#options.clock.now();
    this.#become({ phase: 'waiting', error, verb });
  }

  #become(state: ReflectorState): void {
    this.#state = state;
    this.#options.changed?.();
  }
}

interface ListPage {
  readonly items: readonly ApiObject[];
  readonly version: string;
  readonly next?: string;
}

function readList(page: ApiObject): ListPage | undefined {
  const { metadata, items } = page;
  if (!isRecord(metadata) || typeof metadata.resourceVersion !== 'string') return undefined;
  // Go writes an empty list of some kinds as null.
  if (items !== null && items !== undefined && !(Array.isArray(items) && items.every(isRecord)))
    return undefined;
  const next =
    typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  return {
    items: (items ?? []) as readonly ApiObject[],
    version: metadata.resourceVersion,
    ...(next !== undefined && { next }),
  };
}

/** `namespace/name`, or the name alone; undefined for what has none. */
function keyOfItem(item: ApiObject): string | undefined {
  const { metadata } = item;
  if (!isRecord(metadata) || typeof metadata.name !== 'string' || metadata.name === '') return undefined;
  return typeof metadata.namespace === 'string' && metadata.namespace !== ''
    ? `${metadata.namespace}/${metadata.name}`
    : metadata.name;
}
