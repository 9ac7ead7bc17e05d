import { isIpAddress, type UpstreamSettings, type UpstreamTarget } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { discoverConsul } from './consul-discovery.ts';
import { discoverName, discoverService } from './dns-discovery.ts';
import { discoverFile } from './file-discovery.ts';
import { type Discover, endpointKey, type FoundEndpoint } from './found.ts';
import { HealthChecker, type Probe } from './health.ts';
import { discoverKubernetes } from './kubernetes-discovery.ts';
import type { NameLookup } from './names.ts';

/** An endpoint, and whether it may get requests. */
export interface KnownEndpoint extends FoundEndpoint {
  readonly healthy: boolean;
  /** Why not. */
  readonly why?: string;
}

/** How an upstream is, for people. */
export interface UpstreamStatus {
  readonly name: string;
  /** Whether anybody has said yet which endpoints there are. */
  readonly known: boolean;
  readonly endpoints: readonly KnownEndpoint[];
  /** What discovery could not do lately; empty where all is well. */
  readonly failures: readonly string[];
}

/** What upstreams need of the world. */
export interface UpstreamContext {
  readonly clock: Clock;
  readonly lookup: NameLookup;
  /** In place of real questions; for tests. */
  readonly probe?: Probe;
}

/** Names that are written down are looked up again at the latest after this. */
const TARGET_REFRESH_MS = 30_000;

/** One upstream: its targets and what discovery finds, each looked up and checked, until it is closed. */
export class RunningUpstream {
  readonly settings: UpstreamSettings;
  readonly #changed: () => void;
  readonly #checker: HealthChecker | undefined;
  readonly #stop = new AbortController();
  readonly #written = new Map<UpstreamTarget, readonly FoundEndpoint[]>();
  readonly #failures = new Map<string, string>();
  #discovered: readonly FoundEndpoint[] | undefined;

  constructor(settings: UpstreamSettings, context: UpstreamContext, changed: () => void) {
    this.settings = settings;
    this.#changed = changed;
    const { healthCheck } = settings;
    this.#checker = healthCheck && new HealthChecker(healthCheck, context.clock, changed, context.probe);
    for (const target of settings.targets)
      this.#follow(targetOf(target, context), `${target.host}:${target.port}`, found =>
        this.#written.set(target, found),
      );
    const discover = discovererOf(settings, context);
    if (discover)
      this.#follow(discover, 'discovery', found => {
        this.#discovered = found;
      });
  }

  get status(): UpstreamStatus {
    const endpoints = this.#all().map((each): KnownEndpoint => {
      const why = this.#checker?.why(each);
      return { ...each, healthy: this.#checker?.isHealthy(each) ?? true, ...(why !== undefined && { why }) };
    });
    const known = this.#discovered !== undefined || this.#written.size > 0;
    return { name: this.settings.name, known, endpoints, failures: [...this.#failures.values()] };
  }

  close(): void {
    this.#stop.abort();
    this.#checker?.close();
  }

  #follow(discover: Discover, origin: string, take: (found: readonly FoundEndpoint[]) => void): void {
    const { signal } = this.#stop;
    discover(
      {
        found: endpoints => {
          this.#failures.delete(origin);
          take(endpoints);
          this.#checker?.set(this.#all());
          this.#changed();
        },
        failed: why => {
          if (this.#failures.get(origin) === why) return;
          this.#failures.set(origin, why);
          this.#changed();
        },
      },
      signal,
    );
  }

  /** Each address and port once. Targets give way to what discovery says, unless they are to stay. */
  #all(): readonly FoundEndpoint[] {
    const written = [...this.#written.values()].flat();
    const counted =
      this.#discovered === undefined || this.settings.keepTargets
        ? [...(this.#discovered ?? []), ...written]
        : this.#discovered;
    return [...new Map(counted.toReversed().map(each => [endpointKey(each), each])).values()].toReversed();
  }
}

function targetOf({ host, port, ...more }: UpstreamTarget, { clock, lookup }: UpstreamContext): Discover {
  if (isIpAddress(host)) return listener => listener.found([{ address: host, port, ...more }]);
  return discoverName(lookup, clock, { hostname: host, port, refreshMs: TARGET_REFRESH_MS, ...more });
}

function discovererOf(
  { discovery }: UpstreamSettings,
  { clock, lookup }: UpstreamContext,
): Discover | undefined {
  switch (discovery?.kind) {
    case undefined:
      return undefined;
    case 'dns':
      return discoverName(lookup, clock, discovery);
    case 'dns-srv':
      return discoverService(lookup, clock, discovery);
    case 'consul':
      return discoverConsul(lookup, clock, discovery);
    case 'kubernetes':
      return discoverKubernetes(clock, discovery);
    case 'file':
      return discoverFile(clock, discovery);
  }
}
