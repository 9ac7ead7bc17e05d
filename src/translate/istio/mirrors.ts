import type { RouteRule } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { readDestination } from './destinations.ts';
import { readPercent } from './percent.ts';
import type { Reading } from './reading.ts';

/** `mirror` with its percentage, and `mirrors`. All requests are copied where no percentage is given, none where it is 0. */
export function readMirrors(route: Fields, reading: Reading): RouteRule['mirrors'] {
  const single = route.object('mirror');
  const share = readPercent(route, 'mirrorPercentage', ['mirrorPercent', 'mirror_percent']);
  const found = [
    ...(single ? mirrorTo(single, share, reading) : []),
    ...route.objects('mirrors').flatMap(each => {
      const destination = each.object('destination');
      const percent = readPercent(each, 'percentage');
      each.rest();
      if (!destination)
        reading.report.error('field-invalid', each.path, `${each.path}.destination is missing; name a host`);
      return destination ? mirrorTo(destination, percent, reading) : [];
    }),
  ];
  if (share !== undefined && !single) {
    const path = route.at('mirrorPercentage');
    reading.report.warn('field-not-supported', path, `${path} has no effect without mirror`);
  }
  return found.length === 0 ? undefined : found;
}

function mirrorTo(destination: Fields, percent = 100, reading: Reading): NonNullable<RouteRule['mirrors']> {
  const target = readDestination(destination, reading);
  return target && percent > 0 ? [{ target: { ...target, weight: 1 }, percent }] : [];
}
