// gRPC as the shop speaks it: unary calls whose messages are JSON, on Node's own HTTP/2, so that the image needs no package. Any
// client of gRPC is answered, and nothing here knows of a mesh.
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { FaultSwitch } from './fault.ts';
import { pod, Refusal, version } from './service.ts';

/** Of those that gRPC has; the others are not used here. */
const UNKNOWN = 2;
const UNIMPLEMENTED = 12;

/** By full name, `package.Service/Method`. A Refusal's status is the call's when it is one of gRPC's (below 100). */
export type Methods = Readonly<Record<string, (message: Record<string, unknown>) => object>>;

/** What a service that speaks gRPC beside HTTP has to tell `serve`. */
export interface GrpcServer {
  /** Calls answered. */
  readonly served: () => number;
  /** Takes no more; resolves when the calls under way are over. */
  close(): Promise<void>;
}

/** Length-prefixed: not compressed, four bytes of length (gRPC over HTTP/2). */
function frame(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function unframe(bytes: Buffer): Record<string, unknown> {
  if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt32BE(1)) throw new Error('not a whole message');
  const text = bytes.toString('utf8', 5, 5 + bytes.readUInt32BE(1));
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** Serves the methods on this port. A fault's status below 100 is that of the call, told in trailers. */
export function serveGrpc(name: string, methods: Methods, port: number, fault: FaultSwitch): GrpcServer {
  const sessions = new Set<ServerHttp2Session>();
  let served = 0;
  const handle = async (stream: ServerHttp2Stream, path: string, request: Buffer): Promise<void> => {
    served += 1;
    let status = await fault.apply(path);
    if (status === 'reset') return stream.close(8);
    let answer: object = {};
    let words = 'the fault switch says so';
    try {
      const method = methods[path.slice(1)];
      if (method === undefined) throw new Refusal(UNIMPLEMENTED, `${name} has no ${path}`);
      answer = method(unframe(request));
    } catch (thrown) {
      status ??= thrown instanceof Refusal && thrown.status < 100 ? thrown.status : UNKNOWN;
      words = thrown instanceof Error ? thrown.message : String(thrown);
    }
    if (stream.destroyed) return;
    stream.respond(
      { 'content-type': 'application/grpc+json', 'served-by': `${name}/${pod}/${version}` },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () =>
      stream.sendTrailers(
        status === undefined
          ? { 'grpc-status': '0' }
          : { 'grpc-status': `${status}`, 'grpc-message': encodeURIComponent(words) },
      ),
    );
    stream.end(status === undefined ? frame(answer) : undefined);
  };
  const server = createServer();
  server.on('session', session => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => void handle(stream, headers[':path'] ?? '', Buffer.concat(chunks)));
  });
  server.listen(port, process.env.HOST ?? '0.0.0.0', () => {
    const address = server.address();
    const at = typeof address === 'object' && address ? `${address.address}:${address.port}` : address;
    console.log(`${name} takes gRPC at ${at}`);
  });
  return {
    served: () => served,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const session of sessions) session.close();
      }),
  };
}

/** What a call brought. */
export interface GrpcReply {
  readonly message: Record<string, unknown>;
  readonly servedBy: readonly string[];
}

/** Calls one service on one connection, which is opened again when it has ended. HTTP_PROXY is honoured. */
export class GrpcClient {
  readonly #authority: string;
  readonly #timeoutMs: number;
  #session: ClientHttp2Session | undefined;

  /** `authority`: host and port. */
  constructor(authority: string, timeoutMs = 10_000) {
    this.#authority = authority;
    this.#timeoutMs = timeoutMs;
  }

  /** One unary call; a Refusal 502 or 504 that names the method and what happened where its status is not OK. */
  call(method: string, message: object): Promise<GrpcReply> {
    const { promise, resolve, reject } = Promise.withResolvers<GrpcReply>();
    const stream = this.#open().request({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': this.#authority,
      ':path': `/${method}`,
      'content-type': 'application/grpc+json',
      te: 'trailers',
      'grpc-timeout': `${this.#timeoutMs}m`,
    });
    const fail = (what: string, status = 502): void =>
      reject(new Refusal(status, `${this.#authority}/${method}: ${what}`));
    stream.setTimeout(this.#timeoutMs, () => {
      fail('no answer in time', 504);
      stream.close(8);
    });
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders = {};
    let last: IncomingHttpHeaders = {};
    stream.on('response', headers => {
      head = headers;
    });
    stream.on('trailers', trailers => {
      last = trailers;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', error => fail(error.message));
    stream.on('close', () => {
      const status = last['grpc-status'] ?? head['grpc-status'];
      if (status !== '0') {
        const words = decodeURIComponent(String(last['grpc-message'] ?? head['grpc-message'] ?? ''));
        return fail(status === undefined ? 'no status came' : `status ${status}: ${words}`);
      }
      try {
        const servedBy = String(head['served-by'] ?? '')
          .split(', ')
          .filter(Boolean);
        resolve({ message: unframe(Buffer.concat(chunks)), servedBy });
      } catch (error) {
        fail((error as Error).message);
      }
    });
    stream.end(frame(message));
    return promise;
  }

  #open(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = connect(process.env.HTTP_PROXY ?? `http://${this.#authority}`);
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    // Each call hears of it by itself.
    session.on('error', forget);
    session.on('goaway', forget);
    session.on('close', forget);
    this.#session = session;
    return session;
  }
}
