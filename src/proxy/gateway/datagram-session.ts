// One client of a port of UDP: its datagrams go to one endpoint by a socket of its own, and what comes back goes to it.
import { createSocket, type Socket } from 'node:dgram';
import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { guarded } from '../../errors/index.ts';
import { isIpv6 } from '../../model/index.ts';
import type { DatagramCounts } from './datagram-counts.ts';

/**
 * A client that has said nothing since it was first answered may be somebody else's address: it is sent no more than this, so
 * that nobody can have others flooded by way of the gateway. One more datagram of its own shows that it hears the answers.
 */
export const UNPROVEN_BYTES = 65_536;

/** What sessions tell their port. */
export interface DatagramSessionOwner {
  readonly counts: DatagramCounts;
  monotonic(): number;
  /** To the client. */
  answer(session: DatagramSession, message: Buffer): void;
  /** Its endpoint does not take datagrams; the next one of its client begins anew. */
  onBroken(session: DatagramSession): void;
}

/** Built connected to nothing; `forward` begins. */
export class DatagramSession {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly endpoint: RunningEndpoint;
  /** The socket of the port that the client called: answers leave by it. */
  readonly client: Socket;
  /** Monotonic: when its port last put it behind all others. */
  movedMs: number;
  /** Monotonic: of the last datagram in either direction. */
  usedMs: number;
  /** Whether the client has spoken since it was answered: it is where it says. */
  proven = false;
  readonly #owner: DatagramSessionOwner;
  readonly #cluster: RunningCluster;
  readonly #socket: Socket;
  /** Until the socket is connected. */
  #waiting: Buffer[] | undefined = [];
  #answered = 0;
  #closed = false;

  constructor(
    owner: DatagramSessionOwner,
    client: Socket,
    from: { readonly address: string; readonly port: number; readonly key: string },
    cluster: RunningCluster,
    endpoint: RunningEndpoint,
  ) {
    this.#owner = owner;
    this.client = client;
    this.key = from.key;
    this.address = from.address;
    this.port = from.port;
    this.endpoint = endpoint;
    this.usedMs = owner.monotonic();
    this.movedMs = this.usedMs;
    this.#cluster = cluster;
    const { address, port } = endpoint.config;
    const socket = createSocket(isIpv6(address) ? 'udp6' : 'udp4');
    this.#socket = socket;
    const safely = <A extends readonly unknown[]>(run: (...given: A) => void): ((...given: A) => void) =>
      guarded('datagrams', run, () => owner.onBroken(this));
    socket.on(
      'message',
      safely((message: Buffer) => this.#onAnswer(message)),
    );
    socket.on(
      'error',
      safely(() => this.#broke()),
    );
    socket.on(
      'connect',
      safely(() => {
        const waiting = this.#waiting ?? [];
        this.#waiting = undefined;
        for (const each of waiting) this.#send(each);
      }),
    );
    // Nothing else than its address may answer: the kernel drops what others send.
    socket.connect(port, address);
    // Who waits for the process to end does not wait for datagrams.
    socket.unref();
  }

  /** Of the client. */
  forward(message: Buffer): void {
    if (this.#closed) return;
    this.usedMs = this.#owner.monotonic();
    if (this.#answered > 0) this.proven = true;
    if (this.#waiting === undefined) this.#send(message);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(message);
    else this.#owner.counts.drop('not-connected');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = undefined;
    this.#socket.close();
  }

  #send(message: Buffer): void {
    this.#socket.send(message, this.#onSent);
  }

  readonly #onSent = guarded('datagrams', (error: Error | null): void => {
    if (error === null || this.#closed) return;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') this.#broke();
    else this.#owner.counts.drop(code === 'EMSGSIZE' ? 'too-large' : 'send');
  });

  #onAnswer(message: Buffer): void {
    if (this.#closed) return;
    this.usedMs = this.#owner.monotonic();
    if (this.#answered === 0) this.#cluster.record(this.endpoint, 'success');
    this.#answered += message.length;
    if (!this.proven && this.#answered > UNPROVEN_BYTES) this.#owner.counts.drop('unproven-client');
    else this.#owner.answer(this, message);
  }

  /** Nobody listens there, as its machine says. */
  #broke(): void {
    if (this.#closed) return;
    this.#cluster.record(this.endpoint, 'connect-failure');
    this.#owner.onBroken(this);
  }
}

/** Datagrams kept while a socket is being connected, which is done in the next turn. */
const maxWaiting = 16;
