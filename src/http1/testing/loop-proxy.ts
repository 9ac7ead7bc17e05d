// The two connections of the codec linked back to back over real sockets: the smallest thing that proxies HTTP/1. It has
// no retries, no limits and no policy, so what goes wrong with it goes wrong in the codec. For tests only.
import {
  type ClientStream,
  type ClientStreamHandler,
  type Fields,
  type Head,
  type LocalReply,
  NO_FIELDS,
  type ServerStreamHandler,
  type StreamFailure,
  type UpstreamHost,
} from '../../http/index.ts';
import { type Clock, systemClock, TimerWheel } from '../../time/index.ts';
import { type Dialer, dial, Listener, type Wire } from '../../wire/index.ts';
import { isTunnel } from '../framing.ts';
import {
  ClientConnection,
  DEFAULT_LIMITS,
  type Fault,
  type Limits,
  ServerConnection,
  type ServerConnectionHost,
} from '../index.ts';
import { refusal } from './recording-server.ts';

/** How a loop proxy differs from the default. */
export interface LoopProxyOptions {
  readonly upstreamPort: number;
  readonly limits?: Limits;
  readonly clock?: Clock;
  readonly headTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly lingerMs?: number;
  /** Answers itself, with a status, in place of the upstream; undefined lets the request through. */
  readonly answer?: (head: Head) => { status: number; close?: boolean } | undefined;
}

/** A listening proxy to one upstream on loopback. */
export class LoopProxy implements UpstreamHost {
  readonly options: LoopProxyOptions;
  readonly timers: TimerWheel;
  /** Faults of requests that were refused. */
  readonly faults: string[] = [];
  /** Flags of clients that went away. */
  readonly aborts: string[] = [];
  /** How exchanges with the upstream failed. */
  readonly failures: StreamFailure[] = [];
  /** Exchanges that were answered in full. */
  completed = 0;
  /** Connections dialled. */
  dialled = 0;
  readonly downstream = new Set<ServerConnection>();
  readonly upstream = new Set<ClientConnection>();
  readonly #idle: ClientConnection[] = [];
  readonly #listener: Listener;
  #watchers: (() => void)[] = [];

  constructor(options: LoopProxyOptions) {
    this.options = options;
    this.timers = new TimerWheel(options.clock ?? systemClock);
    this.#listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire =>
      this.#accept(wire),
    );
  }

  get port(): number {
    return this.#listener.port;
  }

  get idleConnections(): number {
    return this.#idle.length;
  }

  /** Waits until `condition` holds; it is asked again whenever something happened. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#watchers.push(resolve));
  }

  /** For exchanges: something happened. */
  changed(): void {
    if (this.#watchers.length === 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }

  close(): void {
    this.#listener.close();
    this.destroyConnections();
  }

  /** Breaks off everything that is under way. */
  destroyConnections(): void {
    for (const connection of [...this.downstream]) connection.wire.destroy();
    for (const connection of [...this.upstream]) connection.wire.destroy();
  }

  #accept(wire: Wire): void {
    const connection = new ServerConnection(wire, {
      limits: this.options.limits ?? DEFAULT_LIMITS,
      timers: this.timers,
      headTimeoutMs: this.options.headTimeoutMs ?? 60_000,
      idleTimeoutMs: this.options.idleTimeoutMs ?? 3_600_000,
      lingerMs: this.options.lingerMs ?? 1000,
    });
    this.downstream.add(connection);
    connection.start(new Exchange(this, connection), undefined);
    this.changed();
  }

  /** For exchanges: a connection, now or later. */
  connect(use: (connection: ClientConnection | undefined, error: string) => void): void {
    for (let free = this.#idle.pop(); free !== undefined; free = this.#idle.pop()) {
      if (free.room === 0) continue;
      use(free, '');
      return;
    }
    const dialer: Dialer = {
      onConnect: wire => {
        const connection = new ClientConnection(
          wire,
          this.options.limits ?? DEFAULT_LIMITS,
          this.timers,
          this,
        );
        this.upstream.add(connection);
        use(connection, '');
      },
      onConnectError: error => use(undefined, error),
    };
    this.dialled++;
    dial('127.0.0.1', this.options.upstreamPort, '', dialer);
  }

  onDraining(): void {}

  onRoom(connection: ClientConnection): void {
    this.#idle.push(connection);
    this.changed();
  }

  onGone(connection: ClientConnection): void {
    this.upstream.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.changed();
  }
}

