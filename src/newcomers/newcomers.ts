import type { Server, Socket } from 'node:net';
import { guarded } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import { type PeerAddress, peerOf } from './peer-address.ts';

/** How many connections may be open whose peer has not proven anything. */
export interface NewcomerLimits {
  readonly total: number;
  /** From one address; a network may hide a whole node behind one. */
  readonly perAddress: number;
  /** From being accepted to having proven something; undefined where connections may stay. */
  readonly withinMs?: number;
}

/** Why a connection was closed. */
export type Crowding = 'too-many-connections' | 'too-many-from-address' | 'newcomer-too-slow';

export interface NewcomersOptions {
  readonly limits: NewcomerLimits;
  readonly clock: Clock;
  /** A connection was closed for the sake of the others; `address` without a port. */
  readonly closed: (why: Crowding, address: string) => void;
}

interface Newcomer {
  readonly socket: Socket;
  readonly address: string;
  readonly peer: string;
  readonly sinceMs: number;
  readonly cancel: Cancel;
}

/**
 * Younger ones are in the middle of their handshake on a machine that has much to do: they are not closed for their own likes.
 */
const graceMs = 2_000;

/**
 * Connections whose peer nobody knows yet. Each costs memory, so there is a bound on all and on those of one address. At the
 * bound of an address its oldest makes room; at the bound of all, the oldest of the address that has most. Who is in earnest
 * needs milliseconds to prove who it is and then counts no longer, while who opens connections to hold them loses its own: a
 * flood locks nobody out.
 */
export class Newcomers {
  readonly #options: NewcomersOptions;
  /** Those of an address in the order in which they came. */
  readonly #byAddress = new Map<string, Set<Newcomer>>();
  readonly #byPeer = new Map<string, Newcomer>();

  constructor(options: NewcomersOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#byPeer.size;
  }

  /**
   * Counts every connection that the server accepts, before anything is read from it or TLS begins. To be called when the server
   * has its own listeners, those of TLS and HTTP, and no others. `gate`: lets them begin one after the other.
   */
  guard(server: Server, gate?: HandshakeGate): void {
    const inner = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    server.removeAllListeners('connection');
    const begin = guarded('newcomers.begin', (socket: Socket) => {
      for (const listener of inner) listener.call(server, socket);
    });
    const accept = guarded('newcomers.accept', (socket: Socket) => {
      if (!gate) {
        if (this.admit(socket)) begin(socket);
        return;
      }
      // What waits for its turn holds nothing but a socket, and the gate has bounds of its own.
      gate.enter(socket, () => {
        if (this.admit(socket)) begin(socket);
        else gate.over(socket);
      });
    });
    server.on('connection', accept);
  }

  /** Takes a connection that was accepted just now; another may be closed for it. False when this one was closed instead. */
  admit(socket: Socket): boolean {
    const { limits, clock } = this.#options;
    const { remoteAddress: address } = socket;
    if (address === undefined) {
      socket.destroy();
      return false;
    }
    if (!this.#makeRoom(address)) {
      socket.destroy();
      return false;
    }
    const { withinMs } = limits;
    const tooSlow = (): void => this.#close(newcomer, 'newcomer-too-slow');
    const newcomer: Newcomer = {
      socket,
      address,
      peer: peerOf(socket),
      sinceMs: clock.monotonic(),
      cancel: withinMs === undefined ? () => {} : clock.after(withinMs, tooSlow),
    };
    const own = this.#byAddress.get(address);
    if (own) own.add(newcomer);
    else this.#byAddress.set(address, new Set([newcomer]));
    this.#byPeer.set(newcomer.peer, newcomer);
    const forget = guarded('newcomers.close', () => this.#forget(newcomer));
    socket.once('close', forget);
    return true;
  }

  /** Its peer has proven who it is, or the connection has ended: it counts no longer. `socket` may be the one of TLS above it. */
  leave(socket: PeerAddress): void {
    const newcomer = this.#byPeer.get(peerOf(socket));
    if (newcomer) this.#forget(newcomer);
  }

  #makeRoom(address: string): boolean {
    const { limits, clock, closed } = this.#options;
    const own = this.#byAddress.get(address);
    const largest = this.size < limits.total ? undefined : this.#largest();
    const isOwn = own !== undefined && (own.size >= limits.perAddress || largest === own);
    const crowd = isOwn ? own : largest;
    if (!crowd) return true;
    const why = isOwn && own.size >= limits.perAddress ? 'too-many-from-address' : 'too-many-connections';
    const oldest: Newcomer = crowd.values().next().value!;
    if (isOwn && clock.monotonic() - oldest.sinceMs < graceMs) {
      closed(why, address);
      return false;
    }
    this.#close(oldest, why);
    return true;
  }

  #largest(): Set<Newcomer> | undefined {
    let largest: Set<Newcomer> | undefined;
    for (const each of this.#byAddress.values()) if (each.size > (largest?.size ?? 0)) largest = each;
    return largest;
  }

  #close(newcomer: Newcomer, why: Crowding): void {
    this.#forget(newcomer);
    newcomer.socket.destroy();
    this.#options.closed(why, newcomer.address);
  }

  #forget(newcomer: Newcomer): void {
    newcomer.cancel();
    const own = this.#byAddress.get(newcomer.address);
    if (!own?.delete(newcomer)) return;
    if (own.size === 0) this.#byAddress.delete(newcomer.address);
    this.#byPeer.delete(newcomer.peer);
  }
}
