import type { Cancel, Clock } from '../time/index.ts';

/**
 * Bytes, of what can run out: anonymous memory of the process and what the kernel keeps for it, which the kernel kills for, and
 * V8's heap, which V8 ends the process for.
 */
export interface MemoryUse {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** What the governor asks of the machine. */
export interface MemoryMachine {
  /** What may be used; Infinity where nothing limits it. */
  readonly limits: MemoryUse;
  /** What of the limit for resident memory is left for collections, which take memory while they free it; 0 unless told. */
  readonly reserveBytes?: number;
  /** What is used now, garbage included. Cheap. */
  use(): MemoryUse;
  /**
   * Collects the garbage and gives what is free back to the kernel, so that `use` then tells what is needed. Takes milliseconds
   * to seconds.
   */
  collect(): void;
}

/** `slow`: nothing new is accepted and idle connections close. `refuse`: new requests are refused as well. */
export type MemoryStage = 'none' | 'slow' | 'refuse';

/** What to do about it. */
export interface Relief {
  readonly stage: MemoryStage;
  /** How many new connections may be accepted until the next word. */
  readonly room: number;
  /**
   * Whether work that is stuck is given up: what has not moved since the last word that said so. Said after collections only,
   * which are a second apart or more.
   */
  readonly hard: boolean;
}

/** What the governor tells. */
export interface Governed {
  /**
   * At every change, and while there is a stage after every collection and at every look that lets a few connections be accepted.
   */
  relieve(relief: Relief): void;
  /**
   * Until the next word of `relieve`: nothing is accepted, writers wait early, and with `crowded` what has only begun to arrive
   * is given up. Called in the middle of anything, so it must close nothing itself.
   */
  crowd?(crowded: boolean): void;
  /** A stage begins, or `none`. */
  staged?(stage: MemoryStage): void;
}

/**
 * Shares of the room between what the process needs when it does nothing and its limit; so a small limit does not mean pressure
 * for ever. A stage begins at `from`, after a collection, and ends below `until`. Above `hard` nothing is accepted for as long as
 * it lasts.
 */
export const LEVELS = {
  slow: { from: 0.6, until: 0.5 },
  refuse: { from: 0.75, until: 0.62 },
  hard: 0.9,
} as const;

const lookEveryMs = 100;
/** Between collections: at least this long, and so long that they take a tenth of the time at most. */
const collectEveryMs = 1_000;
const collectPause = 10;
/**
 * Nothing is accepted for this long at most, unless memory is above `hard`. What then comes may cost a tenth of the room before
 * it ends again.
 */
const pausedMs = 10_000;
const windowShare = 0.1;
/**
 * So many connections may come between one look and the next while there is a stage, and twice as many at each look once it is
 * over.
 */
const fewConnections = 16;
const manyConnections = 4_096;
/** A stage that lasts for so long ends for what is stuck. */
const patienceMs = 5_000;
/** Even a process that needs nearly all of its limit when it does nothing must be let work. */
const largestFloor = 0.95;

/**
 * Decides how short of memory a process is. Resident memory stays large after a peak and the heap is full of garbage; so what
 * counts is what is left after a collection, and a look without one only says when to make one, or that all is well again.
 * Without pressure it costs a look ten times in a second and no collection.
 */
export class MemoryGovernor {
  readonly #clock: Clock;
  readonly #machine: MemoryMachine;
  readonly #governed: Governed;
  #stage: MemoryStage = 'none';
  #room = Number.POSITIVE_INFINITY;
  #stagedAtMs = 0;
  #floor: MemoryUse;
  #collectAtMs = 0;
  #pausedAtMs = 0;
  /** While there is a stage and connections are accepted all the same: from which share on no longer. */
  #windowEnds = 0;
  /** How often each stage has begun. */
  readonly begun: Record<Exclude<MemoryStage, 'none'>, number> = { slow: 0, refuse: 0 };
  collections = 0;
  /** The most resident bytes that a look has found. */
  peakBytes = 0;

  constructor(clock: Clock, machine: MemoryMachine, governed: Governed) {
    this.#clock = clock;
    this.#machine = machine;
    this.#governed = governed;
    this.#floor = machine.use();
  }

  get stage(): MemoryStage {
    return this.#stage;
  }

  get accepting(): boolean {
    return this.#room > 0;
  }

  /** Whether connections may have to wait: while there is a stage, and for a moment after it. */
  get restrained(): boolean {
    return this.#room !== Number.POSITIVE_INFINITY;
  }

  /** The limit that is nearest, and what is used of it, bytes. */
  get nearest(): { limitBytes: number; usedBytes: number } {
    const { limits } = this.#machine;
    const { residentBytes, heapBytes } = this.#machine.use();
    return residentBytes / limits.residentBytes >= heapBytes / limits.heapBytes
      ? { limitBytes: limits.residentBytes, usedBytes: residentBytes }
      : { limitBytes: limits.heapBytes, usedBytes: heapBytes };
  }

