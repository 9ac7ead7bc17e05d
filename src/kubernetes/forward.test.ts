import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from './api-error.ts';
import { forwardPort } from './forward.ts';

const port = 15016;

/** Channels of a forwarded port: what is carried, and what is said of failures. */
const DATA = 0;
const ERROR = 1;

const message = (channel: number, text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);

/** An API server that forwards ports as a kubelet does: first it says on each channel which port it is. */
async function kubelet(t: TestContext, serve: (socket: WebSocket) => void): Promise<KubeConfig> {
  const http = createServer((_request, response) => response.writeHead(403).end());
  const sockets = new WebSocketServer({ server: http, handleProtocols: wanted => [...wanted][0] ?? false });
  sockets.on('connection', socket => {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    for (const channel of [DATA, ERROR]) socket.send(message(channel, number));
    serve(socket);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
  });
  const config = new KubeConfig();
  const server = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'fake', server, skipTLSVerify: true }, { name: 'me' });
  return config;
}

test('bytes go both ways, and that each channel names its port first is no failure', async t => {
  const config = await kubelet(t, socket =>
    socket.on('message', (data: Buffer) => {
      if (data[0] === DATA && data.length > 1) socket.send(message(DATA, `heard ${data.subarray(1)}`));
    }),
  );
  const stream = await forwardPort(config, 'weft-system', 'one', port);
  assert.ok(!(stream instanceof ApiError));
  stream.write('hello');
  const [answer] = await once(stream, 'data');
  assert.equal(String(answer), 'heard hello');
  stream.destroy();
});

test('what the kubelet says of a failure is the error of the stream, also for who looks late', async t => {
  const config = await kubelet(t, socket =>
    socket.send(message(ERROR, 'connection refused: nobody listens on port 15016\n')),
  );
  const stream = await forwardPort(config, 'weft-system', 'one', port);
  assert.ok(!(stream instanceof ApiError));
  if (!stream.closed) await new Promise<void>(resolve => stream.once('close', () => resolve()));
  assert.match(String(stream.errored), /connection refused: nobody listens on port 15016$/);
});
