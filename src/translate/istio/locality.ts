import type { LocalitySettings } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Istio's LocalityLoadBalancerSetting. As long as it does not switch itself off, being there switches it on. */
export function readLocality(setting: Fields, report: Report): LocalitySettings {
  const distribute = setting.objects('distribute').flatMap(each => {
    const from = each.text('from');
    const to = each.object('to');
    const shares = (to?.names() ?? []).map(name => [name, to!.number(name, { max: 100 }) ?? 0] as const);
    each.rest();
    checkShares(each, shares, report);
    return from ? [{ from, to: Object.fromEntries(shares) }] : missing(each, 'from', report);
  });
  const failover = setting.objects('failover').flatMap(each => {
    const from = each.text('from');
    const to = each.text('to');
    each.rest();
    if (!from) return missing(each, 'from', report);
    return to ? [{ from, to }] : missing(each, 'to', report);
  });
  const failoverPriority = setting.texts('failoverPriority');
  const enabled = setting.flag('enabled') ?? true;
  setting.rest();
  if (distribute.length > 0 && failover.length + failoverPriority.length > 0) {
    const message = `${setting.path} has both distribute and failover; shares are kept whatever fails, so keep one`;
    report.error('field-invalid', setting.path, message);
  }
  return {
    enabled,
    ...given({
      distribute: some(distribute),
      failover: some(failover),
      failoverPriority: some(failoverPriority),
    }),
  };
}

function checkShares(owner: Fields, shares: readonly (readonly [string, number])[], report: Report): void {
  const path = owner.at('to');
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  if (sum === 0) report.error('weights-zero', path, `${path}: all shares are 0; give somebody some`);
  else if (sum !== 100)
    report.warn(
      'weights-sum',
      path,
      `${path}: shares add up to ${sum} and not 100; they are taken relative to ${sum}`,
    );
}

function missing(owner: Fields, name: string, report: Report): [] {
  if (!owner.has(name))
    report.error('field-invalid', owner.at(name), `${owner.at(name)} is missing; name a place`);
  return [];
}
