// A small gRPC service and its callers, in the process of the test: messages are UTF-8 text, methods are what a test says.
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials as channelCredentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServiceDefinition,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';

/** What a server does with a call. On the wire a unary call is a stream of one message each way. */
export type Handler = (call: ServerDuplexStream<string, string>) => void;

const encode = (text: string): Buffer => Buffer.from(text);
const decode = (bytes: Buffer): string => bytes.toString();

/** A server of `/test.Text/…`. */
export class TextServer {
  readonly port: number;
  readonly grpc: Server;
  /** Names of the methods called so far. */
  readonly calls: readonly string[];

  private constructor(grpc: Server, port: number, calls: readonly string[]) {
    this.grpc = grpc;
    this.port = port;
    this.calls = calls;
  }

  static async start(
    methods: Readonly<Record<string, Handler>>,
    options: ServerOptions = {},
    credentials = ServerCredentials.createInsecure(),
  ): Promise<TextServer> {
    const grpc = new Server(options);
    const calls: string[] = [];
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: Record<string, Handler> = {};
    for (const [name, handler] of Object.entries(methods)) {
      definition[name] = {
        path: `/test.Text/${name}`,
        requestStream: true,
        responseStream: true,
        requestSerialize: encode,
        requestDeserialize: decode,
        responseSerialize: encode,
        responseDeserialize: decode,
      };
      implementation[name] = call => {
        calls.push(name);
        call.on('error', () => {});
        handler(call);
      };
    }
    grpc.addService(definition, implementation);
    const port = await new Promise<number>((resolve, reject) =>
      grpc.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    return new TextServer(grpc, port, calls);
  }

  close(): void {
    this.grpc.forceShutdown();
  }
}

/** Answers the one message with this. */
export const answer =
  (text: string): Handler =>
  call => {
    call.on('data', () => call.write(text));
    call.on('end', () => call.end());
  };

/** Answers each message with itself, until the client ends. */
export const echo: Handler = call => {
  call.on('data', (text: string) => call.write(text));
  call.on('end', () => call.end());
};

/** Headers, then a status in trailers, without a message. */
export const failing =
  (code: number, details: string, metadata?: Metadata): Handler =>
  call => {
    call.sendMetadata(new Metadata());
    call.resume().on('end', () => call.emit('error', { code, details, ...(metadata && { metadata }) }));
  };

/** An app that calls: one channel, which repeats nothing by itself. */
export class Caller {
  readonly #client: Client;

  constructor(port: number, options: ClientOptions = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, channelCredentials.createInsecure(), {
      'grpc.enable_retries': 0,
      // A channel of its own: channels to the same address share their connections otherwise.
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
  }

  /** The answer of a unary call; rejects with a ServiceError. */
  unary(
    method: string,
    text = '',
    options: { readonly deadline?: number; readonly metadata?: Metadata } = {},
  ): Promise<string> {
    const { deadline = Date.now() + 20_000, metadata = new Metadata() } = options;
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(
        `/test.Text/${method}`,
        encode,
        decode,
        text,
        metadata,
        { deadline },
        (error: ServiceError | null, given?: string) => (error ? reject(error) : resolve(given!)),
      ),
    );
  }

  stream(method: string): ClientDuplexStream<string, string> {
    const call = this.#client.makeBidiStreamRequest(`/test.Text/${method}`, encode, decode);
    call.on('error', () => {});
    return call;
  }

  close(): void {
    this.#client.close();
  }
}

/** How a stream ends. */
export function statusOf(call: ClientDuplexStream<string, string>): Promise<StatusObject> {
  return new Promise(resolve => call.once('status', resolve));
}

/** The next message of a stream. */
export function next(call: ClientDuplexStream<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    call.once('data', resolve);
    call.once('status', ({ code, details }: StatusObject) =>
      reject(new Error(`ended with ${code} ${details}`)),
    );
  });
}
