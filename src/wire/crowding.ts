// What connections collect can outgrow memory within one turn of the event loop, before any timer is heard: who collects says so
// here.

/** Between one report and the next, bytes. */
const stepBytes = 1024 * 1024;
let grownBytes = 0;
let report: () => void = () => {};

/**
 * Whether there is no room for what has only begun to arrive. Set by whoever watches memory; read where bytes begin to collect.
 */
export const crowding = { crowded: false };

/**
 * `bytes` more are held than a moment ago. Called where a connection is accepted and where a buffer of one grows, so not for what
 * is complete in one read.
 */
export function noteGrowth(bytes: number): void {
  grownBytes += bytes;
  if (grownBytes < stepBytes) return;
  grownBytes = 0;
  report();
}

/**
 * `heard` is called after every megabyte of growth on this thread, in the middle of whatever collects: it must not close
 * connections.
 */
export function watchGrowth(heard: () => void): void {
  report = heard;
}
