import { isGrpc } from '../../grpc/index.ts';
import {
  type AnswerStream,
  type ClientStream,
  type Fields,
  type Head,
  isIdempotent,
  type ServerStream,
} from '../../http/index.ts';
import type { GrpcCall } from './grpc-call.ts';
import type { GrpcWebStream } from './grpc-web-stream.ts';
import { ReplayBuffer } from './replay-buffer.ts';

/**
 * A request as far as it has come in: what a try sends on, and sends again. One object serves the requests of a connection, one
 * after the other.
 */
export class RequestSoFar {
  /** What it came in by, and its answer goes to: the codec's stream, or what stands between that and the exchange. */
  stream: ServerStream;
  head!: Head;
  /** Nothing more will come. */
  ended = false;
  trailers: Fields | undefined;
  /** Defined where it is a gRPC call. */
  call: GrpcCall | undefined;
  /** Defined where it was a call of gRPC-Web, and is one of gRPC now. */
  web: GrpcWebStream | undefined;
  readonly body = new ReplayBuffer();
  readonly #codecStream: ServerStream;
  /** What its answer goes through on the way to the codec, and may go on writing when the request is over. */
  #between: AnswerStream | undefined;

  constructor(stream: ServerStream) {
    this.#codecStream = stream;
    this.stream = stream;
  }

  /** `ended`: it has no body. */
  begin(head: Head, ended: boolean): void {
    if (this.#between !== undefined) this.unwrap();
    this.stream = this.#codecStream;
    this.head = head;
    this.ended = ended;
  }

  /** See FilteredRequest.answerThrough. */
  wrap(between: AnswerStream): void {
    this.#between = between;
    this.stream = between;
  }

  /** The client gets nothing more of this request's answer. */
  unwrap(): void {
    this.#between?.detach();
    this.#between = undefined;
  }

  /** Keeps nothing of it. */
  clear(): void {
    this.trailers = undefined;
    if (this.call !== undefined) this.call.heldHead = undefined;
    this.call = undefined;
    this.web = undefined;
    this.body.clear();
  }

  /** Whether doing it twice is the same as doing it once. */
  get idempotent(): boolean {
    return isIdempotent(this.head.method);
  }

  /** Whether its client speaks HTTP/2, also where a proxy on the way says so. */
  get isHttp2(): boolean {
    return (this.head.major === 2 && !this.head.translated) || this.web !== undefined;
  }

  /** Whether it makes no sense over HTTP/1. */
  get needsHttp2(): boolean {
    return (this.head.major === 2 && isGrpc(this.head)) || this.web !== undefined;
  }

  /** Whether it can be sent again as it came. */
  get repeatable(): boolean {
    return this.body.complete && !this.head.isUpgrade;
  }

  /** Sends what there is of it, head first. False: more of it is to come. */
  sendTo(stream: ClientStream, nowMs: number): boolean {
    const { head, body, ended } = this;
    this.call?.stamp(head, nowMs);
    const whole = ended && body.empty && head.bodyLength === 0;
    stream.request(head, whole);
    if (whole) return true;
    for (const piece of body.pieces) stream.data(piece, 0, piece.length);
    if (ended) stream.end(this.trailers);
    return ended;
  }
}
