// A port of UDP: datagrams of a client, by its address and port, go to one endpoint as long as it says something now and then.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { errorMessage, guarded } from '../../errors/index.ts';
import { type BoundListener, isIpv6 } from '../../model/index.ts';
import type { Destinations } from '../destinations/destinations.ts';
import type { Services } from '../services/services.ts';
import { DatagramCounts, DatagramReport } from './datagram-counts.ts';
import { DatagramSession, type DatagramSessionOwner } from './datagram-session.ts';

/** A session that nothing was said in for so long is over, unless the listener says otherwise. */
const IDLE_MS = 60_000;
const sweepMs = 1_000;
/** Sessions at once, in each core, unless the listener says otherwise: each is a socket. */
export const MAX_DATAGRAM_SESSIONS = 4_096;
/** The kernel keeps so much while this process does other things; what is beyond it drops. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** Where it is opened. */
export interface DatagramPlace {
  readonly hosts: readonly string[];
  /** 0: any. */
  readonly port: number;
  /** Other cores listen there, too; the kernel keeps each client with one of them. */
  readonly shared: boolean;
}

/** Clients are answered at the address that they came from: nothing is to be looked up, and nothing waits for a turn. */
function asItStands(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address, isIpv6(address) ? 6 : 4);
}

/** One port; `open` begins. */
export class DatagramPort implements DatagramSessionOwner {
  readonly counts = new DatagramCounts();
  readonly #report = new DatagramReport();
  readonly #services: Services;
  readonly #destinations: Destinations;
  readonly #place: DatagramPlace;
  /** Those that are bound, by host. */
  readonly #sockets = new Map<string, Socket>();
  /** About the least recently used first. */
  readonly #sessions = new Map<string, DatagramSession>();
  /** Of them, whose clients have not shown yet that they hear the answers; the oldest first. */
  readonly #unproven = new Map<string, DatagramSession>();
  #bound: BoundListener;
  #boundPort = 0;
  #stopSweeping: () => void = () => {};
  #closed = false;
  /** Why it is not listened on; undefined where it is. */
  trouble: string | undefined;
  /** Takes no new clients while memory is short. */
  paused = false;

  constructor(services: Services, destinations: Destinations, bound: BoundListener, place: DatagramPlace) {
    this.#services = services;
    this.#destinations = destinations;
    this.#bound = bound;
    this.#place = place;
  }

  get bound(): BoundListener {
    return this.#bound;
  }
  /** 0 as long as nothing is listened on. */
  get port(): number {
    return this.#boundPort;
  }
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Another version of the same listener; sessions stay. */
  configure(bound: BoundListener): void {
    this.#bound = bound;
  }

