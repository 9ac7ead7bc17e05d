import { constants } from 'node:os';
import { giveUp, INTERNAL_ERROR, internalError } from '../errors/index.ts';
import { Backlog } from './backlog.ts';
import { noteGrowth } from './crowding.ts';
import { frugal, highWaterBytes } from './holding.ts';
import { endAtOnce } from './last-words.ts';
import { type Reader, stopLater } from './late-stops.ts';
import {
  type AddressInfo,
  END_OF_STREAM,
  errorName,
  type NativeStream,
  stream,
  type WriteRequest,
} from './native.ts';
import { onRead } from './read-event.ts';
import { newShutdown, newWrite, type Requester } from './requests.ts';
import {
  append,
  discard,
  enterEvent,
  flushFor,
  giveBack,
  isInsideEvent,
  leaveEvent,
  reserve,
  SCRATCH_BYTES,
  type ScratchOwner,
} from './scratch.ts';
import type { ByteStream, WireHandler, WireOwner } from './wire.interface.ts';
import { WriteQueue } from './write-queue.ts';

/** Every connection reads into this; whoever is called with it uses it up before returning. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
const { streamBaseState, kLastWriteWasAsync } = stream;
const ALREADY = -constants.errno.EALREADY;
const nobody: WireHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/**
 * One connection as bytes: TCP, or the clear side of TLS. Built on a handle that is not reading; `start` begins to read.
 * Not for use by several handlers at once; a handler may hand the wire over by setting `handler` while it is called.
 */
export class Wire implements ScratchOwner, ByteStream, Requester, Reader {
  handler: WireHandler = nobody;
  /** Bytes received and sent so far. */
  bytesRead = 0;
  bytesWritten = 0;
  readonly native: NativeStream;
  readonly #owner: WireOwner;
  readonly #secure: boolean;
  #idleRequest: WriteRequest | undefined;
  #writing: WriteRequest | undefined;
  #writingBytes = 0;
  readonly #queue = new WriteQueue();
  #wantsDrain = false;
  #reading = false;
  /** Whether the handle reads: it goes on after `pause` until the event's end. */
  #handleReads = false;
  /** What came while not reading: TLS gives out every record of a segment that it has, whoever has stopped it. */
  #backlog: Backlog | undefined;
  #ended = false;
  #endWanted = false;
  #endSent = false;
  #shuttingDown = false;
  #closed = false;

  constructor(native: NativeStream, owner: WireOwner, secure: boolean) {
    this.native = native;
    this.#owner = owner;
    this.#secure = secure;
    native.wire = this;
    native.useUserBuffer(readBuffer);
    native.onread = onRead;
  }

