// check: what `weft check` looks at, one Check each, and their text. In: a cluster. Out: findings with remedies.
import { type Check, type CheckContext, type Checked, runCheck } from './check.ts';
import { clusterChecks, installChecks } from './cluster.ts';
import { controlPlaneChecks } from './control-plane.ts';
import { dataPlaneChecks } from './data-plane.ts';
import { policyChecks } from './policies.ts';
import { refused } from './refused.ts';
import { revisionChecks } from './revisions.ts';

export { type Check, CheckContext, type Checked, type Finding } from './check.ts';
export { judgeBundle, judgeExpiries } from './control-plane.ts';
export { initTrouble, opens } from './data-plane.ts';

/** The checks before an installation, or all that make sense after it, in the order to read them. */
export function checksFor(pre: boolean): readonly Check[] {
  return pre
    ? [...clusterChecks, ...installChecks]
    : [
        ...clusterChecks,
        ...controlPlaneChecks,
        ...revisionChecks,
        ...policyChecks,
        refused,
        ...dataPlaneChecks,
      ];
}

/** Runs them one after another. When the API server does not answer at all, the others are not tried. */
export async function runChecks(checks: readonly Check[], context: CheckContext): Promise<Checked[]> {
  const done: Checked[] = [];
  for (const check of checks) {
    const checked = await runCheck(check, context);
    done.push(checked);
    if (check.id === 'api' && isFailed([checked])) break;
  }
  return done;
}

/** Whether anything is an error. */
export function isFailed(done: readonly Checked[]): boolean {
  return done.some(({ findings }) => findings.some(({ result }) => result === 'error'));
}

/** Whether it may look otherwise in a moment: something is an error, or is not finished. */
export function isUnderWay(done: readonly Checked[]): boolean {
  return isFailed(done) || done.some(({ findings }) => findings.some(({ underWay }) => underWay === true));
}

const marks = { ok: '✓', warning: '!', error: '✗', skipped: '-' } as const;

/** The findings as people read them. */
export function checkText(done: readonly Checked[]): string {
  const lines: string[] = [];
  for (const { title, findings } of done) {
    const worst = (['error', 'warning', 'skipped', 'ok'] as const).find(result =>
      findings.some(each => each.result === result),
    )!;
    const plain = findings.every(({ result }) => result === 'ok' || result === 'skipped');
    const words = findings.map(({ message }) => message).filter(Boolean);
    lines.push(`${marks[worst]} ${title}${plain && words.length > 0 ? `: ${words.join(', ')}` : ''}`);
    if (plain) continue;
    for (const { result, message, remedy } of findings) {
      if (message === '') continue;
      lines.push(`    ${marks[result]} ${message}`);
      if (remedy !== undefined) lines.push(`      remedy: ${remedy}`);
    }
  }
  const count = (result: string) =>
    done.flatMap(({ findings }) => findings).filter(each => each.result === result).length;
  const [errors, warnings] = [count('error'), count('warning')];
  lines.push('', errors + warnings === 0 ? 'all is well' : `${errors} errors, ${warnings} warnings`);
  return lines.join('\n');
}
