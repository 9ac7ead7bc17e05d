import type { NativeTcp } from './native.ts';
import type { WireOwner } from './wire.interface.ts';
import { Wire } from './wire.ts';

/** Wraps a connected TCP handle. */
export function wireOverTcp(handle: NativeTcp): Wire {
  return new Wire(handle, new TcpOwner(handle), false);
}

class TcpOwner implements WireOwner {
  readonly #handle: NativeTcp;

  constructor(handle: NativeTcp) {
    this.#handle = handle;
  }

  close(): void {
    this.#handle.close();
  }

  reset(): void {
    if (this.#handle.reset() !== 0) this.#handle.close();
  }
}
