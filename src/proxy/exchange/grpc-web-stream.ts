import type { Flag } from '../../errors/index.ts';
import { Base64Reader, base64Of, trailersFrame, type WebCall } from '../../grpc/index.ts';
import {
  type Fields,
  type Head,
  type LocalReply,
  type ServerStream,
  UNKNOWN_LENGTH,
} from '../../http/index.ts';

const contentType = Buffer.from('content-type', 'latin1');
const te = Buffer.from('te', 'latin1');
const trailersWord = Buffer.from('trailers', 'latin1');
const grpcType = 'application/grpc';
const webType = 'application/grpc-web';

/**
 * A stream of gRPC-Web, as its exchange sees it: a stream of gRPC. Between the codec and the exchange, for one request; the
 * exchange asks it for the bytes of the request, and answers to it.
 */
export class GrpcWebStream implements ServerStream {
  readonly #stream: ServerStream;
  readonly #type: string;
  readonly #reader: Base64Reader | undefined;

  constructor(stream: ServerStream, { text, suffix }: WebCall) {
    this.#stream = stream;
    this.#type = `${webType}${text ? '-text' : ''}${suffix}`;
    this.#reader = text ? new Base64Reader() : undefined;
  }

  /** Makes a request of gRPC out of it, whose head is retained. */
  static translate(request: Head, { index, text, suffix }: WebCall): void {
    request.shorten(index, Buffer.from(`${grpcType}${suffix}`, 'latin1'));
    request.set(te, trailersWord);
    if (!text || request.bodyLength === 0) return;
    if (request.contentLength >= 0) request.remove(request.contentLength);
    request.contentLength = -1;
    request.bodyLength = UNKNOWN_LENGTH;
  }

  /** The request's bytes as gRPC has them; undefined where they are none. */
  read(bytes: Buffer, start: number, end: number): Buffer | undefined {
    return this.#reader === undefined ? bytes.subarray(start, end) : this.#reader.read(bytes, start, end);
  }

  informational(head: Head): void {
    this.#stream.informational(head);
  }

  respond(head: Head, end: boolean): void {
    const index = head.find(contentType);
    // What is no gRPC goes on as it is: a proxy's page, say.
    if (index < 0 || head.text(index).toLowerCase().startsWith(grpcType))
      head.set(contentType, Buffer.from(this.#type, 'latin1'));
    if (!end) {
      if (head.contentLength >= 0) head.remove(head.contentLength);
      head.contentLength = -1;
      head.bodyLength = UNKNOWN_LENGTH;
    }
    this.#stream.respond(head, end);
  }

  /** A status without a message stands in the head, where pages may read it. */
  respondLocal(reply: LocalReply): void {
    this.#stream.respondLocal(reply.contentType === grpcType ? { ...reply, contentType: this.#type } : reply);
  }

  data(bytes: Buffer, start: number, end: number): boolean {
    if (this.#reader === undefined) return this.#stream.data(bytes, start, end);
    const text = base64Of(bytes, start, end);
    return this.#stream.data(text, 0, text.length);
  }

  end(trailers: Fields | undefined): void {
    const frame = trailersFrame(trailers);
    this.data(frame, 0, frame.length);
    this.#stream.end(undefined);
  }

  abort(why: Flag, code?: number): void {
    this.#stream.abort(why, code);
  }

  finish(): void {
    this.#stream.finish();
  }

  pauseRequest(): void {
    this.#stream.pauseRequest();
  }

  resumeRequest(): void {
    this.#stream.resumeRequest();
  }
}
