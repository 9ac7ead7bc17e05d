import type { Report } from '../../load/tally.ts';
import { count, type DemoContext } from '../claim.ts';

/** The run that goes on beneath the claims about failures. */
export const STEADY = 'steady';

/** What the steady load lost between two reports. */
export interface Losses {
  readonly requests: number;
  readonly idempotent: number;
  readonly other: number;
  readonly repeatedOrders: number;
  /** The failures in words. */
  readonly detail: readonly string[];
}

/** Runs `action` and waits until what was in flight at its end was answered; what was lost meanwhile. */
export async function lossesDuring(context: DemoContext, action: () => Promise<void>): Promise<Losses> {
  const before = await context.load.report(STEADY);
  await action();
  const end = await context.load.report(STEADY);
  let after = end;
  for (let tries = 0; tries < 50 && after.ok + after.failed < end.sent; tries += 1) {
    await new Promise(resolve => setTimeout(resolve, 100));
    after = await context.load.report(STEADY);
  }
  return lossesBetween(before, after);
}

/** The difference of two reports of the same run. */
export function lossesBetween(before: Report, after: Report): Losses {
  return {
    requests: after.ok + after.failed - before.ok - before.failed,
    idempotent: after.lostIdempotent - before.lostIdempotent,
    other: after.lostOther - before.lostOther,
    repeatedOrders: after.repeatedOrders - before.repeatedOrders,
    detail: after.failures
      .slice(before.failures.length)
      .map(failure => `${(failure.atMs / 1000).toFixed(1)} s ${failure.request}: ${failure.reason}`),
  };
}

/** `0 of 1,234 requests lost` */
export function lostOf(lost: number, losses: Losses): string {
  return `${count(lost)} of ${count(losses.requests)} requests lost`;
}
