import { Deadline, type TimerWheel } from '../time/index.ts';
import { readClientHello } from '../tls/index.ts';
import type { Wire, WireHandler } from '../wire/index.ts';

const patienceMs = 5_000;

/** Learns which server a TLS client asks for; exactly one of the two is called, once. */
export interface HelloWaiter {
  /** `serverName` is '' when the client names none. `bytes`: all that was read. Reading is stopped. */
  onServerName(serverName: string, bytes: Buffer): void;
  onGone(): void;
}

/** Collects a ClientHello that came in pieces, as those with large key shares do. */
export class HelloReader implements WireHandler {
  readonly #wire: Wire;
  readonly #timers: TimerWheel;
  readonly #waiter: HelloWaiter;
  readonly #deadline: Deadline;
  #bytes: Buffer;
  #over = false;

  /** `first`: what has been read. Nothing happens before `start`. */
  constructor(wire: Wire, timers: TimerWheel, first: Buffer, waiter: HelloWaiter) {
    this.#wire = wire;
    this.#deadline = new Deadline(() => this.#done(''), wire);
    this.#timers = timers;
    this.#bytes = first;
    this.#waiter = waiter;
  }

  start(): void {
    this.#look();
    if (this.#over) return;
    this.#timers.schedule(this.#deadline, patienceMs);
    this.#wire.handler = this;
    this.#wire.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
    this.#look();
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

  #look(): void {
    const hello = readClientHello(this.#bytes);
    if (hello.kind !== 'more') this.#done(hello.kind === 'hello' ? hello.serverName : '');
  }

  #done(serverName: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.cancel(this.#deadline);
    this.#wire.pause();
    this.#waiter.onServerName(serverName, this.#bytes);
  }
}
