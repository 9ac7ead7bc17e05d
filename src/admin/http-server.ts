import { errorMessage } from '../errors/index.ts';
import { type Head, METHOD, type ServerStream, type ServerStreamHandler } from '../http/index.ts';
import { ServerConnection, type ServerOptions } from '../http1/index.ts';
import { Listener, type ListenOptions, type Wire } from '../wire/index.ts';

/** A request to an admin or health endpoint. Bodies are ignored. */
export interface AdminRequest {
  /** As received; HEAD is answered as GET. */
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Its answer. */
export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

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
  readonly port: number;

  /** Throws the WeftError of the listener. `hosts`: one listener each, on the same port. */
  constructor(
    hosts: readonly string[],
    listen: Omit<ListenOptions, 'host'>,
    options: ServerOptions,
    routes: AdminRoutes,
  ) {
    this.#routes = routes;
    this.#options = options;
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

  #accept(wire: Wire): void {
    const connection = new ServerConnection(wire, this.#options);
    const streams = new AdminStreams(connection, this.#routes);
    connection.start({ streams, onMalformed() {}, onConnectionClosed() {} }, undefined);
  }
}

class AdminStreams implements ServerStreamHandler {
  readonly #stream: ServerStream;
  readonly #routes: AdminRoutes;
  #request: AdminRequest | undefined;

  constructor(stream: ServerStream, routes: AdminRoutes) {
    this.#stream = stream;
    this.#routes = routes;
  }

  onRequest(head: Head, end: boolean): void {
    const target = head.targetText;
    // Never `new URL`: it throws, and whoever reaches the port chooses the target.
    const url = URL.parse(target.startsWith('/') ? `http://admin${target}` : target);
    const method = head.method === METHOD.HEAD ? 'GET' : head.methodText;
    this.#request = {
      method,
      // The kubelet before 1.26 writes two slashes in front of the path of a lifecycle hook.
      path: (url?.pathname ?? target).replace(/^\/+/, '/'),
      query: url?.searchParams ?? new URLSearchParams(),
    };
    if (end) void this.#answer();
  }

  onRequestData(): void {}

  onRequestEnd(): void {
    void this.#answer();
  }

  onRequestAbort(): void {
    this.#request = undefined;
  }

  onResponseWritable(): void {}

  async #answer(): Promise<void> {
    const request = this.#request;
    if (request === undefined) return;
    let reply: AdminReply;
    try {
      const handler = this.#find(request);
      reply = handler === undefined ? this.#notFound(request) : await handler(request);
    } catch (error) {
      reply = text(`weft: ${errorMessage(error)}\n`, 500);
    }
    this.#stream.respondLocal({ ...reply, headers: '', close: false });
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
