import { errorMessage } from '../errors/index.ts';
import {
  type Head,
  type LocalReply,
  METHOD,
  NO_FIELDS,
  type ServerStream,
  type ServerStreamHandler,
} from '../http/index.ts';
import { type Fault, ServerConnection, type ServerOptions } from '../http1/index.ts';
import type { TimerWheel } from '../time/index.ts';
import { Listener, type ListenOptions, type Wire } from '../wire/index.ts';
import { StreamedBody } from './streamed-body.ts';

/** A request to an admin or health endpoint. Bodies are ignored. */
export interface AdminRequest {
  /** As received; HEAD is answered as GET. */
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborted when whoever asked is gone. */
  readonly signal?: AbortSignal;
  /** Those that tell who asks, and for what (see NOTED_HEADERS), by lower-case name. */
  readonly headers?: Readonly<Partial<Record<(typeof NOTED_HEADERS)[number], string>>>;
}

/** Headers that handlers get to see. */
export const NOTED_HEADERS = [
  'accept',
  'host',
  'origin',
  'referer',
  'sec-fetch-site',
  'user-agent',
  'x-weft-admin',
] as const;
const notedNames = NOTED_HEADERS.map(name => [name, Buffer.from(name, 'latin1')] as const);

/** Its answer. */
export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** In place of `body`, pieces of it that are made while they are written: for what is too large to be held. */
  readonly pieces?: Iterable<string>;
}

/** In place of an answer: the connection is broken off, for askers to whom every answer is success. */
export const BREAK_OFF: AdminReply = { status: 0, contentType: '', body: '' };

/** Answers one path. */
export type AdminHandler = (request: AdminRequest) => AdminReply | Promise<AdminReply>;

/** Handlers by `GET /path` or `POST /path`; a path that ends with `/*` takes everything below it. */
export type AdminRoutes = Readonly<Record<string, AdminHandler>>;

export const text = (body: string, status = 200): AdminReply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
});
export const json = (value: unknown, status = 200): AdminReply => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

/** A small HTTP server on our own codec: a sidecar has no need of node:http, which costs 3 MB. */
export class AdminServer {
  readonly #listeners: Listener[];
  readonly #routes: AdminRoutes;
  readonly #options: ServerOptions;
  /** Answers in pieces that are under way. */
  readonly #streaming = new Set<StreamedBody>();
  /** The oldest first. */
  readonly #connections = new Map<AdminStreams, Wire>();
  readonly port: number;

