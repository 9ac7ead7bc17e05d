// Pure: what clients saw of a fault, from the outcomes of their calls.
import { KINDS, type Kind, type Outcome } from './kinds.ts';

/** When a fault began, when it was taken back, and what is looked at before and after. Milliseconds since the epoch. */
export interface Span {
  readonly fromMs: number;
  readonly faultMs: number;
  readonly backMs: number;
  readonly untilMs: number;
}

/** What the clients of one kind saw. */
export interface Seen {
  /** Answered calls or messages. */
  readonly answered: number;
  /** How often each error came. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of all errors. */
  readonly failed: number;
  /** The longest time in which a connection, or all calls together, brought no answer. */
  readonly longestGapMs: number;
  /** Of what ended before the fault, was under way during it, or began afterwards; 0 where nothing was answered. */
  readonly p99Ms: { readonly before: number; readonly during: number; readonly after: number };
  /** From the moment that the fault was taken back to the last error; 0 where there was none later. */
  readonly recoveredMs: number;
}

/** A fault that is over at once counts as one of this length where times are compared. */
const shortestMs = 2_000;

/** By kind. */
export function seenOf(outcomes: readonly Outcome[], span: Span): Readonly<Record<Kind, Seen>> {
  const within = outcomes.filter(({ atMs }) => atMs >= span.fromMs && atMs <= span.untilMs);
  return Object.fromEntries(
    KINDS.map(kind => [
      kind,
      seenOfKind(
        within.filter(each => each.kind === kind),
        span,
      ),
    ]),
  ) as Record<Kind, Seen>;
}

function seenOfKind(outcomes: readonly Outcome[], span: Span): Seen {
  const good = outcomes.filter(({ error }) => error === '');
  const bad = outcomes.filter(({ error }) => error !== '');
  const errors: Record<string, number> = {};
  for (const { error } of bad) errors[error] = (errors[error] ?? 0) + 1;
  const p99 = (holds: (beganMs: number, endedMs: number) => boolean): number =>
    percentile99(good.filter(({ atMs, tookMs }) => holds(atMs - tookMs, atMs)).map(({ tookMs }) => tookMs));
  // What is killed at once is looked at for as long as it takes to come back.
  const duringMs = Math.max(span.backMs, span.faultMs + shortestMs);
  const lanes = [...new Set(outcomes.map(({ lane }) => lane))];
  return {
    answered: good.length,
    errors,
    failed: bad.length,
    longestGapMs: Math.max(
      // Nobody who answered at all is no gap between answers, but the whole time.
      ...(lanes.length === 0 ? [span.untilMs - span.fromMs] : []),
      ...lanes.map(lane =>
        longestGap(
          good.filter(each => each.lane === lane).map(each => each.atMs),
          span,
        ),
      ),
    ),
    p99Ms: {
      before: p99((_, endedMs) => endedMs < span.faultMs),
      during: p99((beganMs, endedMs) => endedMs >= span.faultMs && beganMs < duringMs),
      after: p99(beganMs => beganMs >= duringMs),
    },
    recoveredMs: Math.max(0, ...bad.map(({ atMs }) => atMs - span.backMs)),
  };
}

function longestGap(timesMs: readonly number[], { fromMs, untilMs }: Span): number {
  const points = [fromMs, ...timesMs.toSorted((one, two) => one - two), untilMs];
  return Math.max(...points.slice(1).map((point, index) => point - points[index]!));
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((one, two) => one - two);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
}
