// The server of the upgrade test: HTTP and WebSocket, gRPC, and a port of bytes that come back. It never ends anything by itself.
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { Server, ServerCredentials, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js';
import { WebSocketServer } from 'ws';
import { echoService, grpcPort, httpPort } from '../restarts/echo.ts';

const http = createServer((request, response) => {
  request.resume().on('end', () => response.end(`${request.method} ${request.url}`));
});
http.keepAliveTimeout = 0;
new WebSocketServer({ server: http }).on('connection', socket =>
  socket.on('message', data => socket.send(data)),
);

const { Echo, Talk } = echoService;
const grpc = new Server();
grpc.addService(
  { Echo, Talk },
  {
    Echo: (call: ServerUnaryCall<string, string>, done: (error: null, answer: string) => void) =>
      done(null, call.request),
    Talk: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (text: string) => call.write(text));
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  },
);

const tcp = createTcpServer(socket => {
  socket.on('error', () => {});
  socket.pipe(socket);
});

grpc.bindAsync(`0.0.0.0:${grpcPort}`, ServerCredentials.createInsecure(), error => {
  if (error) throw error;
  tcp.listen(7000, () => http.listen(httpPort, () => console.log('listening')));
});
process.once('SIGTERM', () => process.exit(0));
