// Endpoints that are names, as ServiceEntries with resolution DNS have them, are looked up by their TTL. The client of DNS is
// loaded with the first such name.
import { guarded } from '../errors/index.ts';
import type { EndpointsResource, HostPort, Resource } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { NamedEndpoints } from '../upstreams/named-endpoints.ts';

/** What it is made of. */
export interface ProxyNamesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly forwards: ReadonlyMap<string, readonly HostPort[]>;
  readonly apply: (resource: EndpointsResource) => void;
  readonly isUsed: (key: string) => boolean;
}

/** What becomes of endpoints on their way to the data plane. */
export class ProxyNames {
  readonly #options: ProxyNamesOptions;
  #running: NamedEndpoints | undefined;
  /** What came while the client was loaded, by key. */
  #waiting: Map<string, EndpointsResource> | undefined;

  constructor(options: ProxyNamesOptions) {
    this.#options = options;
  }

  /** The resource to apply in place of one that was told; undefined where it follows in a moment. */
  take(resource: Resource): Resource | undefined {
    if (resource.kind !== 'endpoints') return resource;
    if (this.#running) return this.#running.take(resource);
    const named = resource.endpoints.some(each => each.allAddresses === true);
    if (!named && this.#waiting?.has(resource.key) !== true) return resource;
    if (!this.#waiting) {
      this.#waiting = new Map();
      void this.#load().catch(guarded('names', (error: unknown) => this.#failed(String(error))));
    }
    this.#waiting.set(resource.key, resource);
    return undefined;
  }

  async #load(): Promise<void> {
    const { clock, log, forwards, apply, isUsed } = this.#options;
    const { askServers, NamedEndpoints, NameLookup, readDnsSettings } = await import(
      '../upstreams/names-only.ts'
    );
    const settings = readDnsSettings(forwards);
    const lookup = new NameLookup(askServers(settings), settings);
    const failed = (name: string, why: string): void =>
      log.warn({ name }, `a name cannot be looked up, and its addresses stay: ${why}`);
    this.#running = new NamedEndpoints({ clock, lookup, apply, isUsed, failed });
    for (const told of this.#waiting?.values() ?? []) {
      const now = this.#running.take(told);
      if (now) apply(now);
    }
    this.#waiting = undefined;
  }

  #failed(why: string): void {
    for (const told of this.#waiting?.values() ?? []) this.#options.apply(told);
    this.#waiting = undefined;
    this.#options.log.error({}, `names are looked up by who connects alone: ${why}`);
  }
}
