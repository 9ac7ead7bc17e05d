import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../time/index.ts';
import { type PeerAddress, peerOf } from './peer-address.ts';

/** How handshakes are let in. */
export interface HandshakeGateOptions {
  /** Handshakes that are made at once. */
  readonly atOnce: number;
  /** A connection waits for its turn at most this long. Less than whoever connects waits for a handshake. */
  readonly longestWaitMs: number;
  readonly clock: Clock;
  /** A connection was closed before its handshake began, because its turn would have come too late. */
  readonly crowded: (address: string) => void;
}

interface Waiting {
  readonly socket: Socket;
  readonly address: string;
  readonly begin: () => void;
  readonly sinceMs: number;
}

/** Until something has been measured. */
const assumedPerSecond = 100;
/** A starved process makes fewer, and its queue must be the shorter; but some may always wait. */
const leastPerSecond = 20;
/** How far back turns are counted for their rate, and how long somebody must have waited until it says what can be done. */
const rateMs = 2_000;
const busyMs = 1_000;
/** A peer that is silent for so long costs nothing meanwhile, and keeps nobody else waiting. */
const turnMs = 1_000;

/**
 * A handshake costs a signature and a verification, and one that its client has given up on costs as much as any other. Where all
 * proxies of a mesh come at once, to do all of them at the same time means that none is done in time and all come again. So only
 * a few are made at once, in the order in which they came, addresses in turn. The others wait, which costs little, and who
 * cannot be served within its patience is closed at once and comes again after its back-off.
 */
export class HandshakeGate {
  readonly #options: HandshakeGateOptions;
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting[]>();
  #waits = 0;
  /** Those that are being made, by their peer, and how each gives its turn back. */
  readonly #under = new Map<string, Cancel>();
  /** Since when somebody has been waiting. */
  #busySinceMs = 0;
  /** When the last turns were over, the oldest first. */
  readonly #overAtMs: number[] = [];

  constructor(options: HandshakeGateOptions) {
    this.#options = options;
  }

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.#waits;
  }

  /** Calls `begin` when it is this connection's turn: now, later, or never, and then the connection is closed. */
  enter(socket: Socket, begin: () => void): void {
    const { atOnce, clock, crowded } = this.#options;
    const address = socket.remoteAddress ?? '';
    const waiting: Waiting = { socket, address, begin, sinceMs: clock.monotonic() };
    if (this.#under.size < atOnce && this.#waits === 0) {
      this.#begin(waiting);
      return;
    }
    const own = this.#waiting.get(address);
    if (!this.#makeRoom(own?.length ?? 0)) {
      crowded(address);
      socket.destroy();
      return;
    }
    socket.on('error', () => {});
    if (own) own.push(waiting);
    else this.#waiting.set(address, [waiting]);
    if (this.#waits++ === 0) this.#busySinceMs = waiting.sinceMs;
  }

  /** The handshake has succeeded or failed. `socket` may be the one of TLS above it. */
  over(socket: PeerAddress): void {
    const giveBack = this.#under.get(peerOf(socket));
    if (!giveBack) return;
    giveBack();
  }

  /** Where no more can be served in time, somebody of the address that has most leaves, be it the one that asks. */
  #makeRoom(own: number): boolean {
    if (this.#waits < (this.#perSecond() * this.#options.longestWaitMs) / 1000) return true;
    let largest: Waiting[] = [];
    for (const each of this.#waiting.values()) if (each.length > largest.length) largest = each;
    if (largest.length <= own + 1) return false;
    const { socket, address } = largest.pop()!;
    this.#waits--;
    this.#options.crowded(address);
    socket.destroy();
    return true;
  }

  #begin({ socket, begin }: Waiting): void {
    const peer = peerOf(socket);
    const giveBack = (): void => {
      cancel();
      this.#under.delete(peer);
      this.#overAtMs.push(this.#options.clock.monotonic());
      if (this.#overAtMs.length > 8_192) this.#overAtMs.splice(0, 4_096);
      this.#next();
    };
    const cancel = this.#options.clock.after(turnMs, giveBack);
    this.#under.set(peer, giveBack);
    begin();
  }

  #next(): void {
    const { atOnce, clock, crowded, longestWaitMs } = this.#options;
    while (this.#under.size < atOnce && this.#waits > 0) {
      const [address, own] = this.#waiting.entries().next().value!;
      this.#waiting.delete(address);
      const waiting = own.shift()!;
      // Behind the others, so that an address with many does not go before those with few.
      if (own.length > 0) this.#waiting.set(address, own);
      this.#waits--;
      if (hasLeft(waiting.socket)) {
        waiting.socket.destroy();
        continue;
      }
      if (clock.monotonic() - waiting.sinceMs <= longestWaitMs) this.#begin(waiting);
      else {
        crowded(address);
        waiting.socket.destroy();
      }
    }
  }

  /** Turns a second just now: of a process that had nothing else to wait for, no more than it was asked for. */
  #perSecond(): number {
    const nowMs = this.#options.clock.monotonic();
    const busyForMs = this.#waits === 0 ? 0 : nowMs - this.#busySinceMs;
    const isBusy = busyForMs >= busyMs;
    const spanMs = isBusy ? Math.min(busyForMs, rateMs) : rateMs;
    let from = this.#overAtMs.length;
    while (from > 0 && this.#overAtMs[from - 1]! > nowMs - spanMs) from--;
    const perSecond = ((this.#overAtMs.length - from) * 1000) / spanMs;
    return Math.max(isBusy ? leastPerSecond : assumedPerSecond, perSecond);
  }
}

/**
 * Its peer has given up, or found another replica: a handshake would be for nobody. Node reads ahead what a connection brings
 * before anybody asks for it, the ClientHello and then the end, but tells of the end only after the rest was taken.
 */
function hasLeft(socket: Socket): boolean {
  const { _readableState } = socket as unknown as { readonly _readableState?: { readonly ended: boolean } };
  return socket.destroyed || _readableState?.ended === true;
}
