// Where a request stands in a trace: what came with it, in whatever format, and what is sent on. Bytes are read where they are,
// and nothing becomes a string before a span is reported.
//
// W3C: https://www.w3.org/TR/trace-context/ (sections by number below). B3: https://github.com/openzipkin/b3-propagation.
import { equalsIgnoreCase, type Head } from '../http/index.ts';
import { copyId, DIGITS, UPPER, writeRandomId } from './ids.ts';
import { isTraceState } from './tracestate.ts';

/** What has been decided about a trace before it came to us. */
export const DECISION = {
  /** Nothing: it is for us to decide. */
  NONE: 0,
  DROP: 1,
  SAMPLE: 2,
  /** B3's debug flag: sampled whatever anybody's rate is. */
  DEBUG: 3,
} as const;

/** The formats that a context came in; added up. */
export const FORMAT = { W3C: 1, B3_SINGLE: 2, B3_MULTI: 4 } as const;

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const names = {
  traceparent: bytesOf('traceparent'),
  tracestate: bytesOf('tracestate'),
  b3: bytesOf('b3'),
  traceId: bytesOf('x-b3-traceid'),
  spanId: bytesOf('x-b3-spanid'),
  parentId: bytesOf('x-b3-parentspanid'),
  sampled: bytesOf('x-b3-sampled'),
  flags: bytesOf('x-b3-flags'),
} as const;
const zero = bytesOf('0');
const one = bytesOf('1');

const hyphen = 0x2d;
/** Of `00-TRACEID-SPANID-FLAGS`. */
const w3cLength = 55;
const traceAt = 3;
const traceDigits = 32;
const spanAt = 36;
const spanDigits = 16;
const flagsAt = 53;
const SAMPLED_FLAG = 1;
/** Section 3.2.2.5.2 of level 2: whether the trace id is random is passed on. */
const RANDOM_FLAG = 2;
const isZero = (code: number): boolean => code === 0x30;

/** The context of one request. One object serves any number of them, one after the other. */
export class TraceContext {
  /** FORMATs that were found; 0 when the request belongs to no trace yet. */
  formats = 0;
  /** Whether ids came: B3 may bring a decision alone. */
  hasParent = false;
  decision: number = DECISION.NONE;
  /** A `traceparent` came that is none: its trace is not gone on with (section 3.2.3), unless B3 has one. */
  invalid = false;
  /** The trace id came with 16 digits (B3), and goes on so. */
  short = false;
  /** Where they are in the head; -1 for none. */
  #traceparent = -1;
  #tracestate = -1;
  readonly #trace = Buffer.allocUnsafeSlow(traceDigits);
  readonly #parent = Buffer.allocUnsafeSlow(spanDigits);
  #random = false;
  /** The `traceparent` that is sent on: allocated for each request, for it may be sent for longer than its exchange lasts. */
  #own: Buffer | undefined;

  /** Forgets the request before. */
  clear(): void {
    this.formats = 0;
    this.hasParent = false;
    this.decision = DECISION.NONE;
    this.invalid = false;
    this.short = false;
    this.#traceparent = -1;
    this.#tracestate = -1;
    this.#random = false;
    this.#own = undefined;
  }

