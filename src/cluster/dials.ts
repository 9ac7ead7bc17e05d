import { type Flag, INTERNAL_ERROR, internalError } from '../errors/index.ts';
import type { ClientCodec } from '../http/index.ts';
import { IntrusiveSet, NO_SEAT } from '../sets/index.ts';
import type { Wire } from '../wire/index.ts';
import type { Carriage } from './carriage.ts';
import type { Occupancy, Place } from './occupancy.ts';

/** Opens connections to one endpoint. */
export interface UpstreamDialer {
  /**
   * Whether its connections carry many streams at once: `maybe` where that is for the endpoint to say when a connection is
   * opened. Then nobody opens a second one before the first has shown it.
   */
  readonly multiplexes: 'never' | 'maybe' | 'always';
  /** What requests are carried in now; only where `multiplexes` is not `never`. */
  readonly carriage: Carriage;
  /**
   * Opens one; exactly one of the callbacks is called, unless it is cancelled. `exclusive`: of one stream at a time, unless the
   * endpoint has no such.
   */
  open(
    exclusive: boolean,
    onOpen: (wire: Wire, codec: ClientCodec<Wire>) => void,
    onError: (flag: Flag, detail: string) => void,
  ): { cancel(): void };
}

/** Hears how dials end. */
export interface DialsOwner {
  /** The place is the connection's; to be given back when it is gone. */
  onOpened(wire: Wire, codec: ClientCodec<Wire>, place: Place): void;
  /** `before`: how many dials had begun before this one. */
  onDialFailed(before: number, flag: Flag, detail: string): void;
}

/**
 * How many connections are opened at once. Each that opens allows one more, so that many requests to a peer that is far away are
 * not held up; each that fails halves it. A peer that has no CPU to spare is thus not buried in handshakes, of which none would
 * end in time.
 */
const mostDials = 64;
const firstDials = 16;

interface UnderWay {
  seat: number;
  dial: { cancel(): void } | undefined;
  readonly place: Place;
}

/** The connections to an endpoint that are being opened. Each has its place in the occupancy from the beginning. */
export class Dials {
  /** How many have begun. */
  begun = 0;
  readonly #dialer: UpstreamDialer;
  readonly #exclusive: boolean;
  readonly #occupancy: Occupancy;
  readonly #owner: DialsOwner;
  readonly #underWay = new IntrusiveSet<'seat', UnderWay>('seat');
  #max = firstDials;

  constructor(dialer: UpstreamDialer, exclusive: boolean, occupancy: Occupancy, owner: DialsOwner) {
    this.#dialer = dialer;
    this.#exclusive = exclusive;
    this.#occupancy = occupancy;
    this.#owner = owner;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Whether one more may begin. At the connection limit an idle connection, to whichever endpoint, makes room. */
  mayBegin(): boolean {
    return this.#underWay.size < this.#max && this.#occupancy.mayOpen();
  }

  /** The same of one that nobody waits for: it takes no other's place. */
  mayWarm(): boolean {
    const { connections, limits } = this.#occupancy;
    return this.#underWay.size === 0 && connections < limits.maxConnections;
  }

  begin(): void {
    const place = this.#occupancy.take();
    const before = this.begun++;
    let settled = false;
    const underWay: UnderWay = { seat: NO_SEAT, dial: undefined, place };
    const opened = (wire: Wire, codec: ClientCodec<Wire>): void => {
      if (settled) {
        wire.destroy();
        return;
      }
      settled = true;
      this.#underWay.delete(underWay);
      this.#max = Math.min(mostDials, this.#max + 1);
      try {
        this.#owner.onOpened(wire, codec, place);
      } catch (thrown) {
        internalError('pool.dial', thrown);
        wire.destroy();
        place.release();
        this.#owner.onDialFailed(before, 'UF', INTERNAL_ERROR);
      }
    };
    const failed = (flag: Flag, detail: string): void => {
      if (settled) return;
      settled = true;
      this.#underWay.delete(underWay);
      place.release();
      this.#occupancy.connectFailures++;
      this.#max = Math.max(1, this.#max >> 1);
      this.#owner.onDialFailed(before, flag, detail);
    };
    try {
      underWay.dial = this.#dialer.open(this.#exclusive, opened, failed);
      if (!settled) this.#underWay.add(underWay);
    } catch (thrown) {
      internalError('pool.dial', thrown);
      failed('UF', INTERNAL_ERROR);
    }
  }

  cancelAll(): void {
    for (const { dial, place } of this.#underWay) {
      dial?.cancel();
      place.release();
    }
    this.#underWay.clear();
  }
}