  /** Throws the WeftError of the listener. `hosts`: one listener each, on the same port. */
  constructor(
    hosts: readonly string[],
    listen: Omit<ListenOptions, 'host'>,
    options: ServerOptions,
    routes: AdminRoutes,
  ) {
    this.#routes = routes;
    this.#options = { ...options, givesUpAtEnd: true };
    this.#listeners = [];
    let { port } = listen;
    for (const host of hosts) {
      const listener = new Listener({ ...listen, host, port }, wire => this.#accept(wire));
      port = listener.port;
      this.#listeners.push(listener);
    }
    this.port = port;
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
  }

  /** Whether connections are accepted here, and not by another process with the same sockets: idle ones are closed then. */
  accept(on: boolean): void {
    for (const listener of this.#listeners) on ? listener.resume() : listener.pause();
    if (on) return;
    for (const [streams, wire] of [...this.#connections]) if (!streams.answering) wire.destroy();
  }

  #accept(wire: Wire): void {
    const connection = new ServerConnection(wire, this.#options);
    const streams = new AdminStreams(connection, this.#routes, this.#options.timers, this.#streaming);
    if (this.#connections.size >= maxConnections) this.#makeRoom();
    this.#connections.set(streams, wire);
    const onConnectionClosed = (): void => void this.#connections.delete(streams);
    connection.start({ accept: () => streams, onMalformed, onConnectionClosed }, undefined);
  }

  /** Breaks one off: the oldest that waits for no answer, or of all. The kubelet must get in, whoever holds the others open. */
  #makeRoom(): void {
    const all = [...this.#connections];
    const [streams, wire] = all.find(([each]) => !each.answering) ?? all[0]!;
    this.#connections.delete(streams);
    wire.destroy();
  }
}

function onMalformed({ status, words, code }: Fault): LocalReply {
  return { ...text(`${words} (weft: ${code})\n`, status), fields: NO_FIELDS, close: true };
}

/** Open at once. The health port can be reached by the whole cluster, and each connection costs memory that traffic needs. */
const maxConnections = 256;

/** More answers in pieces than this at once are refused: each holds something, and a few scrapers is what there is. */
const maxStreaming = 4;

class AdminStreams implements ServerStreamHandler {
  readonly #stream: ServerStream;
  readonly #routes: AdminRoutes;
  readonly #timers: TimerWheel;
  /** Of all connections. */
  readonly #streaming: Set<StreamedBody>;
  #request: AdminRequest | undefined;
  #headOnly = false;
  #answering = false;
  #gone = new AbortController();
  #body: StreamedBody | undefined;

  constructor(stream: ServerStream, routes: AdminRoutes, timers: TimerWheel, streaming: Set<StreamedBody>) {
    this.#stream = stream;
    this.#routes = routes;
    this.#timers = timers;
    this.#streaming = streaming;
  }

  /** Whether a request has come whole and is not answered yet. */
  get answering(): boolean {
    return this.#answering;
  }

  onRequest(head: Head, end: boolean): void {
    const target = head.targetText;
    // Never `new URL`: it throws, and whoever reaches the port chooses the target.
    const url = URL.parse(target.startsWith('/') ? `http://admin${target}` : target);
    const method = head.method === METHOD.HEAD ? 'GET' : head.methodText;
    this.#gone = new AbortController();
    this.#request = {
      method,
      // The kubelet before 1.26 writes two slashes in front of the path of a lifecycle hook.
      path: (url?.pathname ?? target).replace(/^\/+/, '/'),
      query: url?.searchParams ?? new URLSearchParams(),
      headers: notedHeaders(head),
      signal: this.#gone.signal,
    };
    this.#headOnly = head.method === METHOD.HEAD;
    if (end) void this.#answer();
  }

  onRequestData(): void {}

  onRequestEnd(): void {
    void this.#answer();
  }

  onRequestAbort(): void {
    this.#request = undefined;
    this.#answering = false;
    this.#gone.abort();
    this.#body?.cancel();
  }

  onResponseWritable(): void {
    this.#body?.pump();
  }

  async #answer(): Promise<void> {
    const request = this.#request;
    if (request === undefined) return;
    this.#answering = true;
    let reply: AdminReply;
    try {
      const handler = this.#find(request);
      reply = handler === undefined ? this.#notFound(request) : await handler(request);
    } catch (error) {
      reply = text(`weft: ${errorMessage(error)}\n`, 500);
    }
    // The client may have gone while the handler was at it.
    if (this.#request !== request) return;
    // Before the answer is written: the next request may follow at once.
    this.#answering = reply.pieces !== undefined;
    if (reply.status === 0) this.#stream.abort('LR');
    else if (reply.pieces !== undefined) this.#respondInPieces(reply, reply.pieces);
    else this.#stream.respondLocal({ ...reply, fields: NO_FIELDS, close: false });
  }

  #respondInPieces({ status, contentType }: AdminReply, pieces: Iterable<string>): void {
    if (this.#streaming.size >= maxStreaming) {
      const busy = text(`weft: ${maxStreaming} others are reading this now; come again\n`, 503);
      this.#answering = false;
      this.#stream.respondLocal({ ...busy, fields: [['retry-after', '1']], close: false });
      return;
    }
    const streamed = new StreamedBody(this.#stream, pieces, this.#timers, () => {
      this.#streaming.delete(streamed);
      this.#answering = false;
      this.#body = undefined;
    });
    this.#body = streamed;
    this.#streaming.add(streamed);
    streamed.start(status, contentType, this.#headOnly);
  }

  #find(request: AdminRequest): AdminHandler | undefined {
    const exact = this.#routes[`${request.method} ${request.path}`];
    if (exact !== undefined) return exact;
    for (const key in this.#routes) {
      if (key.endsWith('/*') && `${request.method} ${request.path}`.startsWith(key.slice(0, -1)))
        return this.#routes[key];
    }
    return undefined;
  }

  #notFound(request: AdminRequest): AdminReply {
    const known = Object.keys(this.#routes).join('\n  ');
    return text(`weft: no ${request.method} ${request.path} here; there are:\n  ${known}\n`, 404);
  }
}

function notedHeaders(head: Head): NonNullable<AdminRequest['headers']> {
  const noted: Partial<Record<(typeof NOTED_HEADERS)[number], string>> = {};
  for (const [name, bytes] of notedNames) {
    const at = head.find(bytes);
    if (at >= 0) noted[name] = head.text(at);
  }
  return noted;
}