/** The exchanges of one client connection, one after the other. */
class Exchange implements ServerConnectionHost, ServerStreamHandler, ClientStreamHandler {
  readonly #proxy: LoopProxy;
  readonly #server: ServerConnection;
  #connection: ClientConnection | undefined;
  #stream: ClientStream | undefined;
  /** Counts exchanges, so that a dial that comes too late is noticed. */
  #turn = 0;
  #early: Buffer[] = [];
  #earlyEnd: { trailers: Fields | undefined } | undefined;
  #method = 0;
  #started = false;
  #tunnel = false;

  constructor(proxy: LoopProxy, server: ServerConnection) {
    this.#proxy = proxy;
    this.#server = server;
  }

  onRequest(head: Head, end: boolean): void {
    this.#proxy.changed();
    const answer = this.#proxy.options.answer?.(head);
    if (answer !== undefined) {
      const { status, close = false } = answer;
      this.#server.respondLocal({
        status,
        contentType: 'text/plain',
        body: 'weft\n',
        fields: NO_FIELDS,
        close,
      });
      return;
    }
    head.retain();
    this.#early = [];
    this.#earlyEnd = undefined;
    this.#method = head.method;
    this.#started = false;
    this.#tunnel = false;
    const turn = ++this.#turn;
    this.#proxy.connect((connection, error) => {
      if (turn !== this.#turn) connection?.wire.destroy();
      else if (connection === undefined) this.#fail(503, error);
      else this.#begin(connection, head, end);
    });
  }

  #begin(connection: ClientConnection, head: Head, end: boolean): void {
    this.#connection = connection;
    const stream = connection.open(this);
    this.#stream = stream;
    stream.request(head, end);
    for (const bytes of this.#early) stream.data(bytes, 0, bytes.length);
    this.#early = [];
    if (this.#earlyEnd !== undefined) stream.end(this.#earlyEnd.trailers);
    else this.#server.resumeRequest();
    this.#proxy.changed();
  }

  #fail(status: number, words: string): void {
    this.#turn++;
    const body = `${words}\n`;
    this.#server.respondLocal({ status, contentType: 'text/plain', body, fields: NO_FIELDS, close: false });
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    if (this.#stream === undefined) {
      this.#early.push(Buffer.from(bytes.subarray(start, end)));
      this.#server.pauseRequest();
    } else if (!this.#stream.data(bytes, start, end)) this.#server.pauseRequest();
  }

  onRequestEnd(trailers: Fields | undefined): void {
    if (this.#stream === undefined) this.#earlyEnd = { trailers: trailers?.copy() };
    else this.#stream.end(trailers);
    this.#proxy.changed();
  }

  onRequestAbort(flag: string): void {
    this.#proxy.aborts.push(flag);
    this.#turn++;
    const stream = this.#stream;
    this.#forget();
    stream?.cancel('client-gone');
    this.#proxy.changed();
  }

  onResponseWritable(): void {
    this.#connection?.resumeResponse();
  }

  onInformational(head: Head): void {
    this.#server.informational(head);
  }

  onResponse(head: Head, end: boolean): void {
    this.#started = true;
    this.#tunnel = isTunnel(this.#method, head.status);
    if (end) this.#complete();
    this.#server.respond(head, end);
    this.#proxy.changed();
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    if (!this.#server.data(bytes, start, end)) this.#connection!.pauseResponse();
  }

  onResponseEnd(trailers: Fields | undefined): void {
    // A tunnel goes on in the other direction.
    if (this.#tunnel) this.#proxy.completed++;
    else this.#complete();
    this.#server.end(trailers);
    this.#proxy.changed();
  }

  onResponseAbort(failure: StreamFailure): void {
    this.#proxy.failures.push(failure);
    this.#forget();
    if (this.#started) this.#server.abort('UC');
    else this.#fail(502, failure.detail);
    this.#proxy.changed();
  }

  onRequestWritable(): void {
    this.#server.resumeRequest();
  }

  accept(): this {
    return this;
  }

  onMalformed(fault: Fault): LocalReply {
    this.#proxy.faults.push(fault.code);
    this.#proxy.changed();
    return refusal(fault);
  }

  onConnectionClosed(): void {
    this.#proxy.downstream.delete(this.#server);
    this.#proxy.changed();
  }

  #complete(): void {
    this.#proxy.completed++;
    this.#forget();
  }

  #forget(): void {
    this.#stream = undefined;
    this.#connection = undefined;
  }
}
