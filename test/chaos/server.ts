// The server of the chaos suite: HTTP/1, WebSocket, gRPC and TCP, each of which gives back what it was sent. Calls take a little
// while, so that some are always under way. It does nothing for a mesh.
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import { WebSocketServer } from 'ws';
import { echoService, grpcPort, httpPort } from '../sandbox/restarts/echo.ts';

const workMs = 10;

const http = createServer((request, response) => {
  request
    .resume()
    .on('end', () => setTimeout(() => response.end(`${request.method} ${request.url}`), workMs));
});
const sockets = new WebSocketServer({ server: http });
sockets.on('connection', socket => {
  socket.on('error', () => {});
  socket.on('message', data => socket.send(data));
});

const grpc = new Server();
grpc.addService(
  { Echo: echoService.Echo },
  {
    Echo: (call: ServerUnaryCall<string, string>, done: (error: null, answer: string) => void) =>
      void setTimeout(() => done(null, call.request), workMs),
  },
);
createTcpServer(socket => socket.on('error', () => {}).pipe(socket)).listen(7000);
grpc.bindAsync(`0.0.0.0:${grpcPort}`, ServerCredentials.createInsecure(), error => {
  if (error) throw error;
  http.listen(httpPort, () => console.log('listening'));
});
process.once('SIGTERM', () => process.exit(0));
