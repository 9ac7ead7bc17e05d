import { INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import type { Head, LocalReply, ServerStream, ServerStreamHandler } from '../../http/index.ts';
import {
  type Fault,
  type Http2Options,
  ServerConnection,
  type ServerConnectionHost,
} from '../../http2/index.ts';
import type { Wire } from '../../wire/index.ts';
import { DownstreamStream } from './downstream-stream.ts';

/** What becomes of what comes on it. */
export interface StreamCarrierHost {
  /** Another proxy asks for a stream of bytes, or for whatever else the head says. To be opened or refused, now or later. */
  onStream(head: Head, bytes: DownstreamStream): void;
  /** A request that is none. The answer to it. */
  onMalformed(fault: Fault): LocalReply;
  /** The connection is gone. Its streams have heard so. */
  onClosed(): void;
}

/** A connection from another proxy that carries streams of bytes. */
export class StreamCarrier implements ServerConnectionHost {
  readonly #connection: ServerConnection;
  readonly #host: StreamCarrierHost;

  constructor(wire: Wire, options: Http2Options, host: StreamCarrierHost) {
    this.#connection = new ServerConnection(wire, options);
    this.#host = host;
  }

  /** Takes the wire over. `first`: bytes that were read already. */
  start(first: Buffer | undefined): void {
    this.#connection.start(this, first);
  }

  get over(): boolean {
    return this.#connection.over;
  }

  /** Takes no new streams, and says so (GOAWAY); closes after the last. */
  drain(): void {
    this.#connection.drain();
  }

  closeIfIdle(): void {
    if (this.#connection.idle) this.#connection.relieve(false);
  }

  onFault(): void {
    this.#connection.onFault();
  }

  accept(stream: ServerStream): ServerStreamHandler {
    return new StreamSlot(this.#host, stream);
  }

  onMalformed(fault: Fault): LocalReply {
    return this.#host.onMalformed(fault);
  }

  onConnectionClosed(): void {
    this.#host.onClosed();
  }
}

/** A stream of the codec; carries one after the other, of which the last may not know yet that it is over. */
class StreamSlot implements ServerStreamHandler {
  readonly #host: StreamCarrierHost;
  readonly #stream: ServerStream;
  #bytes: DownstreamStream | undefined;

  constructor(host: StreamCarrierHost, stream: ServerStream) {
    this.#host = host;
    this.#stream = stream;
  }

  onRequest(head: Head): void {
    const bytes = new DownstreamStream(this.#stream);
    this.#bytes = bytes;
    try {
      this.#host.onStream(head, bytes);
    } catch (thrown) {
      internalError('stream', thrown);
      bytes.reset(INTERNAL_ERROR);
    }
  }
  onRequestData(bytes: Buffer, start: number, end: number): void {
    this.#bytes?.onRequestData(bytes, start, end);
  }
  onRequestEnd(): void {
    this.#bytes?.onRequestEnd();
  }
  onRequestAbort(_flag: string, detail: string): void {
    this.#bytes?.onRequestAbort(detail);
  }
  onResponseWritable(): void {
    this.#bytes?.onResponseWritable();
  }
}
