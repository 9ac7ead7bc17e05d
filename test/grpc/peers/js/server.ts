// gRPC's interop server, by @grpc/grpc-js: node server.ts --port=N
import { parseArgs } from 'node:util';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { ECHOED } from '../../cases.ts';
import {
  type Payload,
  type SimpleRequest,
  type SimpleResponse,
  type StreamingInputCallRequest,
  type StreamingInputCallResponse,
  type StreamingOutputCallRequest,
  type StreamingOutputCallResponse,
  TestService,
} from './service.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

const payload = (size: number): Payload => ({ body: Buffer.alloc(size) });

interface AnyCall {
  readonly metadata: Metadata;
  sendMetadata(metadata: Metadata): void;
}

/** Sends the header that is wanted back; gives the trailers. */
function echo(call: AnyCall): Metadata {
  const [initial] = call.metadata.get(ECHOED.initial);
  if (initial !== undefined) {
    const headers = new Metadata();
    headers.set(ECHOED.initial, initial);
    call.sendMetadata(headers);
  }
  const trailers = new Metadata();
  const [trailing] = call.metadata.get(ECHOED.trailing);
  if (trailing !== undefined) trailers.set(ECHOED.trailing, trailing);
  return trailers;
}

const implementation = {
  emptyCall(_: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void {
    done(null, {});
  },
  unaryCall(call: ServerUnaryCall<SimpleRequest, SimpleResponse>, done: sendUnaryData<SimpleResponse>): void {
    const trailers = echo(call);
    const { responseStatus, responseSize = 0 } = call.request;
    if (responseStatus && responseStatus.code !== 0)
      done({ code: responseStatus.code, details: responseStatus.message, metadata: trailers });
    else done(null, { payload: payload(responseSize) }, trailers);
  },
  streamingOutputCall(
    call: ServerWritableStream<StreamingOutputCallRequest, StreamingOutputCallResponse>,
  ): void {
    for (const { size } of call.request.responseParameters ?? []) call.write({ payload: payload(size) });
    call.end();
  },
  streamingInputCall(
    call: ServerReadableStream<StreamingInputCallRequest, StreamingInputCallResponse>,
    done: sendUnaryData<StreamingInputCallResponse>,
  ): void {
    let sum = 0;
    call.on('data', (request: StreamingInputCallRequest) => {
      sum += request.payload?.body.length ?? 0;
    });
    call.on('end', () => done(null, { aggregatedPayloadSize: sum }));
  },
  fullDuplexCall(call: ServerDuplexStream<StreamingOutputCallRequest, StreamingOutputCallResponse>): void {
    const trailers = echo(call);
    call.on('data', (request: StreamingOutputCallRequest) => {
      const { responseStatus } = request;
      if (responseStatus && responseStatus.code !== 0) {
        call.emit('error', {
          code: responseStatus.code,
          details: responseStatus.message,
          metadata: trailers,
        });
        return;
      }
      for (const { size } of request.responseParameters ?? []) call.write({ payload: payload(size) });
    });
    call.on('end', () => call.end(trailers));
  },
};

const service = { ...TestService.service };
delete service.UnimplementedCall;
const server = new Server();
server.addService(service, implementation);
server.bindAsync(`127.0.0.1:${values.port}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on ${port}`);
});
process.once('SIGTERM', () => server.tryShutdown(() => process.exit(0)));
