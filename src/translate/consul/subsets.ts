import type { Labels, Subset } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { parseFilter } from './filter.ts';

/** spec.subsets of a ServiceResolver. */
export function readSubsets(
  spec: Fields,
  report: Report,
): readonly Pick<Subset, 'name' | 'labels' | 'expressions'>[] {
  const subsets = spec.object('subsets');
  return (subsets?.names() ?? []).flatMap(name => {
    const subset = subsets!.object(name);
    if (!subset) return [];
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
      report.error(
        'field-invalid',
        subset.path,
        `${subset.path}: '${name}' is no name; small letters, digits and dashes`,
      );
    const filter = subset.text('filter');
    // Endpoints are ready or not in Kubernetes; there is no warning between the two.
    subset.flag('onlyPassing');
    subset.rest();
    if (filter === undefined) return subset.has('filter') ? [] : [{ name, labels: {} }];
    const parsed = parseFilter(filter);
    if (typeof parsed !== 'string') return [{ name, ...conditionsOf(parsed) }];
    const path = subset.at('filter');
    const remedy =
      'compare keys of Service.Meta (labels of pods), joined by and, as in Service.Meta.version == v1';
    report.error('field-invalid', path, `${path}: '${filter}' ${parsed}; ${remedy}`);
    return [];
  });
}

function conditionsOf(
  all: Exclude<ReturnType<typeof parseFilter>, string>,
): Pick<Subset, 'labels' | 'expressions'> {
  const labels: Record<string, string> = {};
  const expressions = all.filter(({ key, operator, values = [] }) => {
    if (operator !== 'In' || values.length !== 1 || Object.hasOwn(labels, key)) return true;
    labels[key] = values[0]!;
    return false;
  });
  return { labels: labels as Labels, ...given({ expressions: some(expressions) }) };
}
