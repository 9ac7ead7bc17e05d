import type { ResponseClass } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Whether a status is meant. */
type Test = (status: number) => boolean;

const [first, last] = [100, 599];

/** The classes as ranges of statuses, each class' in its place: the first that has a status decides. */
export function readResponseClasses(route: Fields, report: Report): readonly ResponseClass[] {
  return route.objects('responseClasses').flatMap(each => {
    const condition = each.object('condition');
    const test = condition && readTest(condition, report);
    if (!each.has('condition'))
      report.error(
        'field-invalid',
        each.at('condition'),
        `${each.at('condition')} is missing; give a status range`,
      );
    const failure = readFailure(each, condition, report);
    condition?.refuseRest();
    each.rest();
    return test ? rangesOf(test).map(range => ({ ...range, failure })) : [];
  });
}

/** Beside `condition`, where Linkerd looks for it; many a profile has it inside by a slip of indentation. */
function readFailure(each: Fields, condition: Fields | undefined, report: Report): boolean {
  const inside = condition?.flag('isFailure');
  const outside = each.flag('isFailure');
  if (inside !== undefined) {
    const path = condition!.at('isFailure');
    const counts = outside === undefined ? 'taken as if it stood there' : `${each.at('isFailure')} counts`;
    report.warn('field-misplaced', path, `${path} belongs beside condition, not inside; ${counts}`);
  }
  return outside ?? inside ?? false;
}

/** Undefined where something is wrong. Of several fields all must hold. */
function readTest(condition: Fields, report: Report): Test | undefined {
  const tests: (Test | undefined)[] = [];
  if (condition.has('all')) tests.push(...list(condition, 'all', report));
  if (condition.has('any')) {
    const any = list(condition, 'any', report);
    tests.push(any.every(each => each !== undefined) ? status => any.some(each => each!(status)) : undefined);
  }
  if (condition.has('not')) {
    const fields = condition.object('not');
    const inner = fields && readTest(fields, report);
    fields?.refuseRest();
    tests.push(inner && (status => !inner(status)));
  }
  if (condition.has('status')) tests.push(readStatus(condition, report));
  if (tests.length === 0) {
    const { path } = condition;
    report.error('field-invalid', path, `${path} says nothing; give it status, all, any or not`);
  }
  if (tests.length === 0 || tests.some(each => each === undefined)) return undefined;
  return status => tests.every(each => each!(status));
}

function list(condition: Fields, name: 'all' | 'any', report: Report): (Test | undefined)[] {
  const tests = condition.objects(name).map(each => {
    const test = readTest(each, report);
    each.refuseRest();
    return test;
  });
  if (tests.length > 0) return tests;
  if (condition.isList(name))
    report.error('field-invalid', condition.at(name), `${condition.at(name)} is empty; list conditions`);
  return [undefined];
}

/** With one end only it is that one status (linkerd2-proxy-api, HttpStatusRange). */
function readStatus(condition: Fields, report: Report): Test | undefined {
  const status = condition.object('status');
  if (!status) return undefined;
  const bounds = { min: first, max: last };
  const [low, high] = [status.number('min', bounds), status.number('max', bounds)];
  status.refuseRest();
  const [min, max] = [low ?? high, high ?? low];
  if (min === undefined || max === undefined) {
    if (!status.has('min') && !status.has('max'))
      report.error('field-invalid', status.path, `${status.path} is empty; give it min, max or both`);
    return undefined;
  }
  if (min > max) {
    report.error('field-invalid', status.path, `${status.path}: min ${min} is above max ${max}`);
    return undefined;
  }
  return each => each >= min && each <= max;
}

function rangesOf(test: Test): { readonly min: number; readonly max: number }[] {
  const ranges: { min: number; max: number }[] = [];
  for (let status = first; status <= last; status++) {
    if (!test(status)) continue;
    const open = ranges.at(-1);
    if (open?.max === status - 1) open.max = status;
    else ranges.push({ min: status, max: status });
  }
  return ranges;
}
