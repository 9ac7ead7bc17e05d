// The echo service of the restart test, in the three ways that long-lived clients speak it.
import type { ServiceDefinition } from '@grpc/grpc-js';

/** HTTP/1 and WebSockets. */
export const httpPort = 8080;
export const grpcPort = 9090;
/** What the server sends on a WebSocket before it ends: ask nothing more, and come back elsewhere. */
export const goodbye = 'restarting';
/** How long a server that is told to go waits for streams that nobody ends. */
export const patienceMs = 2_000;
/** Answers of one call of Count, and the time between two. */
export const counted = { answers: 20, everyMs: 50 };

const bytes = {
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (buffer: Buffer) => buffer.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (buffer: Buffer) => buffer.toString(),
};

/** gRPC without a schema: messages are UTF-8 text. */
export const echoService = {
  Echo: { path: '/test.Echo/Echo', requestStream: false, responseStream: false, ...bytes },
  Count: { path: '/test.Echo/Count', requestStream: false, responseStream: true, ...bytes },
  Talk: { path: '/test.Echo/Talk', requestStream: true, responseStream: true, ...bytes },
} satisfies ServiceDefinition;
