import { type Flag, guarded } from '../../errors/index.ts';
import type { Fields, Head, ServerStream } from '../../http/index.ts';
import type { AnswerRate } from '../../model/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import type { EdgeServices } from '../filters/edge.interface.ts';
import type { AnsweringUpstream } from '../filters/filter.interface.ts';
import { PassedAnswer } from './passed-answer.ts';

/** What is held goes on in pieces of so much time's worth, so that a fast rate costs few timers. */
const pieceSeconds = 0.1;

/**
 * An answer whose body is sent no faster than a rate (nginx's limit_rate): a second's worth and `afterBytes` at once, counted
 * from the beginning of the request as nginx does it, and then as much as time lets it. What is too early is held; the upstream
 * waits.
 */
export class PacedAnswer extends PassedAnswer {
  readonly #rate: AnswerRate;
  readonly #services: EdgeServices;
  readonly #upstream: AnsweringUpstream;
  readonly #startMs: number;
  #sent = 0;
  #held: Buffer[] = [];
  #cancel: (() => void) | undefined;
  /** Undefined as long as more is to come. */
  #ending: { readonly trailers: Fields | undefined } | undefined;
  /** Bytes of another protocol, which have no rate. */
  #isTunnel = false;

  constructor(
    client: ServerStream,
    rate: AnswerRate,
    startMs: number,
    services: EdgeServices,
    upstream: AnsweringUpstream,
  ) {
    super(client);
    this.#rate = rate;
    this.#startMs = startMs;
    this.#services = services;
    this.#upstream = upstream;
  }

  override respond(head: Head, end: boolean): void {
    this.#isTunnel = head.status === 101;
    this.client.respond(head, end);
  }

  override data(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isTunnel) return this.client.data(bytes, start, end);
    let from = start;
    let goesOn = true;
    if (this.#held.length === 0) {
      from = start + Math.min(end - start, this.#allowed());
      if (from > start) goesOn = this.#send(bytes, start, from);
    }
    if (from === end) return goesOn;
    this.#held.push(Buffer.from(bytes.subarray(from, end)));
    this.#wait();
    return false;
  }

  override end(trailers: Fields | undefined): void {
    if (this.#held.length === 0) this.client.end(trailers);
    else this.#ending = { trailers: trailers?.copy() };
  }

  override abort(why: Flag, code?: number): void {
    this.#stop();
    this.client.abort(why, code);
  }

  override detach(): void {
    this.#stop();
    super.detach();
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#held = [];
    this.#ending = undefined;
  }

  /** How many bytes may be sent now. */
  #allowed(): number {
    const { bytesPerSecond, afterBytes } = this.#rate;
    const elapsedMs = this.#services.monotonic() - this.#startMs + 1000;
    return Math.max(0, Math.floor((bytesPerSecond * elapsedMs) / 1000) + afterBytes - this.#sent);
  }

  #send(bytes: Buffer, start: number, end: number): boolean {
    this.#sent += end - start;
    return this.client.data(bytes, start, end);
  }

  /** Until the next piece of what is held may be sent. */
  #wait(): void {
    if (this.#cancel !== undefined) return;
    const { bytesPerSecond } = this.#rate;
    const wanted = Math.min(this.#held[0]!.length, Math.max(1, Math.floor(bytesPerSecond * pieceSeconds)));
    const delayMs = Math.max(1, Math.ceil(((wanted - this.#allowed()) * 1000) / bytesPerSecond));
    this.#cancel = this.#services.after(
      delayMs,
      guarded('limit-rate', () => this.#go()),
    );
  }

  #go(): void {
    this.#cancel = undefined;
    enterEvent();
    this.#upstream.moved();
    let goesOn = true;
    for (let left = this.#allowed(); left > 0 && this.#held.length > 0; ) {
      const piece = this.#held[0]!;
      const count = Math.min(left, piece.length);
      left -= count;
      if (count === piece.length) this.#held.shift();
      else this.#held[0] = piece.subarray(count);
      goesOn = this.#send(piece, 0, count);
    }
    if (this.#held.length > 0) this.#wait();
    else if (this.#ending !== undefined) this.client.end(this.#ending.trailers);
    // Where the client takes no more it says itself when it does.
    else if (goesOn) this.#upstream.writable();
    leaveEvent();
  }
}
