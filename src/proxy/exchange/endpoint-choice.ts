import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { TryWhy } from '../observation/try-record.ts';

const noneTried: readonly RunningEndpoint[] = [];

/**
 * Where the next try of a request goes: to the endpoint that its client is bound to, or to one that the balancer picks among what
 * earlier tries have left. One object serves the requests of a connection, one after the other.
 */
export class EndpointChoice {
  /** Why the last one was chosen. */
  why: TryWhy = 'balanced';
  #hash = -1;
  #preferred: RunningEndpoint | undefined;
  #tried: RunningEndpoint[] | undefined;

  /** `hash`: what consistent hashing knows the request by; -1: nothing. `preferred`: of a sticky session, for the first try. */
  begin(hash: number, preferred: RunningEndpoint | undefined): void {
    this.#hash = hash;
    this.#preferred = preferred;
  }

  /** `login`: the one that the client is logged in to. `anywhere` as for RunningCluster.pick. Undefined: there is none. */
  next(
    cluster: RunningCluster,
    login: RunningEndpoint | undefined,
    nowMs: number,
    anywhere: boolean,
  ): RunningEndpoint | undefined {
    const preferred = this.#preferred;
    this.#preferred = undefined;
    this.why =
      login !== undefined
        ? 'login'
        : preferred !== undefined
          ? 'session'
          : this.#hash < 0
            ? 'balanced'
            : 'hashed';
    return login ?? preferred ?? cluster.pick(this.#tried ?? noneTried, nowMs, this.#hash, anywhere);
  }

  /** One for a try beside that at `endpoint`; undefined when there is nobody else to ask. */
  beside(cluster: RunningCluster, endpoint: RunningEndpoint, nowMs: number): RunningEndpoint | undefined {
    const other = cluster.pick([...(this.#tried ?? noneTried), endpoint], nowMs, this.#hash);
    return other === endpoint ? undefined : other;
  }

  /** The next try goes elsewhere if it can. */
  avoid(endpoint: RunningEndpoint): void {
    this.#tried ??= [];
    this.#tried.push(endpoint);
  }

  /** How many have been tried, the one under way not counted. */
  get tried(): number {
    return this.#tried?.length ?? 0;
  }

  /** The one that was avoided last. */
  get last(): RunningEndpoint | undefined {
    return this.#tried?.at(-1);
  }

  /** Ready for the next request. */
  clear(): void {
    this.#preferred = undefined;
    this.#tried = undefined;
  }
}
