import { type ConsulServer, followConsul, instancesOf, type Question } from '../../consul/index.ts';
import { type Problem, problem } from '../../model/index.ts';
import { recordOf } from '../../plain/index.ts';
import type { Entries, KubeObject } from '../../registry/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Source } from '../source.interface.ts';
import { entryName, serviceEntryOf } from './service-entry.ts';

/** Which services, and how they are called here. */
export interface ConsulSourceOptions extends ConsulServer {
  readonly namespace: string;
  /** Of Consul's DNS: `NAME.service.DOMAIN`. */
  readonly domain: string;
  /** Only instances with this tag. */
  readonly tag?: string;
  readonly clock: Clock;
}

/** Consul itself, which nobody calls through a mesh. */
const CONSUL = 'consul';
const KIND = 'ServiceEntry.networking.istio.io';
/** An agent lets one address have 200 connections (limits.http_max_conns_per_client). What is beyond is asked at intervals. */
const MOST_WAITING = 150;
const INTERVAL_MS = 10_000;
const LONGEST_MS = 10_000;
/** Nobody waits longer for a Consul that is away: the mesh has other services. */
const FIRST_READ_MS = 10_000;

/** A service that is followed. */
interface Followed {
  readonly stop: AbortController;
  /** Its questions wait at the server. */
  readonly waits: boolean;
  read: boolean;
  entry: KubeObject | undefined;
}

/**
 * The services of Consul's catalog with those instances whose checks pass. While Consul is away what was found stays, and a
 * problem says so.
 */
export class ConsulSource implements Source {
  readonly name: string;
  readonly #options: ConsulSourceOptions;
  readonly #failures = new Map<string, string>();
  /** What follows each service. */
  readonly #following = new Map<string, Followed>();
  #entries: Entries | undefined;
  #problems: readonly Problem[] = [];
  #catalogRead = false;
  #firstRead: () => void = () => {};

  constructor(options: ConsulSourceOptions) {
    this.#options = options;
    this.name = `consul:${options.address}`;
  }

  async start(entries: Entries, signal: AbortSignal): Promise<void> {
    this.#entries = entries;
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#firstRead = resolve;
    const late = clock.after(FIRST_READ_MS, resolve);
    signal.addEventListener('abort', () => this.#end(resolve), { once: true });
    this.#follow(
      '',
      { path: '/v1/catalog/services' },
      body => this.#services(Object.keys(recordOf(body))),
      signal,
    );
    await promise;
    late();
    entries.flush();
  }

  problems(): readonly Problem[] {
    return this.#problems;
  }

  #end(resolve: () => void): void {
    for (const { stop } of this.#following.values()) stop.abort();
    resolve();
  }

  /** These are all services now. */
  #services(names: readonly string[]): void {
    this.#catalogRead = true;
    const wanted = new Set(names.filter(each => each !== CONSUL));
    for (const [name, { stop }] of this.#following) {
      if (wanted.has(name)) continue;
      stop.abort();
      this.#following.delete(name);
      this.#failed(name, undefined);
      this.#entries?.delete(KIND, `${this.#options.namespace}/${entryName(name)}`);
    }
    for (const name of wanted) if (!this.#following.has(name)) this.#followService(name);
    this.#looked();
  }

  #followService(name: string): void {
    const waiting = [...this.#following.values()].filter(each => each.waits).length;
    const followed: Followed = {
      ...{ stop: new AbortController(), waits: waiting < MOST_WAITING, read: false, entry: undefined },
    };
    this.#following.set(name, followed);
    const { tag } = this.#options;
    const question: Question = {
      path: `/v1/health/service/${encodeURIComponent(name)}`,
      parameters: { passing: '1', ...(tag !== undefined && { tag }) },
      ...(!followed.waits && { everyMs: INTERVAL_MS }),
    };
    const take = (body: unknown): void => {
      followed.entry = serviceEntryOf(name, instancesOf(body), this.#options, followed.entry);
      if (followed.entry) this.#entries?.put(followed.entry, this.name);
      followed.read = true;
      this.#looked();
    };
    this.#follow(name, question, take, followed.stop.signal);
  }

  #follow(name: string, question: Question, take: (body: unknown) => void, signal: AbortSignal): void {
    followConsul(
      this.#options,
      question,
      { clock: this.#options.clock, longestMs: LONGEST_MS },
      {
        answered: body => {
          if (signal.aborted) return;
          take(body);
          this.#failed(name, undefined);
        },
        failed: why => this.#failed(name, why),
      },
      signal,
    );
  }

  /** Whether everything has been read once. */
  #looked(): void {
    if (this.#catalogRead && [...this.#following.values()].every(each => each.read)) this.#firstRead();
  }

  #failed(name: string, why: string | undefined): void {
    if (this.#failures.get(name) === why) return;
    if (why === undefined) this.#failures.delete(name);
    else this.#failures.set(name, why);
    // One that is away fails for all of its services alike: said once.
    const words = new Map([...this.#failures].map(([each, reason]) => [reason, each]));
    this.#problems = [...words].map(([reason, each]) =>
      problem(
        'consul-unreachable',
        `${each === '' ? 'the catalog' : `service ${each}`} cannot be asked of Consul at ${this.#options.address}: ${reason}; what was found before stays`,
      ),
    );
  }
}
