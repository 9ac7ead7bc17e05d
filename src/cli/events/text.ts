import { type Cell, type Screen, shortTime, table } from '../table.ts';
import type { ConcerningEvent } from './concern.ts';

/** The table, the newest event last. `nowMs`: since the epoch. */
export function eventsText(events: readonly ConcerningEvent[], nowMs: number, screen: Screen): string {
  const rows = events.map((each): Cell[] => [
    shortTime((nowMs - each.atMs) / 1000),
    each.type === 'Warning' ? { text: each.type, colour: 'yellow' } : each.type,
    each.reason,
    objectOf(each),
    `${each.message.replaceAll(/\s+/g, ' ')}${each.count > 1 ? ` (${each.count} times)` : ''}`,
  ]);
  return table(['AGE', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'], rows, screen).join('\n');
}

function objectOf({ kind, namespace, name }: ConcerningEvent): string {
  if (kind === '') return '-';
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
