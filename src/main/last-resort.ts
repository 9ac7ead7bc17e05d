// What no guard has caught: an error without a connection, or a promise that nobody waits for. See docs/callbacks.md.
import { internalError } from '../errors/index.ts';
import { type Log, logInternalErrors } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** Where such errors arrive: `process`, except in tests. */
interface Source {
  on(event: 'uncaughtException' | 'unhandledRejection', heard: (thrown: unknown) => void): unknown;
}

/**
 * Installs the last resort of this process or thread. Until the function that is returned is called, the process is starting: an
 * error then ends it with `exit(1)`, because a program that came up by halves would pass for a sound one, and nobody depends on
 * it yet. Afterwards it is logged with its stack and counted, and everything goes on: others' connections are worth more than the
 * certainty of a new start, and a process that ended at the second error, or the hundredth, would be one that a stranger can end.
 */
export function installLastResort(
  log: Log,
  clock: Clock,
  source: Source = process,
  exit: (code: number) => void = code => process.exit(code),
): () => void {
  logInternalErrors(log, clock);
  let started = false;
  const heard = (where: string) => (thrown: unknown) => {
    internalError(where, thrown);
    if (!started) exit(1);
  };
  source.on('uncaughtException', heard('process'));
  source.on('unhandledRejection', heard('promise'));
  return () => {
    started = true;
  };
}
