import type { Flag } from '../../errors/index.ts';
import type { KeptFor, ProxyRecord, RecordQuery, Route } from '../../model/index.ts';
import { type Clock, TokenBucket } from '../../time/index.ts';
import type {
  ObservedMirror,
  ObservedRefusal,
  ObservedRequest,
  ObservedSession,
  RequestObserver,
} from '../observation/observer.interface.ts';
import { KeptRecords } from './kept-records.ts';
import { mirrorRecord, refusalRecord, requestRecord, sessionRecord, type ToWall } from './record-of.ts';
import { SlowRequests } from './slow.ts';

/** What of requests a proxy keeps. */
export interface RecordSettings {
  /** Bytes of all records together; half of them for failures. 0 keeps none. */
  readonly maxBytes: number;
  /** Requests that took so long are slow, milliseconds; undefined: those twice as slow as the 99th percentile of their route. */
  readonly slowMs?: number;
}

/** As nobody said anything. */
export const DEFAULT_RECORD: RecordSettings = { maxBytes: 1 << 20 };

/** So many are written down at the most, in a second and at once: writing one takes some 20 µs. Others are counted. */
const failuresPerSecond = 100;
const notablePerSecond = 20;
/** Of requests that nothing is remarkable about, one in this time is kept, milliseconds. */
const sampleEveryMs = 200;

/**
 * The proxy's record, for `weft explain`: recent failures, requests that were slow or tried again, and a sample of the rest. What
 * it does not want costs it a few comparisons.
 */
export class RequestRecorder implements RequestObserver {
  /** Failures and slow ones that came too many at a time. */
  leftOut = 0;
  readonly #wall: ToWall;
  readonly #slow: SlowRequests;
  readonly #failures: KeptRecords;
  readonly #notable: KeptRecords;
  readonly #sample: KeptRecords;
  readonly #failureTokens: TokenBucket;
  readonly #notableTokens: TokenBucket;
  /** Whole milliseconds, monotonic. */
  #nextSampleMs = 0;
  /** What `wants` found of the request whose end is told next. */
  #keptFor: KeptFor = 'sample';

  constructor(clock: Clock, settings: RecordSettings) {
    const { maxBytes, slowMs } = settings;
    this.#wall = ms => clock.now() - (clock.monotonic() - ms);
    this.#slow = new SlowRequests(slowMs);
    this.#failures = new KeptRecords(maxBytes / 2);
    this.#notable = new KeptRecords(maxBytes / 4);
    this.#sample = new KeptRecords(maxBytes / 4);
    const tokens = (perSecond: number): TokenBucket =>
      new TokenBucket({ maxTokens: perSecond, perFill: perSecond, fillIntervalMs: 1000 }, clock.monotonic());
    this.#failureTokens = tokens(failuresPerSecond);
    this.#notableTokens = tokens(notablePerSecond);
  }

  wants(
    status: number,
    flag: Flag | '',
    route: Route | undefined,
    durationMs: number,
    endMs: number,
    attempts: number,
  ): boolean {
    // A tunnel lasts as long as its two sides like.
    const slow = status !== 101 && this.#slow.judge(route, durationMs);
    if (isFailure(status, flag)) return this.#take('failed', this.#failureTokens, endMs);
    if (slow) return this.#take('slow', this.#notableTokens, endMs);
    if (attempts > 1) return this.#take('retried', this.#notableTokens, endMs);
    if (endMs < this.#nextSampleMs) return false;
    this.#nextSampleMs = Math.ceil(endMs + sampleEveryMs);
    this.#keptFor = 'sample';
    return true;
  }

  onRequestEnd(request: ObservedRequest): void {
    this.#keep(requestRecord(request, this.#keptFor, this.#wall));
  }

  onSessionEnd(session: ObservedSession): void {
    const { flag, endMs } = session;
    if (flag !== '') {
      if (this.#take('failed', this.#failureTokens, endMs))
        this.#keep(sessionRecord(session, 'failed', this.#wall));
      return;
    }
    if (endMs < this.#nextSampleMs) return;
    this.#nextSampleMs = Math.ceil(endMs + sampleEveryMs);
    this.#keep(sessionRecord(session, 'sample', this.#wall));
  }

  onRefusal(refusal: ObservedRefusal): void {
    if (this.#take('failed', this.#failureTokens, refusal.atMs))
      this.#keep(refusalRecord(refusal, this.#wall));
  }

  onMirrorFailed(mirror: ObservedMirror): void {
    if (this.#take('failed', this.#failureTokens, mirror.endMs)) this.#keep(mirrorRecord(mirror, this.#wall));
  }

  /** Those that are meant, the oldest first. */
  find(query: RecordQuery): readonly ProxyRecord[] {
    const found = [this.#failures, this.#notable, this.#sample].flatMap(each => each.find(query));
    found.sort((a, b) => a.at - b.at);
    return query.limit === undefined ? found : found.slice(-query.limit);
  }

  /** For the admin page and metrics. */
  get figures(): { readonly records: number; readonly bytes: number } {
    const all = [this.#failures, this.#notable, this.#sample];
    return {
      records: all.reduce((sum, { count }) => sum + count, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** Since when failures are kept, since the epoch; undefined where there was none. */
  get sinceMs(): number | undefined {
    return this.#failures.sinceMs;
  }

  #take(keptFor: KeptFor, tokens: TokenBucket, nowMs: number): boolean {
    this.#keptFor = keptFor;
    if (tokens.take(nowMs)) return true;
    this.leftOut++;
    return false;
  }

  #keep(record: ProxyRecord): void {
    const into =
      record.kept === 'failed' ? this.#failures : record.kept === 'sample' ? this.#sample : this.#notable;
    into.add(record);
  }
}

/** Whether somebody may ask why: an answer of 5xx, or anything of Weft's own but what a route says in its own name. */
function isFailure(status: number, flag: Flag | ''): boolean {
  return status >= 500 || (flag !== '' && flag !== 'DI');
}
