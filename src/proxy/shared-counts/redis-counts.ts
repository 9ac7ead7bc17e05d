import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { errorMessage, guarded, WeftError } from '../../errors/index.ts';
import type { RateAnswer, RateQuestion, SharedCounts } from '../edge/shared-counts.interface.ts';
import { ENTER, TAKE } from './scripts.ts';

/** Which Redis, and how long it may take. */
export interface RedisSettings {
  /** `redis://USER@HOST:PORT/DATABASE`, `rediss://` for TLS. */
  readonly url: string;
  /** '' for none, or that of the URL. */
  readonly passwordFile: string;
  /** PEM of who signs its certificate; '' for the authorities of the system. */
  readonly caFile: string;
  /** For one answer. After that the replica's own counts decide. */
  readonly timeoutMs: number;
}

/** Whoever wants to know that the counts are shared, or not any more. */
export type OnShared = (shared: boolean, why: string) => void;

/** So many answers that do not come, one after the other, and nobody is asked for a while. */
const maxFailures = 3;
/** Then one question asks whether it is there again. */
const pauseMs = 1_000;
/** What a replica has said of its requests under way holds for so long, and is said again three times meanwhile. */
const holdsMs = 30_000;

/** In weft_internal_errors_total. */
const WHERE = 'shared-counts';

type Scripted = Redis & {
  weftTake(keys: number, ...args: (string | number)[]): Promise<readonly (string | number)[]>;
  weftEnter(keys: number, ...args: (string | number)[]): Promise<number>;
};

/**
 * Counts of all replicas in a Redis. It may go and come: while it does not answer in time, `usable` is false and costs nothing.
 * Keys are hashes, so that who reads them learns of no client. Throws WeftError for files that cannot be read.
 */
export class RedisCounts implements SharedCounts {
  readonly #client: Scripted;
  readonly #onShared: OnShared;
  readonly #replica = randomUUID();
  /** Numbers that were told, by key. */
  readonly #underWay = new Map<string, number>();
  readonly #refresh: NodeJS.Timeout;
  #pause: NodeJS.Timeout | undefined;
  #failures = 0;
  #usable = false;
  #closed = false;

  constructor({ url, passwordFile, caFile, timeoutMs }: RedisSettings, onShared: OnShared = () => {}) {
    this.#onShared = onShared;
    const password = passwordFile === '' ? undefined : read(passwordFile).trim();
    const client = new Redis(url, {
      ...(password !== undefined && { password }),
      ...(url.startsWith('rediss:') && { tls: caFile === '' ? {} : { ca: read(caFile) } }),
      commandTimeout: timeoutMs,
      connectTimeout: Math.max(2_000, timeoutMs),
      // Who is not there is not waited for, and what was asked is not asked again.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: times => Math.min(100 * 2 ** Math.min(times, 5), 2_000),
    });
    client.defineCommand('weftTake', { lua: TAKE });
    client.defineCommand('weftEnter', { lua: ENTER, numberOfKeys: 1 });
    client.on(
      'ready',
      guarded(WHERE, () => this.#probe()),
    );
    client.on(
      'close',
      guarded(WHERE, () => this.#lost('the connection is closed')),
    );
    // Every reason is told by `close`, too; without a listener it would end the process.
    client.on(
      'error',
      guarded(WHERE, (error: Error) => this.#lost(error.message)),
    );
    this.#client = client as Scripted;
    this.#refresh = setInterval(
      guarded(WHERE, () => this.#sayAgain()),
      holdsMs / 3,
    );
    this.#refresh.unref();
  }

  get usable(): boolean {
    return this.#usable;
  }

  async take(rates: readonly RateQuestion[]): Promise<RateAnswer | undefined> {
    const args = rates.flatMap(({ perSecond, burst }) => [perSecond, burst]);
    const answer = await this.#ask(() =>
      this.#client.weftTake(rates.length, ...rates.map(each => keyOf(each.key)), ...args),
    );
    if (answer === undefined) return undefined;
    const [refused, ...excesses] = answer.map(Number);
    return refused === 0 ? { excesses } : { refused: refused! - 1 };
  }

  async enter(key: string, own: number, max: number): Promise<boolean | undefined> {
    const answer = await this.#ask(() => this.#tell(key, own, max));
    if (answer === 1) this.#underWay.set(key, own);
    return answer === undefined ? undefined : answer === 1;
  }

  left(key: string, own: number): void {
    if (own === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, own);
    if (this.#usable) void this.#ask(() => this.#tell(key, own, -1));
  }

  /** Ends the connection; nobody is asked any more. */
  close(): void {
    this.#closed = true;
    this.#usable = false;
    clearInterval(this.#refresh);
    clearTimeout(this.#pause);
    this.#client.disconnect();
  }

  #tell(key: string, own: number, max: number): Promise<number> {
    return this.#client.weftEnter(keyOf(key) as never, this.#replica, own, max, holdsMs);
  }

  #sayAgain(): void {
    if (!this.#usable) return;
    for (const [key, own] of this.#underWay) void this.#ask(() => this.#tell(key, own, -1));
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await question();
      this.#failures = 0;
      return answer;
    } catch (thrown) {
      this.#failures++;
      if (this.#failures >= maxFailures) this.#lost(errorMessage(thrown));
      return undefined;
    }
  }

  /** Nobody is asked until it has answered again. */
  #lost(why: string): void {
    if (this.#closed) return;
    if (this.#usable) this.#onShared(false, why);
    this.#usable = false;
    const goOn = guarded(WHERE, () => {
      this.#pause = undefined;
      this.#probe();
    });
    this.#pause ??= setTimeout(goOn, pauseMs).unref();
  }

  #probe(): void {
    if (this.#closed || this.#usable || this.#client.status !== 'ready') return;
    this.#client.ping().then(
      () => {
        if (this.#usable || this.#closed) return;
        this.#failures = 0;
        this.#usable = true;
        this.#onShared(true, '');
        this.#sayAgain();
      },
      (thrown: unknown) => this.#lost(errorMessage(thrown)),
    );
  }
}

/** One slot for all, so that a script may have several of them in a cluster of Redis. */
function keyOf(key: string): string {
  const hash = createHash('sha256').update(key).digest('base64url').slice(0, 27);
  return `{weft}:${hash}`;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new WeftError('bad-configuration', `the file ${file} of the Redis for limits cannot be read`, {
      source: 'config',
      cause: thrown,
    });
  }
}
