import { guarded, WeftError } from '../errors/index.ts';
import { readRoots } from '../identity/index.ts';
import {
  type BundleEndpoint,
  equal,
  type FederatedDomain,
  type FederatedRoots,
  type Problem,
  problem,
  trustDomainOf,
} from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { FetchBundle } from './fetch-bundle.ts';

/** What a FederatedBundles is made of. */
export interface FederatedBundlesOptions {
  readonly clock: Clock;
  readonly fetch: FetchBundle;
  readonly signal: AbortSignal;
  /** For one answer; 10 s unless told. */
  readonly limitMs?: number;
}

/** For metrics and `weft ca status`. */
export interface FederatedStatus {
  readonly trustDomain: string;
  readonly roots: number;
  /** When its bundle was fetched last, by the clock; undefined where it never was. */
  readonly fetchedAtMs?: number;
  readonly failures: number;
}

/** What endpoints say is bounded: a hint of a second would be a flood, and one of a day would keep a root that was withdrawn. */
const refreshMs = { least: 30_000, usual: 300_000, most: 3_600_000 };
const retryMs = 15_000;

interface Followed {
  /** As it was named; of `domain` roots are left out that cannot be read. */
  said: FederatedDomain;
  domain: FederatedDomain;
  fetched: readonly string[] | undefined;
  fetchedAtMs: number | undefined;
  failures: number;
  problem: Problem | undefined;
  cancel: Cancel;
}

/**
 * The roots of other trust domains. Each bundle is fetched when it is named and then as often as it says; one that cannot be had
 * or read is a problem, and the last good one stays for as long as its domain is named.
 */
export class FederatedBundles {
  readonly #options: FederatedBundlesOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #listeners = new Set<() => void>();

  constructor(options: FederatedBundlesOptions) {
    this.#options = options;
  }

  /** Every domain that is let in; without roots as long as none are known. */
  get current(): readonly FederatedRoots[] {
    return [...this.#followed.values()].map(each => ({
      trustDomain: each.domain.trustDomain,
      roots: rootsOf(each),
    }));
  }

  status(): readonly FederatedStatus[] {
    return [...this.#followed.values()].map(each => ({
      ...{ trustDomain: each.domain.trustDomain, roots: rootsOf(each).length, failures: each.failures },
      ...(each.fetchedAtMs !== undefined && { fetchedAtMs: each.fetchedAtMs }),
    }));
  }

  problems(): readonly Problem[] {
    return [...this.#followed.values()].flatMap(each => each.problem ?? []);
  }

  /** Calls `listener` after every change of `current`. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes which domains there are now. */
  follow(domains: readonly FederatedDomain[]): void {
    const before = this.current;
    for (const [name, followed] of this.#followed) {
      if (domains.some(({ trustDomain }) => trustDomain === name)) continue;
      followed.cancel();
      this.#followed.delete(name);
    }
    for (const domain of domains) {
      const known = this.#followed.get(domain.trustDomain);
      if (known && equal(known.said, domain)) continue;
      known?.cancel();
      const followed: Followed = {
        ...{
          said: domain,
          domain,
          fetched: known?.fetched,
          fetchedAtMs: known?.fetchedAtMs,
          failures: known?.failures ?? 0,
        },
        ...{ problem: undefined, cancel: () => {} },
      };
      const unreadable = domain.roots.length === 0 ? undefined : readRoots(domain.roots);
      if (unreadable instanceof WeftError) {
        const why = `trust domain ${domain.trustDomain}: the certificates in pem cannot be used: ${unreadable.message}`;
        followed.problem = problem('federated-roots', why);
        followed.domain = { ...domain, roots: [] };
      }
      // What was fetched from elsewhere before counts no more once nothing is fetched.
      if (domain.endpoints.length === 0) followed.fetched = undefined;
      this.#followed.set(domain.trustDomain, followed);
      if (domain.endpoints.length > 0) void this.#refresh(followed);
    }
    if (!equal(before, this.current)) this.#tell();
  }

  async #refresh(followed: Followed): Promise<void> {
    const { clock, signal } = this.#options;
    const found = await Promise.all(followed.domain.endpoints.map(each => this.#fetch(each)));
    if (signal.aborted || this.#followed.get(followed.domain.trustDomain) !== followed) return;
    const failed = found.find(each => each instanceof WeftError);
    const good = found.flatMap(each => (each instanceof WeftError ? [] : [each]));
    let nextMs = retryMs;
    if (failed === undefined) {
      const hinted = Math.min(...good.map(each => each.refreshHintMs ?? refreshMs.usual));
      nextMs = Math.min(Math.max(hinted, refreshMs.least), refreshMs.most);
      const before = rootsOf(followed);
      followed.fetched = [...new Set(good.flatMap(each => each.roots))];
      followed.fetchedAtMs = clock.now();
      followed.problem = undefined;
      if (!equal(before, followed.fetched)) this.#tell();
    } else {
      followed.failures++;
      const stays =
        rootsOf(followed).length > 0
          ? 'the roots before stay in use'
          : 'none of its workloads is let in until then';
      followed.problem = problem(
        failed.code,
        `trust domain ${followed.domain.trustDomain}: ${failed.message}; ${stays}`,
      );
    }
    followed.cancel = clock.after(
      nextMs,
      guarded('federation.refresh', () => void this.#refresh(followed)),
    );
    signal.addEventListener('abort', followed.cancel, { once: true });
  }

  #fetch({ url, spiffeId }: BundleEndpoint): ReturnType<FetchBundle> {
    const { fetch, signal, limitMs = 10_000 } = this.#options;
    const by = spiffeId === undefined ? undefined : this.#followed.get(trustDomainOf(spiffeId));
    const roots = by === undefined ? [] : rootsOf(by);
    if (spiffeId !== undefined && roots.length === 0) {
      const why = `the bundle at ${url} cannot be fetched: no root of ${trustDomainOf(spiffeId)} is known to know its server by; give one beside the URL (pem)`;
      return Promise.resolve(new WeftError('bundle-unreachable', why, { source: 'config' }));
    }
    const from = { url, roots, ...(spiffeId !== undefined && { spiffeId }) };
    return fetch(from, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function rootsOf({ domain, fetched }: Followed): readonly string[] {
  return fetched ?? domain.roots;
}
