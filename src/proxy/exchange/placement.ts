import type { RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import type { Instead } from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';
import { clientKey } from '../services/client-key.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { RequestSoFar } from './request-so-far.ts';
import type { StreamInfo } from './stream-info.ts';
import type { Tries } from './tries.ts';

/** Why a request got no place. */
export interface NoPlace {
  readonly flag: Flag;
  readonly detail: string;
}

/**
 * Where a request goes: the share of its route, by weight, session or login, and a place in that share's cluster. One object
 * serves the requests of a stream, one after the other.
 */
export class Placement {
  /** Which of the route's clusters. */
  choice = 0;
  /** What consistent hashing knows the request by; -1 for nothing. */
  hash = -1;
  /** A cookie for the client, by which hashing knows it next time. */
  cookie: Buffer | undefined = undefined;
  /** The endpoint of a sticky session, for the first try. */
  preferred: RunningEndpoint | undefined = undefined;
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #request: RequestSoFar;
  readonly #info: StreamInfo;
  readonly #tries: Tries;

  constructor(
    services: ExchangeServices,
    host: ExchangeHost,
    request: RequestSoFar,
    info: StreamInfo,
    tries: Tries,
  ) {
    this.#services = services;
    this.#host = host;
    this.#request = request;
    this.#info = info;
    this.#tries = tries;
  }

  /**
   * Takes a place for the request; the exchange gives it back. Otherwise the answer that the route has in its stead, or why there
   * is none. Before the route edits the request: it is the client that is to be known again.
   */
  take(route: RunningRoute): Instead | NoPlace | undefined {
    const info = this.#info;
    const session = route.sessionCookie === undefined ? undefined : info.work?.bySession();
    const own = this.#tries.loginAmong(route.clusters.clusters);
    const choice = own >= 0 ? own : session === undefined ? route.clusters.pickIndex() : session.choice;
    this.choice = choice;
    this.preferred = session?.endpoint;
    const invalid = route.invalid?.[choice];
    if (invalid !== undefined)
      return { reply: localReply('NC', invalid, { status: 500 }), flag: 'NC', detail: invalid };
    const redirect = route.redirects?.[choice];
    if (redirect !== undefined) return info.work!.redirect(choice, redirect);
    const cluster = route.clusters.clusters[choice];
    if (cluster === undefined) return { flag: 'NC', detail: `route ${route.route.name} names no cluster` };
    const { occupancy, hashKey, config } = cluster;
    if (!occupancy.mayRequest()) {
      occupancy.overflows++;
      info.full = cluster;
      return { flag: 'UO', detail: `${occupancy.requests} requests to ${config.name} are under way` };
    }
    info.cluster = cluster;
    occupancy.requests++;
    cluster.budget.recordRequest(info.startMs);
    this.hash = -1;
    this.cookie = undefined;
    if (hashKey === undefined) return undefined;
    this.hash = hashKey.of(this.#request.head, clientKey(this.#host.downstream, this.#services.address));
    this.cookie = hashKey.takeCookie();
    return undefined;
  }
}
