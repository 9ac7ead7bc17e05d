/**
 * How much one answer counts at most, and how fast memory fades where answers come in often. Answers of one moment are one piece
 * of news: they waited together.
 */
interface Memory {
  readonly mostWeight: number;
  readonly ms: number;
}
const ofEndpoint: Memory = { mostWeight: 0.1, ms: 500 };
/** What the cluster does must be known sooner than what that says of an endpoint. */
const ofCluster: Memory = { mostWeight: 0.3, ms: 100 };
/** How long an endpoint that nobody asks is taken for what it was, and how fast that fades then. */
const keptMs = 500;
const fadeMs = 3_000;
/**
 * Quicker than this is quick enough: such differences are chance more often than not, and nobody gains from load that is uneven
 * for them.
 */
const quickMs = 5;
const logQuick = Math.log(quickMs);
/** Logarithms cannot hold zeros. */
const leastMs = 0.05;

/** What the answers of a cluster take together: what its endpoints are compared with. Logarithms of milliseconds. */
export class ClusterLatency {
  /** Of answers that are all at least as slow as what counts as quick. */
  log = logQuick;
  /** Of the answers as they were. */
  exactLog = logQuick;
  #updatedMs = Number.NEGATIVE_INFINITY;

  /** Whether anybody has answered. */
  get isKnown(): boolean {
    return this.#updatedMs !== Number.NEGATIVE_INFINITY;
  }

  /** An answer of any endpoint; `nowMs` is monotonic. */
  observe(log: number, exactLog: number, nowMs: number): void {
    const weight = this.isKnown ? weightAfter(nowMs - this.#updatedMs, ofCluster) : 1;
    this.#updatedMs = nowMs;
    this.log += weight * (log - this.log);
    this.exactLog += weight * (exactLog - this.exactLog);
  }
}

/**
 * How slow an endpoint is beside the others of its cluster, as a moving geometric mean. One answer that took thirty times as
 * long, for a collector's pause or a first connection, counts as one and not as thirty; what makes all slow, like a start of
 * everything or a pause of the caller, tells nothing about any; and who has become slow is known after ten answers. What has not
 * answered yet is taken for as fast as its cluster.
 */
export class LatencyAverage {
  readonly #cluster: ClusterLatency;
  /** Logarithm of the factor by which it is slower than the cluster, and that factor. */
  #slower = 0;
  #factor = 1;
  #exactLog: number;
  #updatedMs: number;

  constructor(cluster: ClusterLatency, nowMs: number) {
    this.#cluster = cluster;
    this.#exactLog = cluster.exactLog;
    this.#updatedMs = nowMs;
  }

  /** Of its last answers, for people. */
  get averageMs(): number {
    return Math.exp(this.#exactLog);
  }

  /** An answer of this endpoint, from its try's start to its head; `nowMs` is monotonic. */
  observe(latencyMs: number, nowMs: number): void {
    const cluster = this.#cluster;
    const exact = Math.log(Math.max(leastMs, latencyMs));
    const log = Math.max(logQuick, exact);
    const before = this.#faded(nowMs);
    const weight = weightAfter(nowMs - this.#updatedMs, ofEndpoint);
    this.#updatedMs = nowMs;
    const beside = cluster.isKnown ? cluster.log : log;
    this.#slower = before + weight * (log - beside - before);
    this.#factor = Math.exp(this.#slower);
    this.#exactLog += weight * (exact - this.#exactLog);
    cluster.observe(log, exact, nowMs);
  }

  /**
   * What one more request would cost here, for comparing within the cluster. With nothing under way the memory of slow answers
   * fades: nobody would otherwise go and see whether the endpoint is still slow.
   */
  cost(active: number, nowMs: number): number {
    if (active > 0) return this.#factor * (active + 1);
    return nowMs - this.#updatedMs <= keptMs ? this.#factor : Math.exp(this.#faded(nowMs));
  }

  #faded(nowMs: number): number {
    const fadingMs = nowMs - this.#updatedMs - keptMs;
    return fadingMs <= 0 ? this.#slower : this.#slower * Math.exp(-fadingMs / fadeMs);
  }
}

function weightAfter(ms: number, memory: Memory): number {
  return ms <= 0 ? 0 : Math.min(memory.mostWeight, 1 - Math.exp(-ms / memory.ms));
}
