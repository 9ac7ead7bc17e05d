// What the clients of the chaos suite do, and how they tell what became of it: the one thing that client, suite and report share.

/** Ways in which the client calls. The first four are calls; the others are connections that last. */
export const KINDS = ['GET', 'POST', 'gRPC', 'new connections', 'WebSockets', 'TCP'] as const;

/** One of KINDS. */
export type Kind = (typeof KINDS)[number];

/** What became of one call, or of one message of a connection that lasts. */
export interface Outcome {
  /** When it was known, milliseconds since the epoch. */
  readonly atMs: number;
  readonly kind: Kind;
  /** Which of several connections of the kind; 0 for calls. */
  readonly lane: number;
  /** How long it took. */
  readonly tookMs: number;
  /** '' when it was answered as it should be. */
  readonly error: string;
}

/** What a line of the client's log begins with that has outcomes. */
const mark = 'OUTCOMES ';

/** One line for many outcomes. */
export function writeOutcomes(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ atMs, kind, lane, tookMs, error }) => [
    Math.round(atMs * 10) / 10,
    KINDS.indexOf(kind),
    lane,
    Math.round(tookMs * 10) / 10,
    error,
  ]);
  return `${mark}${JSON.stringify(rows)}`;
}

/** The outcomes in the lines of a log that are complete; other lines are passed over. */
export function readOutcomes(log: string): readonly Outcome[] {
  const complete = log.slice(0, log.lastIndexOf('\n') + 1);
  return complete.split('\n').flatMap(line => {
    if (!line.startsWith(mark)) return [];
    const rows = JSON.parse(line.slice(mark.length)) as [number, number, number, number, string][];
    return rows.map(([atMs, kind, lane, tookMs, error]) => ({
      atMs,
      kind: KINDS[kind]!,
      lane,
      tookMs,
      error,
    }));
  });
}
