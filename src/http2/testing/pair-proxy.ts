// Either codec's server linked to either codec's client over real sockets: the smallest thing that proxies from one version of
// HTTP to the other. No retries, no limits, no policy. For tests only.
import {
  type ClientStream,
  type ClientStreamHandler,
  type Fields,
  type Head,
  NO_FIELDS,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
  type UpstreamConnection,
  type UpstreamHost,
} from '../../http/index.ts';
import {
  ClientConnection as Client1,
  DEFAULT_LIMITS,
  ServerConnection as Server1,
} from '../../http1/index.ts';
import { type Dialer, dial, Listener, type Wire } from '../../wire/index.ts';
import { ClientConnection as Client2, type Http2Options, ServerConnection as Server2 } from '../index.ts';
import { bareOptions, refusal } from './bare-server.ts';

export type Version = 1 | 2;

/** What it does. */
export interface PairProxyOptions {
  readonly upstreamPort: number;
  readonly down: Version;
  readonly up: Version;
  readonly options?: Http2Options;
}

/** A listening proxy to one upstream on loopback: connections of HTTP/2 carry all requests, those of HTTP/1 one each. */
export class PairProxy implements UpstreamHost {
  readonly failures: StreamFailure[] = [];
  readonly aborts: string[] = [];
  readonly faults: string[] = [];
  readonly #options: PairProxyOptions;
  readonly #http2: Http2Options;
  readonly #listener: Listener;
  readonly #wires = new Set<Wire>();
  #shared: Client2 | undefined;

  constructor(options: PairProxyOptions) {
    this.#options = options;
    this.#http2 = options.options ?? bareOptions();
    this.#listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire =>
      this.#accept(wire),
    );
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Bytes that its connection to the upstream holds because the client does not take them. */
  get heldBytes(): number {
    return this.#shared?.flow.heldBytes ?? 0;
  }

  close(): void {
    this.#listener.close();
    for (const wire of [...this.#wires]) wire.destroy();
  }

  #accept(wire: Wire): void {
    this.#wires.add(wire);
    const host = {
      accept: (stream: ServerStream) => new Exchange(this, stream),
      onMalformed: (fault: { code: string; status: number; words: string }) => {
        this.faults.push(fault.code);
        return refusal(fault);
      },
      onConnectionClosed: () => void this.#wires.delete(wire),
    };
    if (this.#options.down === 2) new Server2(wire, this.#http2).start(host, undefined);
    else {
      const { timers } = this.#http2;
      const options = {
        limits: DEFAULT_LIMITS,
        timers,
        headTimeoutMs: 60_000,
        idleTimeoutMs: 60_000,
        lingerMs: 500,
      };
      new Server1(wire, options).start(host, undefined);
    }
  }

  /** A connection that has room, now or later. */
  connect(use: (connection: UpstreamConnection | undefined, error: string) => void): void {
    if (this.#shared !== undefined && this.#shared.room > 0 && this.#shared.peer.known) {
      use(this.#shared, '');
      return;
    }
    const dialer: Dialer = {
      onConnect: wire => {
        this.#wires.add(wire);
        if (this.#options.up === 1) use(new Client1(wire, DEFAULT_LIMITS, this.#http2.timers, this), '');
        else {
          this.#shared = new Client2(wire, { ...this.#http2, secure: false, peerIsProxy: false }, this);
          this.#waiting.push(use);
        }
      },
      onConnectError: error => use(undefined, error),
    };
    dial('127.0.0.1', this.#options.upstreamPort, '', dialer);
  }

  /** Whoever waits for the first SETTINGS of the upstream, which say whether it takes WebSockets. */
  readonly #waiting: ((connection: UpstreamConnection | undefined, error: string) => void)[] = [];

  onRoom(connection: UpstreamConnection): void {
    if (!connection.multiplexes) connection.drain();
    else for (const use of this.#waiting.splice(0)) use(connection, '');
  }
  onDraining(): void {
    this.#shared = undefined;
  }
  onGone(connection: UpstreamConnection): void {
    if (connection === this.#shared) this.#shared = undefined;
  }
}

/** One request on its way; the stream's next one uses it again. */
class Exchange implements ServerStreamHandler, ClientStreamHandler {
  readonly #proxy: PairProxy;
  readonly #server: ServerStream;
  #stream: ClientStream | undefined;
  #turn = 0;
  #early: Buffer[] = [];
  #earlyEnd: { trailers: Fields | undefined } | undefined;
  #started = false;

  constructor(proxy: PairProxy, server: ServerStream) {
    this.#proxy = proxy;
    this.#server = server;
  }

  onRequest(head: Head, end: boolean): void {
    head.retain();
    this.#early = [];
    this.#earlyEnd = undefined;
    this.#started = false;
    this.#stream = undefined;
    const turn = ++this.#turn;
    this.#proxy.connect((connection, error) => {
      if (turn !== this.#turn) return;
      if (connection === undefined) this.#fail(503, error);
      else this.#begin(connection, head, end);
    });
  }

  #begin(connection: UpstreamConnection, head: Head, end: boolean): void {
    const stream = connection.open(this);
    this.#stream = stream;
    stream.request(head, end);
    for (const bytes of this.#early) stream.data(bytes, 0, bytes.length);
    this.#early = [];
    if (this.#earlyEnd !== undefined) stream.end(this.#earlyEnd.trailers);
    else this.#server.resumeRequest();
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
  }

  onRequestAbort(flag: string): void {
    this.#proxy.aborts.push(flag);
    this.#turn++;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel('client-gone');
  }

  onResponseWritable(): void {
    this.#stream?.resumeResponse();
  }

  onInformational(head: Head): void {
    this.#server.informational(head);
  }

  onResponse(head: Head, end: boolean): void {
    this.#started = true;
    if (end) this.#stream = undefined;
    this.#server.respond(head, end);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    if (!this.#server.data(bytes, start, end)) this.#stream?.pauseResponse();
  }

  onResponseEnd(trailers: Fields | undefined): void {
    this.#server.end(trailers);
  }

  onResponseAbort(failure: StreamFailure): void {
    this.#proxy.failures.push(failure);
    this.#stream = undefined;
    if (this.#started) this.#server.abort('UC');
    else this.#fail(502, failure.detail);
  }

  onRequestWritable(): void {
    this.#server.resumeRequest();
  }
}
