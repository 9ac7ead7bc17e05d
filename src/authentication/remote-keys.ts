import { errorMessage } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { KeySet } from './key-set.ts';

/** What an address answered: the text, and for how long it may be kept where it says so (`cache-control: max-age`). */
export interface FetchedKeys {
  readonly text: string;
  readonly maxAgeMs: number | undefined;
}

/** Fetches keys; rejects with an Error whose message says why, lowercase. */
export type FetchKeys = (uri: string, timeoutMs: number) => Promise<FetchedKeys>;

/** Keys are asked for anew as Istio does it; sooner where the issuer says that they do not last as long. */
const REFRESH_MS = 20 * 60_000;
const soonestRefreshMs = 60_000;
/** After a failure: doubled each time, up to the second. */
const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
/** A token may name a key that is new: so often at most its name alone makes them be fetched, whoever makes names up. */
const UNKNOWN_KEY_EVERY_MS = 10_000;

/** Hears how it goes with the keys of an address. */
export interface KeysWatcher {
  /** They came; `isNew`: and are not those from before. */
  onKeys(uri: string, isNew: boolean): void;
  /** They did not; the last good ones hold, if there are any. */
  onFailure(uri: string, why: string, hasKeys: boolean): void;
}

/** What an address is known for. */
export interface RemoteKeysOptions {
  readonly uri: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: FetchKeys;
  readonly watcher: KeysWatcher;
  /** From 0 to 1: proxies that have begun together do not all ask together. */
  readonly random: () => number;
}

/**
 * The keys at an address: fetched when a rule first names it, before any token comes, refreshed before they grow old; those that
 * were last good hold on as long as nothing better comes.
 */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  #keys: KeySet | undefined;
  #text = '';
  #why = 'they have not been fetched yet';
  #fetching: Promise<void> | undefined;
  #failures = 0;
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #stopTimer: () => void = () => {};
  #closed = false;
  /** Grows with every other set of keys: what was verified with the ones before has to be verified again. */
  version = 0;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  /** Begins to fetch. */
  start(): void {
    void this.#fetch();
  }

  /** Undefined as long as there are none; `why` says the reason. */
  get keys(): KeySet | undefined {
    return this.#keys;
  }

  get why(): string {
    return this.#why;
  }

  /**
   * For a token that needs a key that is not there: fetches where that may help, and waits for what is being fetched. Bounded:
   * where the last fetch was just now, nothing is asked.
   */
  async renew(): Promise<void> {
    const sinceMs = this.#options.clock.monotonic() - this.#fetchedMs;
    const everyMs = this.#keys === undefined ? this.#retryMs() : UNKNOWN_KEY_EVERY_MS;
    if (this.#fetching === undefined && sinceMs < everyMs) return;
    await this.#fetch();
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  #fetch(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#fetching ??= this.#fetchNow().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchNow(): Promise<void> {
    const { uri, timeoutMs, fetch, watcher, clock, random } = this.#options;
    this.#stopTimer();
    let nextMs: number;
    try {
      const { text, maxAgeMs = REFRESH_MS } = await fetch(uri, timeoutMs);
      const keys = KeySet.read(text);
      if (typeof keys === 'string') throw new Error(`the answer ${keys}`);
      const isNew = text !== this.#text;
      if (isNew) {
        this.#keys = keys;
        this.#text = text;
        this.version++;
      }
      this.#failures = 0;
      this.#why = '';
      watcher.onKeys(uri, isNew);
      nextMs = Math.max(soonestRefreshMs, Math.min(REFRESH_MS, maxAgeMs)) * (0.8 + 0.2 * random());
    } catch (thrown) {
      this.#why = errorMessage(thrown);
      watcher.onFailure(uri, this.#why, this.#keys !== undefined);
      nextMs = this.#retryMs();
      this.#failures++;
    }
    this.#fetchedMs = clock.monotonic();
    if (!this.#closed) this.#stopTimer = clock.after(nextMs, () => void this.#fetch());
  }

  #retryMs(): number {
    return Math.min(lastRetryMs, firstRetryMs * 2 ** this.#failures);
  }
}
