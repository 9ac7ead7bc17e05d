// Pure: what the suite has found out, as words for a terminal and as the table of docs/resilience.md.
import { FAULTS, type Fault } from './faults.ts';
import { KINDS, type Kind } from './kinds.ts';
import type { Seen } from './seen.ts';

/** A row that was done. */
export interface Done {
  readonly fault: Fault;
  readonly seen: Readonly<Record<Kind, Seen>>;
  readonly broken: readonly string[];
}

const begins = '<!-- chaos: make chaos WRITE=1 writes what follows -->';
const ends = '<!-- /chaos -->';

/** What one kind of clients saw, in a few words: `3 × ECONNRESET; 0.4 s; 14 / 15 / 14 ms`. */
export function wordsOf({ errors, longestGapMs, p99Ms, recoveredMs }: Seen): string {
  const failures = Object.entries(errors).map(([error, times]) => `${times} × ${error}`);
  const later = recoveredMs > 0 ? `, the last ${seconds(recoveredMs)} after` : '';
  const tails = [p99Ms.before, p99Ms.during, p99Ms.after].map(value =>
    value === 0 ? '–' : Math.round(value),
  );
  return `${failures.length === 0 ? 'none' : failures.join(', ')}${later}; ${seconds(longestGapMs)}; ${tails.join(' / ')}`;
}

/** One line for each kind of clients. */
export function linesOf({ fault, seen, broken }: Done): string {
  const kinds = KINDS.map(
    kind => `    ${kind.padEnd(16)} ${seen[kind].answered} answered; ${wordsOf(seen[kind])}`,
  );
  return [
    `${broken.length === 0 ? 'kept  ' : 'BROKEN'} ${fault.name}: ${fault.what}`,
    ...kinds,
    ...broken.map(each => `    ! ${each}`),
  ].join('\n');
}

/**
 * The document with these rows in its table; those of other faults stay as they are. Throws where it has no place for them.
 */
export function written(document: string, rows: readonly Done[]): string {
  const [from, to] = [document.indexOf(begins), document.indexOf(ends)];
  if (from < 0 || to < from) throw new Error(`the document has no place for the table: ${begins} … ${ends}`);
  const before = document.slice(from, to).split('\n');
  const lines = FAULTS.flatMap(({ what, promise }) => {
    const head = `| ${what} | ${promise} |`;
    const row = rows.find(({ fault }) => fault.what === what);
    if (row !== undefined) return `${head} ${KINDS.map(kind => wordsOf(row.seen[kind])).join(' | ')} |`;
    return before.find(line => line.startsWith(head)) ?? [];
  });
  const head = [
    `| what is done | promised | ${KINDS.join(' | ')} |`,
    `|---|---|${KINDS.map(() => '---|').join('')}`,
  ];
  return `${document.slice(0, from)}${[begins, '', ...head, ...lines].join('\n')}\n\n${document.slice(to)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
