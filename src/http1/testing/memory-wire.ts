// A wire without a kernel: bytes go in and come out in the same turn, so that a million cases run in seconds and every
// segmentation and every stall happens exactly when the test says.
import { flushFor, Wire } from '../../wire/index.ts';
import {
  END_OF_STREAM,
  type NativeStream,
  type ShutdownRequest,
  stream,
  type WriteRequest,
} from '../../wire/native.ts';

const { streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = stream;
const ECONNRESET = -104;

/** What waits to be read: bytes, or a negative errno (END_OF_STREAM, a reset). */
type Input = Buffer | number;

/** The far end of a Wire, in memory. */
export class MemoryPeer implements NativeStream {
  readonly wire: Wire;
  onread!: (this: NativeStream) => void;
  readonly fd = -1;
  /** Whether the wire is gone, and whether with a reset. */
  closed = false;
  wasReset = false;
  /** While true, the kernel takes nothing: writes stay pending. */
  stalled = false;
  readonly #input: Input[] = [];
  readonly #output: Buffer[] = [];
  readonly #shutdowns: ShutdownRequest[] = [];
  #pendingWrite: { request: WriteRequest; bytes: Uint8Array } | undefined;
  #readBuffer!: Uint8Array;
  #reading = false;
  #pumping = false;
  #ended = false;

  constructor() {
    this.wire = new Wire(
      this,
      {
        close: () => this.close(),
        reset: () => {
          this.wasReset = true;
          this.close();
        },
      },
      false,
    );
  }

  /** Sends to the wire; each call arrives as a read of its own (or several, when it is larger than the read buffer). */
  send(bytes: Buffer | string): void {
    let rest = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    while (rest.length > 0) {
      this.#input.push(rest.subarray(0, this.#readBuffer.length));
      rest = rest.subarray(this.#readBuffer.length);
    }
    this.pump();
  }

  /** Ends this side in order. */
  end(): void {
    this.#input.push(END_OF_STREAM);
    this.pump();
  }

  /** Breaks the connection as a TCP reset does. */
  breakOff(): void {
    this.#input.push(ECONNRESET);
    this.pump();
  }

  /** Everything that the wire sent and the kernel took. */
  get received(): Buffer {
    flushFor(this.wire);
    if (this.#output.length > 1) this.#output.splice(0, this.#output.length, Buffer.concat(this.#output));
    return this.#output[0] ?? Buffer.alloc(0);
  }

  /** Whether the wire ended its side in order, and the kernel took that. */
  get ended(): boolean {
    this.#runShutdowns();
    return this.#ended;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** Takes what was received so far. */
  take(): string {
    const { text } = this;
    this.#output.length = 0;
    return text;
  }

  /** Bytes sent that the wire has not read, because it paused. */
  get unread(): number {
    return this.#input.reduce<number>(
      (sum, input) => sum + (typeof input === 'number' ? 0 : input.length),
      0,
    );
  }

  /** Lets the kernel take what it refused while `stalled`; `once`: that, and nothing more. */
  release(once = false): void {
    this.stalled = once;
    const pending = this.#pendingWrite;
    if (pending !== undefined) {
      this.#pendingWrite = undefined;
      this.#output.push(Buffer.from(pending.bytes));
      pending.request.oncomplete(0);
    }
    this.pump();
  }

  /** Delivers what waits, as the event loop would. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    flushFor(this.wire);
    this.#runShutdowns();
    while (this.#input.length > 0 && this.#reading && !this.closed) {
      this.#deliver(this.#input.shift()!);
      this.#runShutdowns();
    }
    this.#pumping = false;
  }

  #runShutdowns(): void {
    while (this.#pendingWrite === undefined && this.#shutdowns.length > 0) {
      this.#ended = true;
      this.#shutdowns.shift()!.oncomplete(0);
    }
  }

  #deliver(input: Input): void {
    if (typeof input === 'number') streamBaseState[kReadBytesOrError] = input;
    else {
      this.#readBuffer.set(input);
      streamBaseState[kReadBytesOrError] = input.length;
    }
    this.onread();
  }

  readStart(): number {
    this.#reading = true;
    return 0;
  }

  readStop(): number {
    this.#reading = false;
    return 0;
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#readBuffer = buffer;
  }

  writeBuffer(request: WriteRequest, bytes: Uint8Array): number {
    if (this.stalled) {
      this.#pendingWrite = { request, bytes };
      streamBaseState[kLastWriteWasAsync] = 1;
      return 0;
    }
    this.#output.push(Buffer.from(bytes));
    streamBaseState[kLastWriteWasAsync] = 0;
    return 0;
  }

  shutdown(request: ShutdownRequest): number {
    this.#shutdowns.push(request);
    return 0;
  }

  close(): void {
    this.closed = true;
    this.#reading = false;
    this.#pendingWrite = undefined;
    this.#shutdowns.length = 0;
  }

  getpeername(): number {
    return -107;
  }

  getsockname(): number {
    return -107;
  }
}
