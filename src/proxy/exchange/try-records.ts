import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Clock } from '../../time/index.ts';
import { NO_TRIES, type TryRecord, type TryWhy } from '../observation/try-record.ts';

/** The tries of one request that are over, as long as somebody watches. One object serves the requests of a connection. */
export class TryRecords {
  list: readonly TryRecord[] = NO_TRIES;
  readonly #clock: Clock;
  /** Of the answer that is taken, and how long it took: most of them nobody wants to hear of. */
  #takenStatus = 0;
  #takenMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes what would be told of the try whose answer is taken. */
  taken(status: number, latencyMs: number): void {
    this.#takenStatus = status;
    this.#takenMs = latencyMs;
  }

  /** Tells of the try whose answer was taken, if there is one. */
  writeTaken(cluster: RunningCluster, endpoint: RunningEndpoint, startMs: number, why: TryWhy): void {
    if (this.#takenStatus === 0) return;
    const how = { why, end: 'taken', status: this.#takenStatus, flag: '', detail: '' } as const;
    this.write(cluster, endpoint, startMs, how, this.#takenMs);
    this.#takenStatus = 0;
  }

  /** Tells of one; only where somebody watches. */
  write(
    { config: { name: cluster } }: RunningCluster,
    { key: endpoint, config: { peer, tls } }: RunningEndpoint,
    startMs: number,
    { why, end, status, flag, detail }: Pick<TryRecord, 'why' | 'end' | 'status' | 'flag' | 'detail'>,
    durationMs = this.#clock.monotonic() - startMs,
  ): void {
    const mesh = tls === 'mesh';
    const record = { cluster, endpoint, peer, mesh, startMs, durationMs, why, end, status, flag, detail };
    // Nearly always the only one.
    this.list =
      this.list.length === 0 ? [record] : [...this.list, record].sort((a, b) => a.startMs - b.startMs);
  }

  /** Ready for the next request. */
  clear(): void {
    this.list = NO_TRIES;
    this.#takenStatus = 0;
  }
}
