import type { LabelSelector } from '../model/index.ts';
import type { Fields } from './fields.ts';
import { given, some } from './given.ts';
import type { Report } from './report.ts';

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

/** A LabelSelector of Kubernetes; undefined where there is none. */
export function readSelector(fields: Fields, name: string, report: Report): LabelSelector | undefined {
  const selector = fields.object(name);
  if (!selector) return undefined;
  const matchLabels = selector.strings('matchLabels');
  const matchExpressions = some(
    selector.objects('matchExpressions').flatMap(each => readExpression(each, report)),
  );
  selector.refuseRest();
  return given({ matchLabels, matchExpressions });
}

function readExpression(expression: Fields, report: Report): readonly Expression[] {
  const key = expression.text('key') ?? '';
  const operator = expression.choice('operator', ['In', 'NotIn', 'Exists', 'DoesNotExist']);
  const values = expression.texts('values');
  expression.refuseRest();
  if (key !== '' && operator !== undefined) return [{ key, operator, values }];
  report.error('field-invalid', expression.path, `${expression.path} needs a key and an operator`);
  return [];
}
