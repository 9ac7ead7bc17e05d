import {
  formatTimeout,
  GRPC_TIMEOUT,
  Messages,
  NO_STATUS,
  parseTimeout,
  STATUS,
  statusOf,
  statusOfHttp,
} from '../../grpc/index.ts';
import { type Fields, type Head, UNKNOWN_LENGTH } from '../../http/index.ts';

const previousAttempts = Buffer.from('grpc-previous-rpc-attempts', 'latin1');
const pushback = Buffer.from('grpc-retry-pushback-ms', 'latin1');
/** Timers of other implementations are early by as much. */
const timerSlackMs = 1;
/** A deadline beyond this is none: ten days. */
const longestMs = 864_000_000;

/**
 * What an exchange knows of its request where that is a gRPC call: its deadline, its tries, the messages that have gone by in
 * each direction. Made when a stream first carries one; serves the calls of the stream, one after the other.
 */
export class GrpcCall {
  readonly requestMessages = new Messages();
  readonly responseMessages = new Messages();
  /** The head of its answer, kept until more has come: it may be tried again yet. */
  heldHead: Head | undefined = undefined;
  /** How long the caller waits for the whole of it, milliseconds; -1 where it does not say. */
  timeoutMs = -1;
  /** When that is over, monotonic. */
  #deadlineMs = 0;
  /** Times that it went out again because of a failure. */
  retries = 0;
  /** The same as the client itself says of tries before this one. */
  #retriesBefore = 0;
  /** Whether its answer has no length that was said beforehand: only then it can be ended early, in order. */
  #openEnded = false;

  /** Begins with a request as its client sent it. */
  begin(head: Head, nowMs: number): void {
    this.requestMessages.clear();
    this.responseMessages.clear();
    this.retries = 0;
    this.#openEnded = false;
    const index = head.find(GRPC_TIMEOUT);
    const said = index < 0 ? -1 : parseTimeout(head.bytes, head.valueStart(index), head.valueEnd(index));
    this.timeoutMs = said > longestMs ? -1 : said;
    this.#deadlineMs = nowMs + this.timeoutMs;
    const before = Number(head.text(head.find(previousAttempts)));
    this.#retriesBefore = Number.isSafeInteger(before) && before > 0 ? before : 0;
  }

  /** Whether the caller's time is up. */
  isLate(nowMs: number): boolean {
    return this.timeoutMs >= 0 && nowMs + timerSlackMs >= this.#deadlineMs;
  }

  /** Before the request goes out, each time: whoever is called learns how much time is left, and how often it was tried. */
  stamp(head: Head, nowMs: number): void {
    if (this.timeoutMs >= 0) head.set(GRPC_TIMEOUT, latin1(formatTimeout(this.#deadlineMs - nowMs)));
    if (this.retries > 0) head.set(previousAttempts, latin1(String(this.#retriesBefore + this.retries)));
  }

  /** The status that the head of an answer tells; NO_STATUS where it comes later. `end`: nothing follows it. */
  statusOfHead(head: Head, end: boolean): number {
    const told = statusOf(head);
    if (told !== NO_STATUS) return told;
    if (head.status !== 200) return statusOfHttp(head.status);
    return end ? STATUS.UNKNOWN : NO_STATUS;
  }

  /** The status that the end of an answer tells. Without one it is what clients take it for. */
  statusOfEnd(trailers: Fields | undefined): number {
    const told = trailers === undefined ? NO_STATUS : statusOf(trailers);
    return told === NO_STATUS ? STATUS.UNKNOWN : told;
  }

  /** The head of the answer that is taken has come. */
  answered(head: Head): void {
    this.#openEnded = head.bodyLength === UNKNOWN_LENGTH;
  }

  /** Whether its answer, which has begun, can be ended now with a status of Weft's own. */
  get canEnd(): boolean {
    return this.#openEnded && this.responseMessages.between;
  }

  /**
   * Whether it has shown itself to be more than one message each way, so that no limit of an answer holds for it. Neither can be
   * told from the head: a call that has been answered with its one message ends at once, one whose client has said all ends its
   * request. `answered`: the head of the answer has come.
   */
  isStream(requestEnded: boolean, answered: boolean): boolean {
    const { requestMessages, responseMessages } = this;
    if (requestMessages.count > 1 || responseMessages.count > 0) return true;
    if (!requestEnded && requestMessages.count > 0 && requestMessages.between) return true;
    // It was greeted, and nothing has come since.
    return answered && responseMessages.between;
  }

  /**
   * When the server wants to see it again, milliseconds; -1: never, or not before the caller has given up. Undefined where it
   * does not say.
   */
  pushbackMs(fields: Fields, nowMs: number): number | undefined {
    const index = fields.find(pushback);
    if (index < 0) return undefined;
    const text = fields.text(index);
    // What is no number is no: https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback.
    if (!/^\d{1,9}$/.test(text)) return -1;
    const ms = Number(text);
    return this.timeoutMs >= 0 && nowMs + ms >= this.#deadlineMs ? -1 : ms;
  }
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
