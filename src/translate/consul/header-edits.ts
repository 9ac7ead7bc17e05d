import type { HeaderEdits } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { headerNameProblem } from '../header-name.ts';
import type { Report } from '../report.ts';

/** Edits of both ways, where there are any. */
export interface HeadersPart {
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
}

/** requestHeaders and responseHeaders of a destination or a split. */
export function readHeaders(fields: Fields, report: Report): HeadersPart {
  return given({
    requestHeaders: readEdits(fields.object('requestHeaders'), report),
    responseHeaders: readEdits(fields.object('responseHeaders'), report),
  });
}

/** HTTPHeaderModifiers. Values may have Envoy's variables, `%DOWNSTREAM_REMOTE_ADDRESS%` and the like. */
function readEdits(fields: Fields | undefined, report: Report): HeaderEdits | undefined {
  if (!fields) return undefined;
  const checked = (name: string, path: string): string => {
    const problem = headerNameProblem(name);
    if (problem !== undefined) report.error('field-invalid', path, `${path}: '${name}' ${problem}`);
    return name.toLowerCase();
  };
  const pairs = (field: string): readonly (readonly [string, string])[] => {
    const values = Object.entries(fields.strings(field) ?? {});
    return values.map(([name, value]) => [checked(name, `${fields.at(field)}['${name}']`), value]);
  };
  const remove = fields
    .texts('remove')
    .map((name, index) => checked(name, `${fields.at('remove')}[${index}]`));
  const edits = given({ remove: some(remove), set: some(pairs('set')), add: some(pairs('add')) });
  fields.rest();
  return Object.keys(edits).length > 0 ? edits : undefined;
}
