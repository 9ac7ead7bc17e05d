// The server of the restart test: ends at SIGTERM as well-behaved servers do, and does nothing for a mesh.
import { createServer } from 'node:http';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { WebSocketServer } from 'ws';
import { counted, echoService, goodbye, grpcPort, httpPort, patienceMs } from './echo.ts';

const http = createServer((request, response) => {
  request.resume().on('end', () => response.end(`${request.method} ${request.url}`));
});
const sockets = new WebSocketServer({ server: http });
sockets.on('connection', socket => socket.on('message', data => socket.send(data)));

const grpc = new Server();
grpc.addService(echoService, {
  Echo: (call: ServerUnaryCall<string, string>, done: (error: null, answer: string) => void) =>
    done(null, call.request),
  Count: (call: ServerWritableStream<string, string>) => {
    let left = counted.answers;
    const timer = setInterval(() => {
      call.write(String(left));
      if (--left > 0) return;
      clearInterval(timer);
      call.end();
    }, counted.everyMs);
    call.on('cancelled', () => clearInterval(timer));
  },
  Talk: (call: ServerDuplexStream<string, string>) => {
    call.on('data', (text: string) => call.write(text));
    call.on('end', () => call.end());
    call.on('error', () => {});
  },
});
grpc.bindAsync(`0.0.0.0:${grpcPort}`, ServerCredentials.createInsecure(), error => {
  if (error) throw error;
  http.listen(httpPort, () => console.log('listening'));
});

process.once('SIGTERM', () => {
  for (const socket of sockets.clients) socket.send(goodbye);
  const ended = [
    new Promise<void>(resolve => http.close(() => resolve())),
    new Promise<void>(resolve => grpc.tryShutdown(() => resolve())),
  ];
  // Streams that nobody ends are cut, as servers do that stop in order with a limit.
  setTimeout(() => grpc.forceShutdown(), patienceMs);
  void Promise.all(ended).then(() => process.exit(0));
});
