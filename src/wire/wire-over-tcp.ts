import type { NativeTcp } from './native.ts';
import { Wire } from './wire.ts';

/** Wraps a connected TCP handle. */
export function wireOverTcp(handle: NativeTcp): Wire {
  return new Wire(
    handle,
    { close: () => handle.close(), reset: () => void (handle.reset() === 0 || handle.close()) },
    false,
  );
}
