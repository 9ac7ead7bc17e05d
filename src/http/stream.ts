// The streams that codecs and the engine speak of: one request and its answer. HTTP/1.1 is the case of one stream at a time
// on a connection; a codec that multiplexes has many. Both sides have flow control: `data` returns false when the other
// side should pause, and the writable callback says when to go on.
import type { Flag, Guarded } from '../errors/index.ts';
import type { Fields } from './fields.ts';
import type { Head } from './head.ts';
import type { LocalReply } from './local-reply.ts';

/** A request that was received, as the engine answers it. Implemented by server codecs. */
export interface ServerStream {
  /** A 1xx answer other than 101. */
  informational(head: Head): void;
  /** The answer's head. `end`: no body follows. With status 101, or 2xx to CONNECT, data is raw bytes from then on. */
  respond(head: Head, end: boolean): void;
  /** An answer of Weft's own: complete, with this body; 2xx to CONNECT opens the tunnel. Only before `respond`. */
  respondLocal(reply: LocalReply): void;
  /** Body bytes; copied. False: pause until `onResponseWritable`. */
  data(bytes: Buffer, start: number, end: number): boolean;
  /** The answer is complete. `trailers` are written before it returns; undefined where there are none. */
  end(trailers: Fields | undefined): void;
  /**
   * Breaks the stream off, so that the client cannot take it for a complete answer. `why`: for protocols that can say it. `code`:
   * the very error of HTTP/2, where one is asked for.
   */
  abort(why: Flag, code?: number): void;
  /** The client's connection has had its time: it ends now if nothing is under way, otherwise with the answer. */
  finish(): void;
  /** Flow control of the request's body. */
  pauseRequest(): void;
  resumeRequest(): void;
}

/** A stream between the engine and a codec's, which an answer goes through. It may still write once the engine is done. */
export interface AnswerStream extends ServerStream {
  /** The codec's stream is another request's from now on, or nobody's: nothing may be written to it any more. */
  detach(): void;
}

/** What a server codec tells the engine about one stream. */
export interface ServerStreamHandler {
  /** A request head arrived. It is only valid during the call unless retained. `end`: it has no body. */
  onRequest(head: Head, end: boolean): void;
  onRequestData(bytes: Buffer, start: number, end: number): void;
  /** `trailers` are only valid during the call unless copied; undefined where there are none. */
  onRequestEnd(trailers: Fields | undefined): void;
  /** The client went away or broke the protocol before the exchange was complete. Nothing follows. */
  onRequestAbort(flag: Flag, detail: string): void;
  onResponseWritable(): void;
}

/**
 * Why a stream to an upstream is given up. A codec tells the upstream in the words of its protocol, where it has any.
 *
 * `client-gone`: whoever asked has left or broken off. `timed-out`: the answer takes too long. `overtaken`: another try has
 * answered first. `not-taken`: its answer is not wanted, and the request goes out again. `unwanted`: nobody needs the rest of the
 * answer. `draining`: Weft ends. `fault`: an error of Weft's own.
 */
export type CancelReason =
  | 'client-gone'
  | 'timed-out'
  | 'overtaken'
  | 'not-taken'
  | 'unwanted'
  | 'draining'
  | 'fault';

/** A request that was sent, as the engine steers it. Implemented by client codecs. */
export interface ClientStream {
  /** Sends the head with its edits. `end`: no body follows. */
  request(head: Head, end: boolean): void;
  /** Body bytes; copied. False: pause until `onRequestWritable`. */
  data(bytes: Buffer, start: number, end: number): boolean;
  /** The request is complete. `trailers` as in ServerStream.end. */
  end(trailers: Fields | undefined): void;
  /** Gives the stream up; its handler hears nothing more. Does nothing on one that is over. */
  cancel(why: CancelReason): void;
  pauseResponse(): void;
  resumeResponse(): void;
}

/** Where a failure is for good. */
export type Final = 'everywhere' | 'here';

/** How a stream to an upstream failed. */
export interface StreamFailure {
  readonly flag: Flag;
  /** Plain words: what happened, with errno names. */
  readonly detail: string;
  /** Whether the connection had carried a request before: the idle keep-alive race is possible. */
  readonly reused: boolean;
  /** `true` when it is certain that the peer took no byte of this request, or says that it has done nothing with it. */
  readonly unread: boolean;
  /** What trying again cannot change: `everywhere` the answer is beyond a limit, `here` this endpoint's answer is malformed. */
  readonly final?: Final;
}

/** What a client codec tells the engine about one stream. */
export interface ClientStreamHandler extends Guarded {
  onInformational(head: Head): void;
  /** The answer's head, valid only during the call. `end`: no body follows. */
  onResponse(head: Head, end: boolean): void;
  onResponseData(bytes: Buffer, start: number, end: number): void;
  /** `trailers` as in ServerStreamHandler.onRequestEnd. */
  onResponseEnd(trailers: Fields | undefined): void;
  /** The stream is broken; nothing follows. */
  onResponseAbort(failure: StreamFailure): void;
  onRequestWritable(): void;
}
