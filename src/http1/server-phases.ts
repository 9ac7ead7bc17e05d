// Where a server connection stands. Numbers, as they are compared for each piece of a body.

/** Where the reading side stands. */
export const READ = { HEAD: 0, BODY: 1, WAIT: 2, TUNNEL: 3, DISCARD: 4, CLOSED: 5 } as const;
/** Where the answer stands. */
export const ANSWER = { NONE: 0, DUE: 1, STARTED: 2, DONE: 3 } as const;
