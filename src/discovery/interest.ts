import { askedKind, type DestinationResource, type Resource, type ResourceKind } from '../model/index.ts';
import type { Caller } from '../resolve/index.ts';
import type { Hub, Watch } from './hub.ts';

/** A resource that the proxy must get, and what it got before under that name. */
export interface Delivery {
  readonly resource: Resource;
  readonly before?: Resource;
  /** When the cause of the change became known; undefined for the answer to a subscription. */
  readonly changedAtMs?: number;
}

/** What an Interest tells its owner. */
export interface InterestOptions {
  /** `namespace/pod`; undefined for a proxy that is no pod, which has no inbound side. */
  readonly pod?: string;
  readonly caller: Caller;
  /** There is something to take. `answer`: because of a subscription, so that somebody waits for it. */
  readonly pending: (answer: boolean) => void;
  /** The resource is not followed any more. */
  readonly forgotten?: (kind: ResourceKind, key: string) => void;
}

interface Item {
  readonly watch: Watch;
  /** Of an endpoint set: the destinations that name it. */
  readonly users?: Set<string>;
  /** Of a destination: the endpoint sets followed for it. Until the proxy has taken it, those of the one before too. */
  uses?: ReadonlySet<string>;
  taken?: Resource | undefined;
  /** Of a destination: whether the proxy has put to use what was taken last. */
  isAccepted?: boolean;
  changedAtMs?: number;
}

/**
 * What one proxy follows: its trust, its inbound side, the destinations it asked for and the endpoint sets that those name.
 * Changes wait here, the latest of each resource only, until they are taken: memory is bounded by what is followed, however
 * slow the taker is.
 */
export class Interest {
  readonly #hub: Hub;
  readonly #options: InterestOptions;
  readonly #items = new Map<string, Item>();
  /** In the order in which they are taken: a destination, then its endpoint sets. */
  readonly #pending = new Set<string>();
  #destinations = 0;

  constructor(hub: Hub, options: InterestOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  /** How many destinations are followed, and what else was asked for. */
  get destinations(): number {
    return this.#destinations;
  }

  /** Follows trust and the inbound side from now on. */
  start(): void {
    this.#open('trust', changed => this.#hub.watchTrust(changed));
    const { pod } = this.#options;
    if (pod !== undefined) this.#open('inbound', changed => this.#hub.watchInbound(pod, changed));
    if (this.#pending.size > 0) this.#options.pending(true);
  }

  /** Whether this destination is followed. */
  follows(key: string): boolean {
    return this.#items.has(idOf(key));
  }

  want(key: string): void {
    const id = idOf(key);
    if (this.#items.has(id)) return;
    this.#destinations++;
    this.#open(id, changed => this.#hub.watchAsked(this.#options.caller, key, changed));
    this.#options.pending(true);
  }

  forget(key: string): void {
    const id = idOf(key);
    const item = this.#items.get(id);
    if (!item) return;
    this.#destinations--;
    this.#close(id, item);
    this.#leave(id, item, new Set());
  }

  /** The next thing to deliver, or undefined when all is delivered. A destination comes before its new endpoint sets. */
  take(): Delivery | undefined {
    for (const id of this.#pending) {
      this.#pending.delete(id);
      const item = this.#items.get(id);
      const resource = item?.watch.value;
      if (!item || !resource) continue;
      const { taken: before, changedAtMs } = item;
      item.changedAtMs = undefined;
      if (resource === before) continue;
      item.taken = resource;
      item.isAccepted = false;
      if (resource.kind === 'destination') this.#follow(id, item, resource, before);
      return { resource, ...(before && { before }), ...(changedAtMs !== undefined && { changedAtMs }) };
    }
    return undefined;
  }

  /**
   * The proxy has put this destination to use, the last one that was taken under this key: endpoint sets that only those before
   * it named are followed no longer. While it refuses one, the last good one needs its endpoints.
   */
  accepted(key: string): void {
    const id = `destination ${key}`;
    const item = this.#items.get(id);
    if (item?.taken?.kind !== 'destination') return;
    item.isAccepted = true;
    this.#leave(id, item, new Set(item.taken.clusters.map(({ name }) => `endpoints ${name}`)));
  }

  /** Whether `take` may have something. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  close(): void {
    for (const [id, item] of this.#items) this.#close(id, item);
    this.#destinations = 0;
  }

  #open(id: string, watch: (changed: (changedAtMs: number) => void) => Watch, users?: Set<string>): void {
    const item: Item = {
      watch: watch(changedAtMs => this.#changed(id, changedAtMs)),
      ...(users && { users }),
    };
    this.#items.set(id, item);
    this.#pending.add(id);
  }

  #close(id: string, item: Item): void {
    item.watch.close();
    this.#items.delete(id);
    this.#pending.delete(id);
    if (item.taken) this.#options.forgotten?.(item.taken.kind, item.taken.key);
  }

  #changed(id: string, changedAtMs: number): void {
    const item = this.#items.get(id);
    if (!item) return;
    item.changedAtMs ??= changedAtMs;
    this.#pending.add(id);
    this.#options.pending(false);
  }

  /**
   * Follows the endpoint sets that the destination names, beside those it named before. One that is followed already, but that no
   * version named any more that was sent last, the proxy may have forgotten with that version: it is told again.
   */
  #follow(destination: string, item: Item, resource: DestinationResource, before?: Resource): void {
    const uses = new Set(item.uses);
    for (const { name } of resource.clusters) {
      const id = `endpoints ${name}`;
      uses.add(id);
      const known = this.#items.get(id);
      if (known?.users) {
        const isNamed = names(before, name) || this.#isNamed(name, known.users, destination);
        known.users.add(destination);
        if (!isNamed) this.#tellAgain(id, known);
      } else {
        const { caller } = this.#options;
        this.#open(id, changed => this.#hub.watchEndpoints(caller, name, changed), new Set([destination]));
      }
    }
    item.uses = uses;
  }

  /** Whether one of the users, other than `except`, names the cluster in what it was sent last. */
  #isNamed(cluster: string, users: ReadonlySet<string>, except: string): boolean {
    for (const user of users)
      if (user !== except && names(this.#items.get(user)?.taken, cluster)) return true;
    return false;
  }

  #isInUse(users: ReadonlySet<string>): boolean {
    for (const user of users) if (this.#items.get(user)?.isAccepted) return true;
    return false;
  }

  /** The whole set, whatever was sent of it. */
  #tellAgain(id: string, item: Item): void {
    item.taken = undefined;
    this.#pending.add(id);
  }

  /** Follows no more than `kept` for the destination; sets that nobody uses any more are forgotten. */
  #leave(destination: string, item: Item, kept: ReadonlySet<string>): void {
    for (const id of item.uses ?? []) {
      const used = this.#items.get(id);
      if (kept.has(id) || !used?.users?.delete(destination)) continue;
      if (used.users.size === 0) this.#close(id, used);
      // Forgotten by the proxy of its own accord; it may have heard of no other one that names the set before that.
      else if (kept.size === 0 && !this.#isInUse(used.users)) {
        this.#tellAgain(id, used);
        this.#options.pending(false);
      }
    }
    item.uses = kept;
  }
}

/** Of what is asked for under the key. */
function idOf(key: string): string {
  return `${askedKind(key)} ${key}`;
}

function names(resource: Resource | undefined, cluster: string): boolean {
  return resource?.kind === 'destination' && resource.clusters.some(each => each.name === cluster);
}
