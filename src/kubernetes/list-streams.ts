import { ApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';

/** From this minor version on the server streams lists unless it was told not to; before, it does only where it was told to. */
const leastMinor = 32;

/**
 * Whether the server tells everything that there is as events of a watch (`sendInitialEvents`), out of its cache: one request in
 * place of a list of pages, each read from its store. Asked once for all kinds. An older server would pass over the parameter,
 * and nobody would know when it has told everything; so its version counts, and its refusal where the feature is switched off.
 */
export class ListStreams {
  readonly #client: KubeClient;
  #offered: Promise<boolean> | undefined;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** False while nobody can say. */
  offered(signal?: AbortSignal): Promise<boolean> {
    this.#offered ??= this.#ask(signal);
    return this.#offered;
  }

  /** The server has refused it: nobody asks again. */
  refused(): void {
    this.#offered = Promise.resolve(false);
  }

  async #ask(signal?: AbortSignal): Promise<boolean> {
    const answer = await this.#client.call({ path: '/version', ...(signal && { signal }) });
    if (answer instanceof ApiError) {
      // Who is away now is asked again by the next.
      if (answer.passing) this.#offered = undefined;
      return false;
    }
    const { major, minor } = answer;
    // `34+` on some providers.
    return major === '1' && typeof minor === 'string' && Number.parseInt(minor, 10) >= leastMinor;
  }
}
