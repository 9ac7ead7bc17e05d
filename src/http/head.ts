import { equalsIgnoreCase } from './bytes.ts';

/** Integers per header in `Head.slots`. */
const STRIDE = 5;
const NAME_START = 0;
const NAME_END = 1;
const VALUE_START = 2;
const VALUE_END = 3;
/** Where the line ends, CRLF included; negative when the header is removed. */
const LINE_END = 4;

const initialHeaders = 32;

/** Well-known headers that a parser notes while it reads, as indexes into the head's headers; -1 when absent. */
export interface Noted {
  host: number;
  connection: number;
  upgrade: number;
  expect: number;
  contentLength: number;
  transferEncoding: number;
  te: number;
  requestId: number;
  forwardedFor: number;
  clientCertificate: number;
}

/**
 * The head of a request or a response as byte ranges, with edits beside them. Names, order, case and spacing of what is not
 * edited go through byte for byte. Belongs to one stream and is reused for the next message.
 *
 * A parsed head points into a buffer that is about to be reused: `retain` copies it when it must live on.
 */
export class Head implements Noted {
  bytes: Buffer = empty;
  /** The head's range in `bytes`: from the first byte of the start line to after the empty line. */
  start = 0;
  end = 0;
  /** Where the header lines begin. */
  headersStart = 0;
  /** Minor version: 1 for HTTP/1.1 (and, for codecs without one, always 1). */
  minor = 1;

  /** Requests: METHOD, and the ranges of method and target. */
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** A new target in place of the one received; undefined to leave it. */
  newTarget: Buffer | undefined = undefined;

  /** Responses. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;

  /** Headers that the parser noted. */
  host = -1;
  connection = -1;
  upgrade = -1;
  expect = -1;
  contentLength = -1;
  transferEncoding = -1;
  te = -1;
  requestId = -1;
  forwardedFor = -1;
  clientCertificate = -1;
  /** A login that belongs to the connection is asked for, offered or under way; see connection-login.ts. */
  connectionLogin = false;

  /** Bytes of the body, 0 for none, or UNKNOWN_LENGTH: then a codec frames it so that its end can be told. */
  bodyLength = 0;
  /** For the HTTP/1 codec: the body comes in chunks, and a header says so. */
  chunked = false;
  /** Response without framing: the body ends when the connection does. */
  untilClose = false;
  /** What the peer said about keeping the connection. */
  keepAlive = true;
  /** The peer's `Keep-Alive: timeout`, milliseconds; 0 when it said none. */
  keepAliveTimeoutMs = 0;
  /** `Connection: upgrade` with an `Upgrade` header. */
  isUpgrade = false;
  expectContinue = false;

  count = 0;
  slots: Int32Array = new Int32Array(initialHeaders * STRIDE);
  /** Fields to send after the received ones: the first `addedCount`. What is behind them is of earlier messages. */
  readonly addedNames: Buffer[] = [];
  readonly addedValues: Buffer[] = [];
  addedCount = 0;
  /** What they take on the wire, about: with four bytes for each, as HTTP/1 writes it. */
  addedBytes = 0;
  removedAny = false;
  #own: Buffer | undefined;

  /** Forgets everything but its buffers. */
  reset(bytes: Buffer, start: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
    this.headersStart = start;
    this.minor = 1;
    this.method = 0;
    this.newTarget = undefined;
    this.status = 0;
    this.host = -1;
    this.connection = -1;
    this.upgrade = -1;
    this.expect = -1;
    this.contentLength = -1;
    this.transferEncoding = -1;
    this.te = -1;
    this.requestId = -1;
    this.forwardedFor = -1;
    this.clientCertificate = -1;
    this.connectionLogin = false;
    this.bodyLength = 0;
    this.chunked = false;
    this.untilClose = false;
    this.keepAlive = true;
    this.keepAliveTimeoutMs = 0;
    this.isUpgrade = false;
    this.expectContinue = false;
    this.count = 0;
    // Not emptied: that would give the array's memory back, only to ask for it again with the next message.
    this.addedCount = 0;
    this.addedBytes = 0;
    this.removedAny = false;
  }

