// What is written behind flags of several commands, read. What does not fit is refused by an InvalidArgumentError, to which
// commander adds the flag.
import { InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../model/index.ts';

/** A TCP port; 0 where that stands for any. */
export function portValue(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('give a number from 0 to 65535');
}

/** How many; at least 1. */
export function countValue(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('give a whole number from 1 on');
}

/** How many pods; 0 stops them all. */
export function replicasValue(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a whole number from 0 to 9999');
}

/** How long ago, in seconds; whole ones, as the API server takes no others. */
export function sinceValue(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1000) return Math.ceil(ms / 1000);
  throw new InvalidArgumentError('give a time of a second or more, as 90s, 10m or 1h');
}
