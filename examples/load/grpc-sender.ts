// gRPC calls of the load generator, by @grpc/grpc-js: one channel for each authority, as an app has it.
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import type { Answered, Errand, Sender } from './sender.ts';

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

/** Unary calls to `grpc://host:port/package.Service/Method?name=value`; the query is the message, in JSON. Never repeats one. */
export class GrpcSender implements Sender {
  readonly #channels = new Map<string, Client>();
  #library: Promise<typeof import('@grpc/grpc-js')> | undefined;

  async send(errand: Errand): Promise<Answered> {
    // The image of the shop has no packages; a plan without gRPC needs none.
    this.#library ??= import('@grpc/grpc-js');
    const library = await this.#library.catch(() => undefined);
    if (library === undefined) return { status: 0, error: 'needs the package @grpc/grpc-js', servedBy: [] };
    const url = new URL(errand.url);
    let channel = this.#channels.get(url.host);
    if (channel === undefined) {
      channel = new library.Client(url.host, library.credentials.createInsecure(), {
        'grpc.enable_retries': 0,
      });
      this.#channels.set(url.host, channel);
    }
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const metadata = new library.Metadata();
    metadata.set('load-id', errand.id);
    let servedBy: string[] = [];
    const call = channel.makeUnaryRequest(
      url.pathname,
      json,
      bytes => bytes,
      Object.fromEntries(url.searchParams),
      metadata,
      { deadline: Date.now() + errand.timeoutMs },
      (error: ServiceError | null) =>
        resolve(
          error === null
            ? { status: 200, servedBy }
            : { status: 0, error: `${library.status[error.code]} ${error.details}`, servedBy },
        ),
    );
    call.on('metadata', (headers: Metadata) => {
      servedBy = headers.get('served-by').flatMap(each => String(each).split(', '));
    });
    return promise;
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }
}
