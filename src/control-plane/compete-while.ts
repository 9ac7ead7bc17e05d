import type { LeaderElection } from '../kubernetes/index.ts';

/** Whether one may compete now, and who hears when that may have changed. */
export interface Permission {
  readonly now: () => boolean;
  /** Returns how to stop. */
  subscribe(listener: () => void): () => void;
}

/**
 * Competes for a Lease as long as that is permitted, gives it up when it is no more, and competes again later; until the signal
 * aborts. Never rejects.
 */
export async function competeWhile(
  election: Pick<LeaderElection, 'run'>,
  lead: (signal: AbortSignal) => void,
  permission: Permission,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { now } = permission;
    if (now()) await during(permission, signal, turn => election.run(lead, turn), now);
    else await during(permission, signal, ended, () => !now());
  }
}

/** Runs `work` with a signal that aborts when `holds` does no more. */
async function during(
  permission: Permission,
  signal: AbortSignal,
  work: (turn: AbortSignal) => Promise<void>,
  holds: () => boolean,
): Promise<void> {
  const turn = new AbortController();
  const look = (): void => {
    if (signal.aborted || !holds()) turn.abort();
  };
  const unsubscribe = permission.subscribe(look);
  signal.addEventListener('abort', look, { once: true });
  look();
  try {
    await work(turn.signal);
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', look);
  }
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
