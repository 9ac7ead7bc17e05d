// Clients and apps of each version of HTTP, as far as the storms care: a status, and headers that are passed on.
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import { httpServer } from '../../src/proxy/testing/clients.ts';
import { H2cClient, h2cServer } from '../../src/proxy/testing/http2-peers.ts';

/** Answers a request, at once or later, with a status and no body. */
export type Answering = (headers: IncomingHttpHeaders, say: (status: number) => void) => void;

/** One version of HTTP. */
export interface Version {
  readonly name: string;
  /** The status of `http://authority/` through an explicit proxy; 0 when there is no answer. `passedOn`: headers beside Host. */
  call(proxyPort: number, authority: string, passedOn?: Record<string, string>): Promise<number>;
  /** An app on a free port. */
  app(answering: Answering): Promise<{ readonly port: number; close(): void }>;
  /** Says 200 to everything that comes on this connection. */
  serve(socket: Socket): void;
  /** Closes what clients have open. */
  hangUp(): void;
}

class Http1 implements Version {
  readonly name = 'HTTP/1';
  #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  call(proxyPort: number, authority: string, passedOn: Record<string, string> = {}): Promise<number> {
    return new Promise(resolve => {
      const path = `http://${authority}/`;
      const headers = { host: authority, ...passedOn };
      request({ host: '127.0.0.1', port: proxyPort, path, headers, agent: this.#agent }, response => {
        response.resume().on('end', () => resolve(response.statusCode!));
      })
        .on('error', () => resolve(0))
        .end();
    });
  }

  app(answering: Answering): ReturnType<Version['app']> {
    return httpServer(({ headers }, response) =>
      answering(headers, status => {
        response.statusCode = status;
        response.end();
      }),
    );
  }

  serve(socket: Socket): void {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  }

  hangUp(): void {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16 });
  }
}

/** All calls to a proxy are streams of one connection, and apps speak nothing else. */
class Http2 implements Version {
  readonly name = 'HTTP/2';
  readonly #clients = new Map<number, H2cClient>();

  call(proxyPort: number, authority: string, passedOn: Record<string, string> = {}): Promise<number> {
    let client = this.#clients.get(proxyPort);
    if (client === undefined || client.session.closed || client.session.destroyed) {
      client = new H2cClient(proxyPort);
      this.#clients.set(proxyPort, client);
    }
    const stream = client.open({ ':authority': authority, ':path': '/', ...passedOn });
    return new Promise(resolve => {
      let status = 0;
      stream.on('response', headers => {
        status = Number(headers[':status']);
      });
      stream.resume().on('close', () => resolve(stream.rstCode === 0 ? status : 0));
    });
  }

  app(answering: Answering): ReturnType<Version['app']> {
    return h2cServer(({ headers }, response) =>
      answering(headers, status => {
        response.statusCode = status;
        response.end();
      }),
    );
  }

  serve(socket: Socket): void {
    const server = createServer((_request, response) => response.end());
    server.on('sessionError', () => {});
    server.emit('connection', socket);
  }

  hangUp(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

/** Every version that the storms are let loose on. */
export const versions: readonly Version[] = [new Http1(), new Http2()];
