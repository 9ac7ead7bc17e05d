/** Pages that may be open at the same time. */
export const MAX_WATCHERS = 50;

/** Namespaces that one page may have opened. */
export const MAX_OPENED = 50;

/** Bytes that may wait for a slow page before its next lines are left out. */
export const MAX_WAITING_BYTES = 1 << 20;

/** A page that has taken nothing for so long is taken for gone. */
export const STALLED_MS = 60_000;