  /** Whether the peer has said that it sends no more. */
  get ended(): boolean {
    return this.#ended;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether this side has ended, or will when the queue is empty. */
  get ending(): boolean {
    return this.#endWanted;
  }

  /** Whether this is the clear side of TLS. */
  get secure(): boolean {
    return this.#secure;
  }

  /** Bytes that were given to `write` and that the kernel has not taken. */
  get pendingBytes(): number {
    return this.#writingBytes + this.#queue.bytes;
  }

  /** Begins or continues to read; nothing is delivered before this returns. */
  resume(): void {
    if (this.#reading || this.#closed || this.#ended) return;
    this.#reading = true;
    if (this.#backlog !== undefined)
      setImmediate(() => this.#guard('wire.backlog', () => this.#deliverBacklog()));
    if (this.#handleReads) return;
    this.#handleReads = true;
    const errno = this.native.readStart();
    // TLS has been reading since its handshake.
    if (errno !== 0 && errno !== ALREADY) this.#fail(errno);
  }

  /** Stops reading: `onData` and `onEnd` are not called until `resume`. The kernel's window then slows the peer. */
  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    if (isInsideEvent()) stopLater(this);
    else this.stopReading();
  }

  /** For late-stops.ts only. */
  stopReading(): void {
    if (this.#reading || !this.#handleReads || this.#closed) return;
    this.#handleReads = false;
    this.native.readStop();
  }

  get reading(): boolean {
    return this.#reading;
  }

  /**
   * Sends `bytes[start, end)`; copies them, so they may be reused at once. Returns false when the caller should stop until
   * `onDrain`; the bytes are sent all the same. After `end` or close nothing is sent.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      const length = Math.min(end - at, SCRATCH_BYTES);
      reserve(this, length);
      append(bytes, at, at + length);
      at += length;
    }
    return this.writable();
  }

  /** Whether there is room for more; if not, `onDrain` will be called. */
  writable(): boolean {
    if (this.#writingBytes + this.#queue.bytes < highWaterBytes) return true;
    this.#wantsDrain = true;
    return false;
  }

  /** Sends what is queued and then the end of this side; the peer may go on sending. */
  end(): void {
    if (this.#endWanted || this.#closed) return;
    // TLS has words of its own for an end, and one that is the answer to the peer's closes the connection.
    const errno = this.#writing === undefined && !this.#secure && !this.#ended ? endAtOnce(this) : undefined;
    if (errno === undefined) flushFor(this);
    this.#endWanted = true;
    if (errno !== undefined) {
      this.#endSent = true;
      if (errno !== 0) this.#failLater(errno);
    } else if (this.#writing === undefined) this.#sendEnd();
  }

  /** Closes both directions at once; what the kernel has not taken is lost. `onClose` is called before this returns. */
  destroy(error = ''): void {
    if (this.#closed) return;
    this.#close(error);
    this.#owner.close();
  }

  /** Closes with a reset, so that the peer does not take it for an orderly end. */
  reset(error = ''): void {
    if (this.#closed) return;
    this.#close(error);
    this.#resetHandle();
  }

  #resetHandle(): void {
    // libuv refuses to reset while a shutdown is under way, and Node then takes the handle for closed though it stays open for
    // ever.
    if (this.#shuttingDown) this.#owner.close();
    else this.#owner.reset();
  }

  /** An error of Weft's own came up in an event of this connection: tells it, and closes it with a reset. Never throws. */
  crash(where: string, thrown: unknown): void {
    internalError(where, thrown);
    giveUp(where, this.handler);
    if (this.#closed) return;
    this.#close(INTERNAL_ERROR);
    // Not in the middle of whatever called: a TLS handle whose socket is reset during its handshake takes the process with it.
    setImmediate(() => {
      try {
        this.#resetHandle();
      } catch (second) {
        internalError(where, second);
      }
    });
  }

  /** As the owner of a deadline that has thrown. */
  onFault(): void {
    this.reset(INTERNAL_ERROR);
  }

  /** Gives the handle away, to be wrapped by TLS. The wire is dead afterwards and `onClose` is not called. */
  release(): NativeStream {
    this.#reading = false;
    this.stopReading();
    flushFor(this);
    this.#closed = true;
    this.handler = nobody;
    this.native.wire = undefined;
    return this.native;
  }

  /** The peer's address; undefined when the connection is already gone. */
  remoteAddress(): AddressInfo | undefined {
    const info: AddressInfo = {};
    return !this.#closed && this.native.getpeername(info) === 0 ? info : undefined;
  }

  localAddress(): AddressInfo | undefined {
    const info: AddressInfo = {};
    return !this.#closed && this.native.getsockname(info) === 0 ? info : undefined;
  }

  /** For scratch.ts only. */
  writeScratch(bytes: Buffer, length: number): boolean {
    if (this.#closed || this.#endWanted) return false;
    this.bytesWritten += length;
    if (this.#writing !== undefined) return this.#queue.add(bytes, length);
    if (frugal && length < bytes.length / 2) {
      this.#send(Buffer.from(bytes.subarray(0, length)), length);
      return false;
    }
    return this.#send(bytes, length);
  }

  /** Returns whether the kernel still needs `bytes`. */
  #send(bytes: Buffer, length: number): boolean {
    const request = this.#idleRequest ?? newWrite(this);
    this.#idleRequest = undefined;
    const errno = this.native.writeBuffer(
      request,
      length === bytes.length ? bytes : bytes.subarray(0, length),
    );
    if (errno !== 0) {
      this.#failLater(errno);
      return false;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      this.#idleRequest = request;
      return false;
    }
    this.#writing = request;
    this.#writingBytes = length;
    noteGrowth(bytes.length);
    // TLS has encrypted into buffers of its own by now; TCP sends from these bytes later.
    if (this.#secure) return false;
    request.bytes = bytes;
    return true;
  }

  /** For requests.ts only. */
  written(request: WriteRequest, status: number): void {
    const kept = request.bytes as Buffer | undefined;
    if (kept !== undefined) {
      request.bytes = undefined;
      giveBack(kept);
    }
    this.#writing = undefined;
    this.#writingBytes = 0;
    if (this.#closed) return;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    // A request object that went through the kernel's queue is spent; the next write makes a new one.
    while (this.#queue.bytes > 0) {
      const { bytes, used } = this.#queue.take();
      if (!this.#send(bytes, used)) giveBack(bytes);
      if (this.#closed || this.#writing !== undefined) return;
    }
    if (this.#endWanted) this.#sendEnd();
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.handler.onDrain();
    }
  }

  #sendEnd(): void {
    if (this.#endSent || this.#closed) return;
    this.#endSent = true;
    const errno = this.native.shutdown(newShutdown(this));
    if (errno !== 0) this.#failLater(errno);
    else this.#shuttingDown = true;
  }

  /** For requests.ts only. */
  shutDown(status: number): void {
    this.#shuttingDown = false;
    if (this.#closed) return;
    if (status < 0 && !this.#ended) this.#fail(status);
    else if (this.#ended) this.destroy();
  }

  /** For read-event.ts only. */
  received(length: number): void {
    if (length > 0) {
      this.bytesRead += length;
      if (this.#reading && this.#backlog === undefined) this.handler.onData(readBuffer, 0, length);
      else if (!this.#closed) this.#kept().add(readBuffer.subarray(0, length));
      return;
    }
    if (length === 0 || this.#closed) return;
    if (length !== END_OF_STREAM) {
      this.#fail(length);
      return;
    }
    if (this.#reading && this.#backlog === undefined) this.#receivedEnd();
    else this.#kept().ended = true;
  }

  #kept(): Backlog {
    this.#backlog ??= new Backlog();
    return this.#backlog;
  }

  /** Rare. The handler may stop it at any point. */
  #deliverBacklog(): void {
    while (this.#reading && !this.#closed && this.#backlog !== undefined) {
      const backlog = this.#backlog;
      const bytes = backlog.next();
      if (bytes !== undefined) this.handler.onData(bytes, 0, bytes.length);
      else {
        this.#backlog = undefined;
        if (backlog.ended) this.#receivedEnd();
      }
    }
  }

  #receivedEnd(): void {
    this.#ended = true;
    this.pause();
    this.handler.onEnd();
    // When both sides have ended, there is nothing left that could happen.
    if (this.#endSent && this.#writing === undefined) this.destroy();
  }

  #failLater(errno: number): void {
    // The caller is in the middle of writing; it learns of the failure as an event of its own.
    setImmediate(() => this.#guard('wire.failure', () => this.#fail(errno)));
  }

  /** An event that is rare enough for a closure. */
  #guard(where: string, run: () => void): void {
    enterEvent();
    try {
      run();
    } catch (thrown) {
      this.crash(where, thrown);
    }
    leaveEvent();
  }

  #fail(errno: number): void {
    this.destroy(errorName(errno));
  }

  #close(error: string): void {
    this.#reading = false;
    if (this.#secure) this.stopReading();
    flushFor(this);
    discard(this);
    this.#closed = true;
    this.#queue.clear();
    const handler = this.handler;
    this.handler = nobody;
    // Whatever it does, the handle under this is closed next.
    try {
      handler.onClose(error);
    } catch (thrown) {
      internalError('wire.close', thrown);
      giveUp('wire.close', handler);
    }
  }
}
