import { constants } from 'node:os';
import type { Exit } from '../runtime/index.ts';

/** The exit code as shells and Kubernetes show it: 128 plus the signal's number after a signal. */
export function exitCodeOf(exit: Exit): number {
  if (exit.signal) return 128 + constants.signals[exit.signal];
  return exit.code ?? 0;
}
