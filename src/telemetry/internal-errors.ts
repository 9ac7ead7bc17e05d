import { errorMessage, internalErrors, onInternalError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Exposition, labelText } from './exposition.ts';
import type { Log } from './log.ts';

/** The family's name, which dashboards and alerts know. */
export const INTERNAL_ERRORS = 'weft_internal_errors_total';
/** Its HELP line. */
export const INTERNAL_ERRORS_HELP =
  'Errors of weft itself that nobody caught, by the guard that did. Each closed at most one connection. Any at all is a defect; the log has the stack.';

/** Of each guard this many are logged at once, and then one a second: whoever provokes errors must not fill the disk. */
const loggedAtOnce = 10;
const loggedEveryMs = 1_000;

/** From now on errors of Weft's own are logged with their stack. */
export function logInternalErrors(log: Log, clock: Clock): void {
  const lastMs = new Map<string, number>();
  onInternalError(({ where, thrown, count }) => {
    const nowMs = clock.monotonic();
    if (count > loggedAtOnce && nowMs - (lastMs.get(where) ?? Number.NEGATIVE_INFINITY) < loggedEveryMs)
      return;
    lastMs.set(where, nowMs);
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    const fields = { code: 'internal-error', where, count, ...(stack !== undefined && { stack }) };
    log.error(
      fields,
      `an error of weft itself, please report it; what it was about is closed and everything else goes on: ${errorMessage(thrown)}`,
    );
  });
}

/** Renders the family; it is there with nothing in it, so that an alert on its increase sees the first one. */
export function renderInternalErrors(out: Exposition): void {
  out.family(INTERNAL_ERRORS, 'counter', INTERNAL_ERRORS_HELP);
  const counts = [...internalErrors()];
  if (counts.length === 0) out.sample(INTERNAL_ERRORS, labelText({ where: 'none' }), 0);
  for (const [where, count] of counts) out.sample(INTERNAL_ERRORS, labelText({ where }), count);
}
