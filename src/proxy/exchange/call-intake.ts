import { webCallOf } from '../../grpc/index.ts';
import type { Head } from '../../http/index.ts';
import type { ExchangeParts } from './exchange-parts.ts';
import { GrpcCall } from './grpc-call.ts';
import { GrpcWebStream } from './grpc-web-stream.ts';
import type { RequestSoFar } from './request-so-far.ts';
import type { StreamInfo } from './stream-info.ts';
import type { TimeLimits } from './time-limits.ts';

/** What is said of a call of gRPC-Web whose body cannot be read. */
export const NO_BASE64 = 'the body of a call of application/grpc-web-text is no base64';

/** Makes gRPC calls of requests. One object serves the requests of a stream, one after the other. */
export class CallIntake {
  readonly #request: RequestSoFar;
  readonly #info: StreamInfo;
  readonly #limits: TimeLimits;
  /** Made when a call first comes, and kept for the next. */
  #call: GrpcCall | undefined;

  constructor({ request, info, limits }: ExchangeParts) {
    this.#request = request;
    this.#info = info;
    this.#limits = limits;
  }

  /** The request under way is a call. */
  begin(head: Head): void {
    this.#call ??= new GrpcCall();
    const call = this.#call;
    call.begin(head, this.#info.startMs);
    this.#request.call = call;
    if (call.timeoutMs >= 0) this.#limits.callEnds(call.timeoutMs);
  }

  /** A call of gRPC-Web to a port that speaks it becomes one of gRPC. False: its body is none. */
  translateWeb(head: Head): boolean {
    const said = webCallOf(head);
    if (said === undefined) return true;
    const request = this.#request;
    const web = new GrpcWebStream(request.stream, said);
    request.stream = web;
    request.web = web;
    GrpcWebStream.translate(head, said);
    this.begin(head);
    const { body, call } = request;
    const { pieces } = body;
    body.clear();
    this.#info.receivedBytes = 0;
    for (const piece of pieces) {
      const read = web.read(piece, 0, piece.length);
      if (read === undefined) return false;
      body.add(read, 0, read.length, true);
      call!.requestMessages.add(read, 0, read.length);
      this.#info.receivedBytes += read.length;
    }
    return true;
  }
}