  /** For parsers: appends one header line and returns its index. */
  push(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, lineEnd: number): number {
    const index = this.count++;
    const at = index * STRIDE;
    if (at + STRIDE > this.slots.length) this.#grow();
    const slots = this.slots;
    slots[at + NAME_START] = nameStart;
    slots[at + NAME_END] = nameEnd;
    slots[at + VALUE_START] = valueStart;
    slots[at + VALUE_END] = valueEnd;
    slots[at + LINE_END] = lineEnd;
    return index;
  }

  nameStart(index: number): number {
    return this.slots[index * STRIDE + NAME_START]!;
  }
  nameEnd(index: number): number {
    return this.slots[index * STRIDE + NAME_END]!;
  }
  valueStart(index: number): number {
    return this.slots[index * STRIDE + VALUE_START]!;
  }
  valueEnd(index: number): number {
    return this.slots[index * STRIDE + VALUE_END]!;
  }
  lineEnd(index: number): number {
    return Math.abs(this.slots[index * STRIDE + LINE_END]!);
  }
  isRemoved(index: number): boolean {
    return this.slots[index * STRIDE + LINE_END]! < 0;
  }

  /** Takes the header line out of what is sent on. */
  remove(index: number): void {
    const at = index * STRIDE + LINE_END;
    const lineEnd = this.slots[at]!;
    if (lineEnd < 0) return;
    this.slots[at] = -lineEnd;
    this.removedAny = true;
  }

  /**
   * For parsers: takes `length` bytes behind the header's name out, by moving what is before them. `bytes` must be free to be
   * changed.
   */
  closeGap(index: number, length: number): void {
    this.bytes.copyWithin(this.start + length, this.start, this.nameEnd(index));
    this.start += length;
    this.headersStart += length;
    this.reasonStart += length;
    this.reasonEnd += length;
    const { slots } = this;
    const at = index * STRIDE;
    for (let i = 0; i < at; i++) slots[i] = slots[i]! < 0 ? slots[i]! - length : slots[i]! + length;
    slots[at + NAME_START] = slots[at + NAME_START]! + length;
    slots[at + NAME_END] = slots[at + NAME_END]! + length;
  }

  /** Puts a removed line back. */
  restore(index: number): void {
    const at = index * STRIDE + LINE_END;
    this.slots[at] = Math.abs(this.slots[at]!);
  }

  /**
   * Adds a field after the received ones. Both are kept, not copied, and must be valid HTTP: nobody checks them again. How a
   * field is written is the codec's business.
   */
  add(name: Buffer, value: Buffer): void {
    this.addedNames[this.addedCount] = name;
    this.addedValues[this.addedCount++] = value;
    this.addedBytes += name.length + value.length + 4;
  }

  /** Takes every field of this name (lowercase bytes) out, received or added before. */
  removeAll(lower: Uint8Array): void {
    for (let index = this.find(lower); index >= 0; index = this.find(lower, index + 1)) this.remove(index);
    for (let i = this.addedCount - 1; i >= 0; i--) {
      const name = this.addedNames[i]!;
      if (!equalsIgnoreCase(name, 0, name.length, lower)) continue;
      this.addedNames.splice(i, 1);
      const [value] = this.addedValues.splice(i, 1);
      this.addedCount--;
      this.addedBytes -= name.length + value!.length + 4;
    }
  }

  /** Puts one field in place of every field of this name (lowercase bytes). As for `add`, nobody checks its bytes again. */
  set(lower: Buffer, value: Buffer): void {
    this.removeAll(lower);
    this.add(lower, value);
  }

  /** Whether a field of this name (lowercase bytes) will be sent, received or added. */
  has(lower: Uint8Array): boolean {
    if (this.find(lower) >= 0) return true;
    for (let i = 0; i < this.addedCount; i++) {
      const name = this.addedNames[i]!;
      if (equalsIgnoreCase(name, 0, name.length, lower)) return true;
    }
    return false;
  }

