// Clients and servers of tests: raw enough to see every byte, short enough to read.
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect, createServer, type Socket, type Server as TcpServer } from 'node:net';

/** An answer as a test wants to see it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly trailers: IncomingMessage['trailers'];
  readonly body: string;
}

/** An HTTP server on a free port; `close` also ends its connections. */
export async function httpServer(
  listener: RequestListener,
): Promise<{ port: number; server: Server; close: () => void }> {
  const server = createHttpServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    server,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A TCP server on a free port. */
export async function tcpServer(
  listener: (socket: Socket) => void,
): Promise<{ port: number; server: TcpServer; accepted: () => number; close: () => void }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, socket => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    listener(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    server,
    accepted: () => accepted,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** How to ask. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]> | string[];
  readonly body?: string | Buffer;
  readonly path?: string;
}

/** Asks `http://authority/path` through the proxy on `proxyPort`, in absolute-form. */
export async function ask(proxyPort: number, authority: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, path = '/' } = options;
  const sent = request({
    host: '127.0.0.1',
    port: proxyPort,
    method,
    path: `http://${authority}${path}`,
    headers: Array.isArray(headers) ? headers : { host: authority, ...headers },
    agent: false,
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode!,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** A raw connection to a port of loopback. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const connection = new RawConnection(socket);
  rawSockets.add(socket);
  // A connection that is reset at once may never be seen as open.
  await connection.until(({ open, closed }) => open || closed);
  return connection;
}

/** Collects what arrives and waits for it. */
export class RawConnection {
  readonly socket: Socket;
  text = '';
  open = false;
  ended = false;
  closed = false;
  error = '';
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('connect', () => {
      this.open = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
      this.#wake();
    });
  }

  write(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Waits until `condition` holds; the test's own time limit ends a wait that never does. */
  async until(condition: (connection: RawConnection) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Opens a CONNECT tunnel through an explicit proxy and waits for its 200. */
  async tunnel(authority: string): Promise<void> {
    this.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await this.until(connection => connection.text.includes('\r\n\r\n'));
    const end = this.text.indexOf('\r\n\r\n') + 4;
    if (!this.text.startsWith('HTTP/1.1 200')) throw new Error(this.text);
    this.text = this.text.slice(end);
  }
}

const rawSockets = new Set<Socket>();

/** Closes everything, in order, and every raw connection. */
export function closeAll(...things: readonly { close(): void }[]): void {
  for (const socket of rawSockets) socket.destroy();
  rawSockets.clear();
  for (const thing of things) thing.close();
}
