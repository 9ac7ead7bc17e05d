import { isRecord } from '../plain/index.ts';
import { Backoff, type BackoffTimes, type Clock } from '../time/index.ts';
import { ApiError, awayMs, errorOfStatus, unreadable } from './api-error.ts';
import type { ApiObject, KubeClient } from './client.ts';
import { keyOfItem, type ListPage, readList } from './list-page.ts';
import type { ListStreams } from './list-streams.ts';
import { apiVersionOf, collectionPath, type ResourceType } from './resource-type.ts';
import { rest } from './rest.ts';
import type { Turns } from './turns.ts';

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
  /** Pages of lists, and lists that are streamed, take turns here, with those of other reflectors. */
  readonly turns?: Turns;
  /** Whether everything may be asked for as events of a watch; without it lists are read page by page. */
  readonly listStreams?: ListStreams;
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
/** Where a list took longer than the server remembers its snapshot, its pages are so much larger, up to this many objects. */
const pageGrowth = 5;
const largestPage = 12_500;

/** A list that came as a stream and broke off so often begins again as pages, of which none is read twice. */
const mostStreams = 2;
/** While everything is streamed, at least one event comes in this time; looked at so many times. */
const stallMs = 60_000;
const stallLooks = 4;

/** Everything, which comes as the first events of a watch. */
interface StreamedList {
  readonly seen: Set<string>;
  /** It is all there, or the watch is over. */
  readonly over: () => void;
  /** Looks since the last event. */
  quietLooks: number;
}

/** A list of which some pages have come. */
interface PartOfList {
  readonly seen: Set<string>;
  /** The `continue` of the page that is due; undefined: the first. */
  next: string | undefined;
}