  /** The value of the first field of this name (lowercase bytes) that was added; '' for none. */
  addedText(lower: Uint8Array): string {
    for (let i = 0; i < this.addedCount; i++) {
      const name = this.addedNames[i]!;
      if (equalsIgnoreCase(name, 0, name.length, lower)) return this.addedValues[i]!.toString('latin1');
    }
    return '';
  }

  /** A copy with its edits that shares nothing with this one, for a request that is sent a second time on its own. */
  copy(): Head {
    const copy = new Head();
    const own = Buffer.from(this.bytes.subarray(this.start, this.end));
    const { addedNames, addedValues } = copy;
    Object.assign(copy, this, { addedNames, addedValues, slots: this.slots.slice() });
    copy.#moveToFront();
    copy.bytes = own;
    copy.#own = own;
    for (let i = 0; i < this.addedCount; i++) {
      addedNames.push(this.addedNames[i]!);
      addedValues.push(this.addedValues[i]!);
    }
    return copy;
  }

  /** Index of the first header that is not removed and whose name is `lower` (lowercase bytes); -1 when there is none. */
  find(lower: Uint8Array, from = 0): number {
    for (let index = from; index < this.count; index++) {
      const at = index * STRIDE;
      if (this.slots[at + LINE_END]! < 0) continue;
      if (equalsIgnoreCase(this.bytes, this.slots[at + NAME_START]!, this.slots[at + NAME_END]!, lower))
        return index;
    }
    return -1;
  }

  /** The header's value as text (latin1); '' for index -1. */
  text(index: number): string {
    return index < 0 ? '' : this.bytes.toString('latin1', this.valueStart(index), this.valueEnd(index));
  }

  /** The header's name as received. */
  name(index: number): string {
    return this.bytes.toString('latin1', this.nameStart(index), this.nameEnd(index));
  }

  get methodText(): string {
    return this.bytes.toString('latin1', this.methodStart, this.methodEnd);
  }

  /** The request target as received. */
  get targetText(): string {
    return this.bytes.toString('latin1', this.targetStart, this.targetEnd);
  }

  /** The Host header's value, or ''. */
  get authority(): string {
    return this.text(this.host);
  }

  /** Moves the head into a buffer of its own, so that it outlives the event it was read in. */
  retain(): void {
    const length = this.end - this.start;
    if (this.#own !== undefined && this.bytes === this.#own) return;
    if (this.#own === undefined || this.#own.length < length)
      this.#own = Buffer.allocUnsafeSlow(Math.max(1024, length));
    this.bytes.copy(this.#own, 0, this.start, this.end);
    this.#moveToFront();
    this.bytes = this.#own;
  }

  /** Lets go of the retained bytes, for connections that wait long for their next message. */
  release(): void {
    this.#own = undefined;
    this.bytes = empty;
    this.addedNames.length = 0;
    this.addedValues.length = 0;
    this.addedCount = 0;
    this.count = 0;
  }

  /**
   * Its first byte is now at 0. The distance is subtracted, never negated: a head mostly begins at 0, and -0 is no small integer
   * to V8, which then keeps all offsets as doubles and allocates one for every step of every loop that begins at them.
   */
  #moveToFront(): void {
    const by = this.start;
    if (by === 0) return;
    this.start = 0;
    this.end -= by;
    this.headersStart -= by;
    this.methodStart -= by;
    this.methodEnd -= by;
    this.targetStart -= by;
    this.targetEnd -= by;
    this.reasonStart -= by;
    this.reasonEnd -= by;
    const slots = this.slots;
    for (let at = 0; at < this.count * STRIDE; at++)
      slots[at] = slots[at]! < 0 ? slots[at]! + by : slots[at]! - by;
  }

  #grow(): void {
    const larger = new Int32Array(this.slots.length * 2);
    larger.set(this.slots);
    this.slots = larger;
  }
}

/** `Head.bodyLength` of a body whose length is not known before it ends. */
export const UNKNOWN_LENGTH = -1;

const empty = Buffer.alloc(0);
