import type { HeaderEdits } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import type { Report } from '../report.ts';
import { required } from './matches.ts';

/** A HTTPHeaderFilter. Of one name there may be one action only. `way`: whose headers. */
export function readHeaderEdits(
  filter: Fields | undefined,
  way: 'request' | 'response',
  report: Report,
): HeaderEdits | undefined {
  if (!filter) return undefined;
  const names = new Set<string>();
  const checked = (written: string, path: string): string => {
    const name = written.toLowerCase();
    const wrong =
      headerNameProblem(name) ??
      (names.has(name) ? 'is there more than once; one action for each header' : undefined);
    if (wrong !== undefined) report.error('field-invalid', path, `${path}: '${written}' ${wrong}`);
    names.add(name);
    return name;
  };
  const pairs = (field: string): readonly (readonly [string, string])[] =>
    filter.objects(field).map(each => {
      const name = checked(required(each, 'name', report), each.at('name'));
      const value = required(each, 'value', report);
      each.rest();
      return [name, literal(value)] as const;
    });
  const why =
    way === 'response'
      ? 'is no header of an answer and has no effect; take it out'
      : 'cannot be removed, every request has one; it has no effect, take it out';
  /** Every request has a Host, and no answer: as in Envoy, what would change that is passed over. */
  const withoutHost = <T>(field: string, edits: readonly T[], nameOf: (edit: T) => string): readonly T[] =>
    edits.filter(edit => {
      const isKept = nameOf(edit) !== 'host' || (way === 'request' && field !== 'remove');
      const path = filter.at(field);
      if (!isKept) report.warn('field-not-supported', path, `${path}: 'host' ${why}`);
      return isKept;
    });
  const set = pairs('set');
  const add = pairs('add');
  const remove = filter
    .texts('remove')
    .map((name, index) => checked(name, `${filter.at('remove')}[${index}]`));
  filter.rest();
  return given({
    remove: some(withoutHost('remove', remove, name => name)),
    set: some(withoutHost('set', set, ([name]) => name)),
    add: some(withoutHost('add', add, ([name]) => name)),
  });
}

/** Gateway API knows no variables in values: a percent sign is one. */
function literal(value: string): string {
  return value.replaceAll('%', '%%');
}
