// Clients and servers of HTTP/2 for tests: Node's own, as a second opinion on ours.
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** An answer as a test wants to see it. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server of h2c, and its connections. */
export interface H2cServer {
  readonly port: number;
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** Connections so far. */
  readonly accepted: () => number;
  close(): void;
}

/** An app that speaks HTTP/2 without TLS and nothing else, on a free port. */
export async function h2cServer(
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  options: ServerOptions = {},
): Promise<H2cServer> {
  const sessions = new Set<ServerHttp2Session>();
  let accepted = 0;
  const server = createServer(options, listener).listen(0, '127.0.0.1');
  server.on('session', session => {
    accepted++;
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sessions,
    accepted: () => accepted,
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** A client of h2c. */
export class H2cClient {
  readonly session: ClientHttp2Session;

  constructor(port: number) {
    this.session = connect(`http://127.0.0.1:${port}`).on('error', () => {});
  }

  close(): void {
    this.session.destroy();
  }

  /** A request whose answer the test reads itself. */
  open(headers: OutgoingHttpHeaders, ended = true): ClientHttp2Stream {
    return this.session.request(headers, { endStream: ended }).on('error', () => {});
  }

  /** Asks, and waits for all of the answer. */
  async ask(headers: OutgoingHttpHeaders, body = ''): Promise<Http2Answer> {
    const stream = this.open(headers, body === '');
    if (body !== '') stream.end(body);
    return answerOf(stream);
  }
}

/** All of an answer. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', fields => {
    trailers = fields;
  });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  stream.setEncoding('latin1');
  for await (const piece of stream) body += piece;
  return { headers, trailers, body };
}
