// An app that speaks HTTP/1 and HTTP/2 without TLS on one port, told apart by the preface, as servers of Go and Java do.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createServer2, type Http2Server } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tcpServer } from './clients.ts';

/** Answers a request of either version; what Node gives for both is nearly the same. */
export type BothListener = (request: IncomingMessage, response: ServerResponse) => void;

/** A running app. */
export interface BothApp {
  readonly port: number;
  /** The first bytes of each connection. */
  readonly heard: readonly string[];
  /** For tests that handle streams themselves. */
  readonly http2: Http2Server;
  close(): void;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Starts one on a free port. Behind it stands a server for each version: Node's HTTP/2 takes no bytes that somebody has read. */
export async function bothApp(listener: BothListener): Promise<BothApp> {
  const heard: string[] = [];
  const http = createServer(listener);
  const http2 = createServer2({ settings: { enableConnectProtocol: true } }, listener as never);
  http2.on('session', session => session.on('error', () => {}));
  // A stream that its client gave up is no error of the app.
  http2.on('stream', stream => stream.on('error', () => {}));
  const ports = { http: await listening(http), http2: await listening(http2) };
  const front = await tcpServer(socket => {
    socket.once('data', first => {
      const text = first.toString('latin1');
      heard.push(text);
      const inner = connect({
        host: '127.0.0.1',
        port: text.startsWith('PRI ') ? ports.http2 : ports.http,
        allowHalfOpen: true,
      });
      inner.on('error', () => socket.destroy());
      inner.on('close', () => socket.destroy());
      socket.on('close', () => inner.destroy());
      inner.write(first);
      socket.pipe(inner).pipe(socket);
    });
  });
  return {
    port: front.port,
    heard,
    http2,
    close: () => {
      front.close();
      http.close();
      http.closeAllConnections();
      http2.close();
    },
  };
}
