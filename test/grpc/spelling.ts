// A server of gRPC that spells, and the frames in which gRPC-Web carries what it says.
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;

/** An app on a free port of loopback, at `/a.B/Spell`. */
export interface SpellingApp {
  readonly port: number;
  /** Calls so far. */
  readonly served: () => number;
  close(): void;
}

/** Says each byte of what it is sent in a message of its own; nothing but a status (5) where that is empty. */
export async function spellingApp(): Promise<SpellingApp> {
  const server = new Server();
  let served = 0;
  const spell = {
    path: '/a.B/Spell',
    requestStream: false,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { spell },
    {
      spell: (call: ServerWritableStream<Buffer, Buffer>) => {
        served++;
        if (call.request.length === 0) {
          call.emit('error', { code: 5, details: 'nothing to spell' });
          return;
        }
        for (const byte of call.request) call.write(Buffer.from([byte]));
        call.end();
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, served: () => served, close: () => server.forceShutdown() };
}

/** The frame of a message; `text` is latin1. */
export function message(text: string): Buffer {
  const bytes = Buffer.alloc(5 + text.length);
  bytes.writeUInt32BE(text.length, 1);
  bytes.write(text, 5, 'latin1');
  return bytes;
}

/** The frames of a body: `0:…` messages, `128:…` trailers. */
export function frames(body: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    found.push(`${body[at]}:${body.toString('latin1', at + 5, at + 5 + length)}`);
    at += 5 + length;
  }
  return found;
}

/** The bytes of an answer of grpc-web-text: pieces of base64, each with its own padding, one behind the other. */
export function decoded(text: string): Buffer {
  return Buffer.concat((text.match(/[^=]+={0,2}/g) ?? []).map(part => Buffer.from(part, 'base64')));
}
