import type { LabelSelector } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** A LabelSelector as Kubernetes has it; an empty one selects everything. Whatever is wrong refuses the object. */
export function readLabelSelector(selector: Fields, report: Report): LabelSelector {
  const matchLabels = selector.strings('matchLabels');
  const matchExpressions = selector.objects('matchExpressions').flatMap(each => {
    const key = each.text('key') ?? '';
    const operator = each.choice('operator', operators);
    const values = each.texts('values');
    each.refuseRest();
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (key === '' || operator === undefined || needsValues !== values.length > 0) {
      const words = 'needs a key, an operator, and values where that is In or NotIn';
      report.error('field-invalid', each.path, `${each.path} ${words}`);
      return [];
    }
    return [{ key, operator, ...given({ values: some(values) }) }];
  });
  selector.refuseRest();
  const hasLabels = Object.keys(matchLabels ?? {}).length > 0;
  return given({
    matchLabels: hasLabels ? matchLabels : undefined,
    matchExpressions: some(matchExpressions),
  });
}