  open(): void {
    if (this.#closed) return;
    this.#stopSweeping();
    this.#stopSweeping = this.#services.clock.every(
      sweepMs,
      guarded('gateway.datagrams', () => this.#sweep()),
    );
    this.#bind(this.#place.hosts, this.#place.port);
  }

  /** Again, where it could not be opened. */
  tryAgain(): void {
    if (this.trouble === undefined || this.#closed) return;
    const missing = this.#place.hosts.filter(each => !this.#sockets.has(each));
    this.#bind(missing, this.#boundPort || this.#place.port);
  }

  /** One after the other, so that all have the port that the first was given; one that cannot be keeps no other from it. */
  #bind(hosts: readonly string[], port: number): void {
    const [host, ...others] = hosts;
    if (host === undefined || this.#closed) {
      if (this.#sockets.size === this.#place.hosts.length) this.trouble = undefined;
      return;
    }
    const { shared } = this.#place;
    const socket = createSocket({
      type: isIpv6(host) ? 'udp6' : 'udp4',
      ...(isIpv6(host) && { ipv6Only: true }),
      ...(shared && { reusePort: true }),
      recvBufferSize: receiveBufferBytes,
      lookup: asItStands,
    });
    socket.on(
      'message',
      guarded('datagrams', (message: Buffer, from: RemoteInfo) => this.#onMessage(socket, message, from)),
    );
    const failed = (error: Error): void => {
      const before = this.trouble;
      this.trouble = errorMessage(error);
      const wasOpen = this.#sockets.get(host) === socket;
      if (wasOpen) this.#sockets.delete(host);
      socket.close();
      if (before !== this.trouble && !this.#closed)
        this.#services.log.error(
          { port: this.#bound.port },
          `a UDP port of the gateway is not listened on at ${host}: ${this.trouble}; the others are`,
        );
      if (!wasOpen) this.#bind(others, this.#boundPort || port);
    };
    socket.once('error', guarded('datagrams', failed));
    const opened = (): void => {
      if (this.#closed) {
        socket.close();
        return;
      }
      this.#sockets.set(host, socket);
      this.#boundPort = socket.address().port;
      this.#services.log.info(
        { port: this.#boundPort, listeners: [this.#bound.name] },
        'listening for datagrams',
      );
      this.#bind(others, this.#boundPort);
    };
    // Node takes it modulo 65536.
    if (port > 65_535) failed(new Error(`there is no port ${port}`));
    else socket.bind({ address: host, port }, guarded('datagrams', opened));
  }

  /** Ends all sessions, and listens no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopSweeping();
    for (const each of [...this.#sessions.values()]) this.#end(each);
    for (const each of this.#sockets.values()) each.close();
    this.tell();
  }

  /** Puts what was counted where metrics are made of it. */
  tell(): void {
    this.#report.add(this.counts, this.#bound.name, this.#services.counters);
  }

  monotonic(): number {
    return this.#services.clock.monotonic();
  }

  answer(session: DatagramSession, message: Buffer): void {
    this.counts.sent++;
    this.counts.sentBytes += message.length;
    session.client.send(message, session.port, session.address, this.#onSent);
  }

  readonly #onSent = guarded('datagrams', (error: Error | null): void => {
    if (error !== null && !this.#closed) this.counts.drop('send');
  });

  onBroken(session: DatagramSession): void {
    this.#end(session);
  }

  #onMessage(socket: Socket, message: Buffer, { address, port }: RemoteInfo): void {
    this.counts.received++;
    this.counts.receivedBytes += message.length;
    const key = `${address} ${port}`;
    let session = this.#sessions.get(key);
    // Its endpoint is gone, or takes nothing new: the next one goes on.
    if (session !== undefined && isLeft(session)) {
      this.#end(session);
      session = undefined;
    }
    session ??= this.#begin(socket, key, address, port);
    if (session === undefined) return;
    const wasProven = session.proven;
    session.forward(message);
    if (session.proven && !wasProven) this.#unproven.delete(key);
    // Not with each datagram: a Map that is changed all the time is made anew all the time.
    if (session.usedMs - session.movedMs < sweepMs) return;
    session.movedMs = session.usedMs;
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }

  #begin(socket: Socket, key: string, address: string, port: number): DatagramSession | undefined {
    const { destination } = this.#bound;
    const running = destination === undefined ? undefined : this.#destinations.ready(destination);
    const cluster = running?.tcp.pick();
    const endpoint = cluster?.pick([], this.monotonic());
    if (cluster === undefined || endpoint === undefined) {
      this.counts.drop('no-endpoint');
      return undefined;
    }
    if (this.paused) {
      this.counts.drop('memory');
      return undefined;
    }
    if (this.#sessions.size >= this.#maxSessions && !this.#makeRoom()) {
      this.counts.drop('sessions');
      return undefined;
    }
    const session = new DatagramSession(this, socket, { key, address, port }, cluster, endpoint);
    this.#sessions.set(key, session);
    this.#unproven.set(key, session);
    this.counts.opened++;
    return session;
  }

  get #maxSessions(): number {
    return this.#bound.options?.maxConnections || MAX_DATAGRAM_SESSIONS;
  }

  /**
   * A flood of made-up addresses must not keep those out who talk: who has not shown yet that it hears the answers goes first,
   * and is found at once, however many have. False where all have.
   */
  #makeRoom(): boolean {
    const [first] = this.#unproven.values();
    if (first !== undefined) this.#end(first);
    return first !== undefined;
  }

  #sweep(): void {
    const before = this.monotonic() - (this.#bound.options?.idleTimeoutMs ?? IDLE_MS);
    for (const each of this.#sessions.values()) if (each.usedMs <= before) this.#end(each);
    this.tell();
  }

  #end(session: DatagramSession): void {
    if (this.#sessions.get(session.key) === session) {
      this.#sessions.delete(session.key);
      this.#unproven.delete(session.key);
    }
    this.counts.closed++;
    session.close();
  }
}

/** Gone, or ejected while others take its place. */
function isLeft({ endpoint }: DatagramSession): boolean {
  return endpoint.removed || (endpoint.health.ejected && endpoint.group === undefined);
}
