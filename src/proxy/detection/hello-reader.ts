import { Deadline, type TimerWheel } from '../../time/index.ts';
import { HelloScanner } from '../../tls/index.ts';
import { ByteCollector, type Wire, type WireHandler } from '../../wire/index.ts';

const patienceMs = 5_000;
const nothing = Buffer.alloc(0);

/** Learns which server a TLS client asks for; exactly one of the two is called, once. */
export interface HelloWaiter {
  /** `serverName` is '' when the client names none. `bytes`: all that was read. Reading is stopped. */
  onServerName(serverName: string, bytes: Buffer): void;
  onGone(): void;
}

/** Collects a ClientHello that came in pieces, as those with large key shares do; HelloScanner bounds how much of it. */
export class HelloReader implements WireHandler {
  readonly #wire: Wire;
  readonly #timers: TimerWheel;
  readonly #waiter: HelloWaiter;
  readonly #deadline: Deadline;
  readonly #scanner = new HelloScanner();
  readonly #collected = new ByteCollector();
  #over = false;

  /** `first`: what has been read. Nothing happens before `start`. */
  constructor(wire: Wire, timers: TimerWheel, first: Buffer, waiter: HelloWaiter) {
    this.#wire = wire;
    this.#deadline = new Deadline(() => this.#done(''), wire);
    this.#timers = timers;
    this.#collected.add(first, 0, first.length);
    this.#waiter = waiter;
  }

  start(): void {
    const first = this.#collected.bytes;
    if (first !== undefined) this.#look(first, 0, first.length);
    if (this.#over) return;
    this.#timers.schedule(this.#deadline, patienceMs);
    this.#wire.handler = this;
    this.#wire.resume();
  }

  /** Nobody is told any more. */
  stop(): void {
    this.#over = true;
    this.#timers.cancel(this.#deadline);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#collected.add(bytes, start, end);
    this.#look(bytes, start, end);
  }

  onEnd(): void {
    this.#done('');
  }

  onDrain(): void {}

  onClose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.cancel(this.#deadline);
    this.#waiter.onGone();
  }

  #look(bytes: Buffer, start: number, end: number): void {
    const hello = this.#scanner.push(bytes, start, end);
    if (hello.kind !== 'more') this.#done(hello.kind === 'hello' ? hello.serverName : '');
  }

  #done(serverName: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.cancel(this.#deadline);
    this.#wire.pause();
    this.#waiter.onServerName(serverName, this.#collected.bytes ?? nothing);
  }
}