  start(): Cancel {
    return this.#clock.every(lookEveryMs, () => this.look());
  }

  /** One look; a collection where that is needed to know. */
  look(): void {
    const share = this.#look();
    const calm = this.#stage === 'none';
    if (calm && this.#room === Number.POSITIVE_INFINITY && share < LEVELS.slow.from) return;
    const nowMs = this.#clock.monotonic();
    if (share < (calm ? LEVELS.slow.from : this.#until)) this.#settle(share, nowMs, false);
    else if (nowMs >= this.#collectAtMs) this.#collect(nowMs);
    // Too soon to know: to wait with new connections does no harm.
    else if (share >= (calm ? LEVELS.refuse.from : this.#windowEnds))
      this.#change(this.#stage, 0, nowMs, false);
    else if (this.accepting) this.#tell(false);
  }

  get #until(): number {
    return this.#stage === 'refuse' ? LEVELS.refuse.until : LEVELS.slow.until;
  }

  /**
   * What connections hold has grown much since the last look, within one turn of the event loop. Judges by what it sees, until
   * the next look.
   */
  grown(): void {
    const share = this.#look();
    if (share < LEVELS.refuse.from) return;
    if (this.#room > 0) this.#pausedAtMs = this.#clock.monotonic();
    this.#room = 0;
    this.#governed.crowd?.(share >= LEVELS.hard);
  }

  #collect(startMs: number): void {
    this.#machine.collect();
    this.collections++;
    const nowMs = this.#clock.monotonic();
    this.#collectAtMs = nowMs + Math.max(collectEveryMs, (nowMs - startMs) * collectPause);
    this.#settle(this.#look(), nowMs, true);
  }

  /** Decides by what is needed. */
  #settle(share: number, nowMs: number, collected: boolean): void {
    const stage = stageOf(share, this.#stage);
    this.#change(stage, this.#roomFor(stage, share, nowMs), nowMs, collected);
  }

  #roomFor(stage: MemoryStage, share: number, nowMs: number): number {
    if (stage === 'none') {
      // What has waited comes all at once: it must not be what brings the stage back.
      const twice = Math.max(fewConnections, this.#room * 2);
      return twice > manyConnections ? Number.POSITIVE_INFINITY : twice;
    }
    if (this.#stage === 'none' || share >= LEVELS.hard) return 0;
    if (this.#room > 0) return share < this.#windowEnds ? fewConnections : 0;
    if (nowMs - this.#pausedAtMs < pausedMs) return 0;
    this.#windowEnds = Math.min(share + windowShare, LEVELS.hard);
    return fewConnections;
  }

  #change(stage: MemoryStage, room: number, nowMs: number, collected: boolean): void {
    const before = this.#stage;
    if (room === 0 && this.#room > 0) this.#pausedAtMs = nowMs;
    const changed = stage !== before || room !== this.#room;
    this.#stage = stage;
    this.#room = room;
    if (before === 'none') this.#stagedAtMs = nowMs;
    if (stage !== before) {
      if (stage !== 'none') this.begun[stage]++;
      this.#governed.staged?.(stage);
    }
    const patient = stage === 'slow' && nowMs - this.#stagedAtMs < patienceMs;
    if (changed || stage !== 'none') this.#tell(collected && stage !== 'none' && !patient);
  }

  #tell(hard: boolean): void {
    this.#governed.relieve({ stage: this.#stage, room: this.#room, hard });
  }

  /** The share of the room that is used: of the two the one that is nearer to its end. */
  #look(): number {
    const { limits, reserveBytes = 0 } = this.#machine;
    const { residentBytes, heapBytes } = this.#machine.use();
    this.peakBytes = Math.max(this.peakBytes, residentBytes);
    this.#floor = {
      residentBytes: Math.min(this.#floor.residentBytes, residentBytes),
      heapBytes: Math.min(this.#floor.heapBytes, heapBytes),
    };
    return Math.max(
      shareOf(residentBytes, this.#floor.residentBytes, limits.residentBytes - reserveBytes),
      shareOf(heapBytes, this.#floor.heapBytes, limits.heapBytes),
    );
  }
}

function shareOf(used: number, idle: number, limit: number): number {
  if (limit === Number.POSITIVE_INFINITY) return 0;
  const floor = Math.min(idle, limit * largestFloor);
  return (used - floor) / (limit - floor);
}

function stageOf(share: number, before: MemoryStage): MemoryStage {
  const { slow, refuse } = LEVELS;
  if (share >= (before === 'refuse' ? refuse.until : refuse.from)) return 'refuse';
  return share >= (before === 'none' ? slow.from : slow.until) ? 'slow' : 'none';
}