  /** Reads what came with a request. W3C goes before B3, B3's one header before its several. */
  read(head: Head): void {
    this.clear();
    let single = -1;
    let multi = false;
    for (let index = 0; index < head.count; index++) {
      if (head.isRemoved(index)) continue;
      const start = head.nameStart(index);
      const end = head.nameEnd(index);
      switch (end - start) {
        case 2:
          if (single < 0 && equalsIgnoreCase(head.bytes, start, end, names.b3)) single = index;
          break;
        case 11:
          if (!equalsIgnoreCase(head.bytes, start, end, names.traceparent)) break;
          // Which of several is meant nobody can know.
          if (this.#traceparent >= 0) this.invalid = true;
          this.#traceparent = index;
          break;
        case 10:
          if (equalsIgnoreCase(head.bytes, start, end, names.tracestate)) this.#tracestate = index;
          else multi ||= equalsIgnoreCase(head.bytes, start, end, names.flags);
          break;
        case 12:
          multi ||=
            equalsIgnoreCase(head.bytes, start, end, names.traceId) ||
            equalsIgnoreCase(head.bytes, start, end, names.sampled);
          break;
      }
    }
    if (this.#traceparent >= 0) {
      this.formats |= FORMAT.W3C;
      if (!this.invalid) this.invalid = !this.#readW3c(head, this.#traceparent);
    }
    if (single >= 0) this.#readSingle(head, single);
    if (multi) this.#readMulti(head);
  }

  /**
   * Makes this request's own span, in the trace that came or in a new one, and writes it to the head: always as W3C, as B3 in the
   * formats that came, and in B3's several headers with `alsoB3`, for apps that pass on only those. `tracestate` is passed on
   * with the trace it belongs to, and is taken out where that is not gone on with or where it cannot be read (section 3.3.1).
   */
  propagate(head: Head, sampled: boolean, alsoB3: boolean): void {
    const own = Buffer.allocUnsafe(w3cLength);
    own[0] = own[1] = 0x30;
    own[2] = own[spanAt - 1] = own[flagsAt - 1] = hyphen;
    if (this.hasParent) this.#trace.copy(own, traceAt);
    else writeRandomId(own, traceAt, traceDigits / 2);
    writeRandomId(own, spanAt, spanDigits / 2);
    own[flagsAt] = 0x30;
    own[flagsAt + 1] = 0x30 + (sampled ? SAMPLED_FLAG : 0) + (this.#random ? RANDOM_FLAG : 0);
    this.#own = own;
    if (this.#tracestate >= 0 && !this.#keepsState(head)) head.removeAll(names.tracestate);
    if (this.#traceparent >= 0) head.removeAll(names.traceparent);
    head.add(names.traceparent, own);
    if (this.formats & FORMAT.B3_SINGLE) this.#writeSingle(head, own, sampled);
    if (this.formats & FORMAT.B3_MULTI || alsoB3) this.#writeMulti(head, own, sampled);
  }

  /** 32 digits; '' before `propagate`. */
  get traceId(): string {
    return this.#own?.toString('latin1', traceAt, traceAt + traceDigits) ?? '';
  }

  /** Of this request's own span, 16 digits; '' before `propagate`. */
  get spanId(): string {
    return this.#own?.toString('latin1', spanAt, spanAt + spanDigits) ?? '';
  }

  /** Of the span that it was asked by, 16 digits; '' for none. */
  get parentId(): string {
    return this.hasParent ? this.#parent.toString('latin1') : '';
  }

  /** `traceparent`'s flags as they are sent on. */
  get flags(): number {
    return this.#own === undefined ? 0 : this.#own[flagsAt + 1]! - 0x30;
  }

  /** Section 3.2: version, trace id, parent id, flags. Later versions may add to that, after another hyphen. */
  #readW3c(head: Head, index: number): boolean {
    const { bytes } = head;
    const start = head.valueStart(index);
    const length = head.valueEnd(index) - start;
    if (length < w3cLength) return false;
    const high = DIGITS[bytes[start]!]!;
    const low = DIGITS[bytes[start + 1]!]!;
    if (high >= UPPER || low >= UPPER || (high === 15 && low === 15)) return false;
    const isFirst = high === 0 && low === 0;
    if (length > w3cLength && (isFirst || bytes[start + w3cLength] !== hyphen)) return false;
    const hyphens =
      bytes[start + 2] === hyphen &&
      bytes[start + spanAt - 1] === hyphen &&
      bytes[start + flagsAt - 1] === hyphen;
    const flagsHigh = DIGITS[bytes[start + flagsAt]!]!;
    const flags = DIGITS[bytes[start + flagsAt + 1]!]!;
    if (!hyphens || flagsHigh >= UPPER || flags >= UPPER) return false;
    if (!copyId(bytes, start + traceAt, traceDigits, this.#trace, 0, false)) return false;
    if (!copyId(bytes, start + spanAt, spanDigits, this.#parent, 0, false)) return false;
    this.hasParent = true;
    this.#random = (flags & RANDOM_FLAG) !== 0;
    this.decision = (flags & SAMPLED_FLAG) !== 0 ? DECISION.SAMPLE : DECISION.DROP;
    return true;
  }

  /** `TRACEID-SPANID[-STATE[-PARENTID]]`, or the state alone. What is neither is passed on as it is. */
  #readSingle(head: Head, index: number): void {
    const { bytes } = head;
    const start = head.valueStart(index);
    const end = head.valueEnd(index);
    const alone = end - start === 1 ? stateOf(bytes[start]!) : DECISION.NONE;
    if (alone !== DECISION.NONE) {
      this.formats |= FORMAT.B3_SINGLE;
      this.#decide(alone);
      return;
    }
    const digits = bytes[start + 32] === hyphen ? 32 : 16;
    const span = start + digits + 1;
    const state = span + spanDigits;
    if (state > end || bytes[span - 1] !== hyphen) return;
    const hasState = state < end;
    if (hasState && (bytes[state] !== hyphen || state + 1 === end)) return;
    const said = hasState ? stateOf(bytes[state + 1]!) : DECISION.NONE;
    if (hasState && (said === DECISION.NONE || (state + 2 < end && bytes[state + 2] !== hyphen))) return;
    if (!this.#adopt(bytes, start, digits, bytes, span)) return;
    this.formats |= FORMAT.B3_SINGLE;
    this.#decide(said);
  }

  #readMulti(head: Head): void {
    const { bytes } = head;
    const trace = head.find(names.traceId);
    const span = head.find(names.spanId);
    if (trace >= 0 && span >= 0) {
      const start = head.valueStart(trace);
      const digits = head.valueEnd(trace) - start;
      const spanStart = head.valueStart(span);
      const isWhole = (digits === 16 || digits === 32) && head.valueEnd(span) - spanStart === spanDigits;
      if (isWhole && this.#adopt(bytes, start, digits, bytes, spanStart)) this.formats |= FORMAT.B3_MULTI;
    }
    const flags = head.find(names.flags);
    const sampled = head.find(names.sampled);
    let said: number = DECISION.NONE;
    if (sampled >= 0) said = sampledOf(bytes, head.valueStart(sampled), head.valueEnd(sampled));
    const isDebug =
      flags >= 0 &&
      head.valueEnd(flags) - head.valueStart(flags) === 1 &&
      bytes[head.valueStart(flags)] === 0x31;
    if (isDebug) said = DECISION.DEBUG;
    if (said === DECISION.NONE) return;
    this.formats |= FORMAT.B3_MULTI;
    this.#decide(said);
  }

  /** Takes B3's ids, unless W3C had some. False when they are none. */
  #adopt(bytes: Uint8Array, trace: number, digits: number, spanBytes: Uint8Array, span: number): boolean {
    if (this.hasParent) return true;
    if (digits === 16) this.#trace.fill(0x30, 0, 16);
    if (!copyId(bytes, trace, digits, this.#trace, traceDigits - digits, true)) return false;
    if (!copyId(spanBytes, span, spanDigits, this.#parent, 0, true)) return false;
    this.hasParent = true;
    this.short = digits === 16;
    return true;
  }

  #decide(said: number): void {
    if (this.decision === DECISION.NONE || said === DECISION.DEBUG) this.decision = said;
  }

  #keepsState(head: Head): boolean {
    return this.#traceparent >= 0 && !this.invalid && isTraceState(head, names.tracestate);
  }

  #writeSingle(head: Head, own: Buffer, sampled: boolean): void {
    // A decision alone stays what it is.
    if (!this.hasParent) return;
    const skip = this.short ? 16 : 0;
    const value = Buffer.allocUnsafe(traceDigits - skip + 1 + spanDigits + 2 + 1 + spanDigits);
    let at = own.copy(value, 0, traceAt + skip, traceAt + traceDigits);
    value[at++] = hyphen;
    at += own.copy(value, at, spanAt, spanAt + spanDigits);
    value[at++] = hyphen;
    value[at++] = this.decision === DECISION.DEBUG ? 0x64 : sampled ? 0x31 : 0x30;
    value[at++] = hyphen;
    this.#parent.copy(value, at);
    head.set(names.b3, value);
  }

  #writeMulti(head: Head, own: Buffer, sampled: boolean): void {
    const skip = this.short ? 16 : 0;
    head.set(names.traceId, own.subarray(traceAt + skip, traceAt + traceDigits));
    head.set(names.spanId, own.subarray(spanAt, spanAt + spanDigits));
    if (this.hasParent) head.set(names.parentId, Buffer.from(this.#parent));
    else head.removeAll(names.parentId);
    // The debug flag says all there is to say, and is passed on.
    if (this.decision === DECISION.DEBUG && head.has(names.flags)) return;
    head.set(names.sampled, sampled ? one : zero);
  }
}

function stateOf(code: number): number {
  if (isZero(code)) return DECISION.DROP;
  if (code === 0x31) return DECISION.SAMPLE;
  return code === 0x64 ? DECISION.DEBUG : DECISION.NONE;
}

const truth = bytesOf('true');
const falsehood = bytesOf('false');

/** Older libraries say it in words. */
function sampledOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && bytes[start] !== 0x64) return stateOf(bytes[start]!);
  if (equalsIgnoreCase(bytes, start, end, truth)) return DECISION.SAMPLE;
  return equalsIgnoreCase(bytes, start, end, falsehood) ? DECISION.DROP : DECISION.NONE;
}
