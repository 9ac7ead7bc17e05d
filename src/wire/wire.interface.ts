// The sides of a wire: who hears of it, who has its handle, and what carriers of bytes have in common that are no wires.

/** What happens to a connection is told to its handler: the codec, or whoever peeks at it. Methods, so nothing is allocated. */
export interface WireHandler {
  /** `bytes[start, end)` arrived. They are gone when this returns: copy what must stay. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer will send no more (TCP FIN, TLS close_notify). It may still read. */
  onEnd(): void;
  /** After `write` returned false: everything was taken by the kernel. */
  onDrain(): void;
  /** Both directions are over; nothing follows. `error` is an errno name (`ECONNRESET`) or empty after an orderly end. */
  onClose(error: string): void;
  /** An error of Weft's own came up in one of the others. The wire is reset next, and `onClose` is called as always. */
  onFault?(): void;
}

/** Opens and closes the handle under a wire: TCP closes its handle, TLS its socket. */
export interface WireOwner {
  close(): void;
  /** Closes so that the peer sees a reset and not an orderly end. */
  reset(): void;
}

/**
 * Bytes both ways with back-pressure, ends of either side and resets: a Wire, or what is carried inside one and behaves as it
 * does. Methods and properties mean what Wire says of them.
 */
export interface ByteStream {
  handler: WireHandler;
  readonly ended: boolean;
  readonly closed: boolean;
  resume(): void;
  pause(): void;
  write(bytes: Uint8Array, start: number, end: number): boolean;
  writable(): boolean;
  end(): void;
  destroy(error?: string): void;
  reset(error?: string): void;
}
