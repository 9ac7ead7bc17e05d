import { isIpAddress, parseHostPort, type RouteTarget } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { wholeWeights } from '../quantity.ts';
import type { Report } from '../report.ts';

/** spec.dstOverrides: where the Service's traffic goes instead, by weight. Empty where there are none. */
export function readOverrides(spec: Fields, report: Report): readonly RouteTarget[] {
  const targets = spec.objects('dstOverrides').flatMap(each => {
    const authority = each.text('authority');
    const weight = each.quantity('weight');
    for (const name of ['authority', 'weight'])
      if (!each.has(name)) report.error('field-invalid', each.at(name), `${each.at(name)} is missing`);
    each.rest();
    if (authority === undefined || weight === undefined) return [];
    const place = placeOf(authority);
    if (place) return [{ ...place, weight }];
    const path = each.at('authority');
    report.error(
      'field-invalid',
      path,
      `${path}: '${authority}' is no host name with a port, as in web-v2.shop.svc.cluster.local:80`,
    );
    return [];
  });
  if (targets.length > 0 && targets.every(each => each.weight === 0)) {
    const message = 'spec.dstOverrides: all weights are 0, so traffic is shared evenly; give one a weight';
    report.warn('weights-zero', 'spec.dstOverrides', message);
  }
  return wholeWeights(targets);
}

/** Without a port: the one that was called. */
function placeOf(authority: string): { readonly host: string; readonly port?: number } | undefined {
  const lower = authority.toLowerCase();
  const { host, port } = parseHostPort(lower) ?? { host: lower, port: undefined };
  const name = host.replace(/\.$/, '');
  if (isIpAddress(name) || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return undefined;
  return { host: name, ...(port !== undefined && { port }) };
}
