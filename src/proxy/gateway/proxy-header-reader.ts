import { Deadline, type TimerWheel } from '../../time/index.ts';
import { ByteCollector, type Wire, type WireHandler } from '../../wire/index.ts';
import { readProxyHeader } from './proxy-header.ts';

const patienceMs = 5_000;

/** Learns what a PROXY header says; exactly one of them is called, once. */
export interface ProxyHeaderWaiter {
  /** `address` '' where there is no header, or it says nothing of a client. Reading is stopped. */
  onHeader(address: string, port: number, rest: Buffer | undefined): void;
  onBad(why: string): void;
  onGone(): void;
}

/** Collects a PROXY header, in bounded time and bytes. */
export class ProxyHeaderReader implements WireHandler {
  readonly #wire: Wire;
  readonly #timers: TimerWheel;
  readonly #isRequired: boolean;
  readonly #waiter: ProxyHeaderWaiter;
  readonly #deadline: Deadline;
  readonly #collected = new ByteCollector();
  #over = false;

  constructor(wire: Wire, timers: TimerWheel, isRequired: boolean, waiter: ProxyHeaderWaiter) {
    this.#wire = wire;
    this.#timers = timers;
    this.#isRequired = isRequired;
    this.#waiter = waiter;
    this.#deadline = new Deadline(() => this.#bad('it did not come in time'), wire);
  }

  start(): void {
    this.#timers.schedule(this.#deadline, patienceMs);
    this.#wire.handler = this;
    this.#wire.resume();
  }

  /** Nobody is told any more. */
  stop(): void {
    this.#finish();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#collected.add(bytes, start, end);
    const all = this.#collected.bytes!;
    const header = readProxyHeader(all);
    if (header.kind === 'more') return;
    if (header.kind === 'bad') this.#bad(header.why);
    else if (header.kind === 'none' && this.#isRequired) this.#bad('the connection does not begin with one');
    else if (header.kind === 'none') this.#done('', 0, all);
    else
      this.#done(header.address, header.port, header.end < all.length ? all.subarray(header.end) : undefined);
  }

  onEnd(): void {
    this.#bad('the connection ended before it was complete');
  }

  onDrain(): void {}

  onClose(): void {
    if (this.#finish()) this.#waiter.onGone();
  }

  #done(address: string, port: number, rest: Buffer | undefined): void {
    if (!this.#finish()) return;
    this.#wire.pause();
    this.#waiter.onHeader(address, port, rest);
  }

  #bad(why: string): void {
    if (!this.#finish()) return;
    this.#wire.pause();
    this.#waiter.onBad(why);
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#timers.cancel(this.#deadline);
    return true;
  }
}