/**
 * Keeps the objects of one kind current: lists page by page, or as a stream where the server offers that, then watches from
 * where the list ended, with bookmarks, and takes the watch up again where it broke off. Only when the server has forgotten that
 * place (410) it lists again, and tells the difference: nobody hears of objects going and coming. What was known stays for as
 * long as the server is away.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #known: Set<string>;
  /** Where to watch from; undefined: list first. */
  #version: string | undefined;
  #list: PartOfList | undefined;
  #streamed: StreamedList | undefined;
  #brokenStreams = 0;
  /** Undefined: everything at once. */
  #pageSize: number | undefined;
  #state: ReflectorState = { phase: 'listing' };
  #synced = false;
  /** When it stopped being current; 0 when it is. */
  #behindSinceMs: number;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#known = new Set(options.known);
    this.#random = options.random ?? Math.random;
    this.#pageSize = options.pageSize ?? 100;
    this.#backoff = new Backoff(options.backoff, this.#random);
    this.#behindSinceMs = options.clock.now();
  }

  get type(): ResourceType {
    return this.#options.type;
  }
  /** Only this one is read; undefined for all. */
  get namespace(): string | undefined {
    return this.#options.namespace;
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
      const error = verb === 'list' ? await this.#listAll(signal) : await this.#watch(signal);
      if (signal.aborted) break;
      if (error === undefined) continue;
      this.#failed(error, verb);
      const { retryAfterMs } = error;
      const askedMs = retryAfterMs === undefined ? 0 : awayMs(retryAfterMs, this.#random());
      const waitMs = Math.max(this.#backoff.next(), askedMs);
      await rest(this.#options.clock, waitMs, signal);
    }
    this.#become({ phase: 'stopped' });
  }

  /** Forgets everything that is known, and says so; for a kind that the server no longer has. */
  clear(): void {
    for (const key of this.#known) this.#options.gone(key);
    this.#known.clear();
    this.#version = undefined;
    this.#list = undefined;
  }

  async #listAll(signal: AbortSignal): Promise<ApiError | undefined> {
    const { listStreams } = this.#options;
    const mayStream = this.#list === undefined && this.#brokenStreams < mostStreams;
    if (!listStreams || !mayStream || !(await listStreams.offered(signal))) return this.#readAll(signal);
    const error = await this.#streamAll(signal);
    if (this.#version !== undefined || error === undefined) return error;
    if (error.status === 422 || error.status === 400) {
      listStreams.refused();
      return this.#readAll(signal);
    }
    // Who has too much to do says so before it has begun.
    if (error.status !== 429) this.#brokenStreams++;
    return error;
  }

  /**
   * A watch that begins with everything that there is, one object after the other, and goes on. Others may take their turn once
   * all is there.
   */
  async #streamAll(signal: AbortSignal): Promise<ApiError | undefined> {
    const { turns, clock } = this.#options;
    this.#become({ phase: 'listing' });
    let watch: Promise<ApiError | undefined> = Promise.resolve(undefined);
    const stall = new AbortController();
    const begin = (): Promise<void> =>
      new Promise(resolve => {
        const streamed: StreamedList = { seen: new Set(), over: resolve, quietLooks: 0 };
        this.#streamed = streamed;
        const stopLooking = clock.every(stallMs / stallLooks, () => {
          if (this.#streamed !== streamed) stopLooking();
          else if (++streamed.quietLooks > stallLooks) stall.abort();
        });
        watch = this.#watch(AbortSignal.any([signal, stall.signal])).finally(() => {
          stopLooking();
          resolve();
        });
      });
    await (turns ? turns.take(begin) : begin());
    const error = await watch;
    if (this.#streamed === undefined) return error;
    this.#streamed = undefined;
    const { client, type } = this.#options;
    return error ?? unreadable(client.server, `a stream of ${type.plural} that ended before all had come`);
  }

  /** Page by page. After a failure that passes it goes on with the page that failed: who is in trouble is asked for little. */
  async #readAll(signal: AbortSignal): Promise<ApiError | undefined> {
    this.#become({ phase: 'listing' });
    this.#list ??= { seen: new Set(), next: undefined };
    const list = this.#list;
    for (;;) {
      const page = await this.#page(list.next, signal);
      if (signal.aborted) return undefined;
      if (page instanceof ApiError) {
        if (!page.passing || page.code === 'api-unreadable') this.#list = undefined;
        // The server forgot the snapshot that the pages are cut from: too many of them for its patience.
        if (page.status === 410) this.#growPages();
        return page;
      }
      for (const item of page.items) {
        const key = keyOfItem(item);
        if (key === undefined) continue;
        list.seen.add(key);
        this.#put(item, key);
      }
      list.next = page.next;
      if (page.next !== undefined) continue;
      this.#list = undefined;
      this.#complete(list.seen, page.version);
      return undefined;
    }
  }

  /** These are all that there were at that version. */
  #complete(seen: Set<string>, version: string): void {
    for (const key of this.#known) if (!seen.has(key)) this.#options.gone(key);
    this.#known = seen;
    this.#version = version;
    this.#brokenStreams = 0;
    this.#synced = true;
    this.#options.changed?.();
  }

  async #page(next: string | undefined, signal: AbortSignal): Promise<ListPage | ApiError> {
    const { client, type, namespace, fieldSelector, labelSelector, turns } = this.#options;
    const call = {
      path: collectionPath(type, namespace),
      query: { limit: this.#pageSize, continue: next, fieldSelector, labelSelector },
      timeoutMs: 60_000,
      signal,
    };
    const answer = await (turns ? turns.take(() => client.call(call)) : client.call(call));
    if (answer instanceof ApiError) return answer;
    return readList(answer) ?? unreadable(client.server, `no list of ${type.plural}`);
  }

  #growPages(): void {
    const size = (this.#pageSize ?? largestPage) * pageGrowth;
    this.#pageSize = size > largestPage ? undefined : size;
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
          ...(this.#streamed && everything),
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
        if (heard && !this.#streamed) this.#current();
        return trouble === undefined;
      },
      () => {
        if (!this.#streamed) this.#current();
      },
    );
    const error = trouble ?? over;
    const worked = heard || clock.monotonic() - startMs >= shortWatchMs;
    if (worked) this.#backoff.reset();
    if (error === undefined)
      return worked ? undefined : unreadable(client.server, 'a watch that ended at once');
    // 410 above all: there is no going on from here. A server in trouble says nothing about that, unless it stays so.
    // One that has too much to do is the last to be asked for everything again.
    const isLost = error.status !== 0 && error.status !== 429 && this.#backoff.failures >= 5;
    if (!error.passing || isLost) this.#version = undefined;
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
    if (this.#streamed) return this.#oneOfAll(event.type, event.object, key);
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

  /** An event of a stream that has not told everything yet: where to go on from is known at the end alone. */
  #oneOfAll(event: unknown, object: ApiObject, key: string | undefined): undefined {
    const streamed = this.#streamed!;
    streamed.quietLooks = 0;
    const { metadata } = object;
    if (event === 'BOOKMARK') {
      const { annotations, resourceVersion } = isRecord(metadata) ? metadata : {};
      const isEnd = isRecord(annotations) && annotations['k8s.io/initial-events-end'] === 'true';
      if (!isEnd || typeof resourceVersion !== 'string') return;
      this.#streamed = undefined;
      this.#complete(streamed.seen, resourceVersion);
      streamed.over();
    } else if (key !== undefined && event === 'DELETED') {
      streamed.seen.delete(key);
      if (this.#known.delete(key)) this.#options.gone(key);
    } else if (key !== undefined) {
      streamed.seen.add(key);
      this.#put(object, key);
    }
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

/** What makes a watch begin with everything there is, as new as a list would be. */
const everything = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } as const;
