import type { Wire, WireHandler } from '../../wire/index.ts';
import type { Services } from './services.ts';

const lingerMs = 1000;

/** Sends a last answer, ends, and reads what the client still sends, so that it sees the answer and not a reset. */
export function answerAndLinger(services: Services, wire: Wire, answer: Buffer): void {
  if (wire.closed) return;
  wire.handler = new Lingering(wire);
  wire.write(answer, 0, answer.length);
  wire.end();
  wire.resume();
  services.clock.after(lingerMs, () => wire.destroy());
}

class Lingering implements WireHandler {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }
  onData(): void {}
  onEnd(): void {
    this.#wire.destroy();
  }
  onDrain(): void {}
  onClose(): void {}
}
