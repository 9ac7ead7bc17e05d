// Reading that is stopped in an event of the event loop mostly begins anew in the same event, by whoever takes the connection on.
// The kernel is told only of what is still stopped at the event's end: each change is a call or two of epoll_ctl().

/** Whose reading it is. */
export interface Reader {
  /** Tells the kernel, if it is still not wanted. */
  stopReading(): void;
}

const waiting: Reader[] = [];

/** `stopReading` is called at the end of the event that is being handled. */
export function stopLater(reader: Reader): void {
  waiting.push(reader);
}

/** The event ends. */
export function stopNow(): void {
  for (let reader = waiting.pop(); reader !== undefined; reader = waiting.pop()) reader.stopReading();
}
