// How much connections of this thread hold for peers that do not read.

/** Writes wait for the kernel from here on, and `write` says so. */
const mostQueuedBytes = 128 * 1024;
export let highWaterBytes = mostQueuedBytes;
/** Whether memory is short. */
export let frugal = false;

/**
 * While memory is short (`on`), connections whose peers do not read hold little: writers are told to wait after 16 KiB instead of
 * 128, and what the kernel may not take at once is copied, so that it does not hold on to a whole scratch buffer. Holds for all
 * wires of this thread.
 */
export function saveMemory(on: boolean): void {
  frugal = on;
  highWaterBytes = on ? mostQueuedBytes / 8 : mostQueuedBytes;
}
