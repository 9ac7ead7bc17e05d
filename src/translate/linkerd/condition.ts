// Conditions of ServiceProfile routes: all, any and not of methods and path patterns, in a form that a route has, which is any of
// several RequestMatches. What would need too many of them is written with a `not` inside a `not` instead.
import { equal, type RequestMatch, regexProblem } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Any of them. */
type Matches = readonly RequestMatch[];

/** So many matches a route may come to before its condition is nested instead. */
const most = 16;

/** So many conditions may stand in a route's matches, which repeat some of them. */
const mostConditions = 2000;

/** What a route's condition comes to; undefined where something is wrong. */
export function readRouteCondition(condition: Fields, report: Report): Matches | undefined {
  const matches = readCondition(condition, report);
  if (!matches || sizeOf(matches) <= mostConditions) return matches;
  const message = `${condition.path} comes to more than ${mostConditions} conditions; make several routes of it`;
  report.error('field-invalid', condition.path, message);
  return undefined;
}

/** How many conditions there are; stops counting where there are too many. */
function sizeOf(matches: Matches, before = 0): number {
  let size = before;
  for (const { path, method, not = [] } of matches) {
    if (size > mostConditions) break;
    size = sizeOf(not, size + (path ? 1 : 0) + (method ? 1 : 0) + 1);
  }
  return size;
}

/** Undefined where something is wrong. Of several fields all must hold. */
function readCondition(condition: Fields, report: Report): Matches | undefined {
  const parts: (Matches | undefined)[] = [];
  if (condition.has('all')) parts.push(...list(condition, 'all', report));
  if (condition.has('any')) parts.push(union(list(condition, 'any', report)));
  if (condition.has('not')) parts.push(...readNot(condition, report));
  const method = condition.text('method');
  if (method) parts.push([{ method: { kind: 'exact', value: method.toUpperCase() } }]);
  if (condition.has('pathRegex')) parts.push(readPath(condition, report));
  condition.refuseRest();
  if (parts.length === 0) {
    const { path } = condition;
    report.error('field-invalid', path, `${path} says nothing; give it pathRegex, method, all, any or not`);
    return undefined;
  }
  return parts.reduce((left, right) => left && right && both(left, right));
}

function list(condition: Fields, name: 'all' | 'any' | 'not', report: Report): (Matches | undefined)[] {
  const items = condition.objects(name).map(each => readCondition(each, report));
  if (items.length > 0) return items;
  // Of another type than a list: that is reported already.
  if (condition.isList(name))
    report.error('field-invalid', condition.at(name), `${condition.at(name)} is empty; list conditions`);
  return [undefined];
}

/** Linkerd's type has one condition; some of its documentation a list, none of which may hold. */
function readNot(condition: Fields, report: Report): (Matches | undefined)[] {
  if (condition.isList('not')) return list(condition, 'not', report).map(each => each && [{ not: each }]);
  const inner = condition.object('not');
  const matches = inner && readCondition(inner, report);
  return [matches && [{ not: matches }]];
}

/** The whole path must match, as in Linkerd. */
function readPath(condition: Fields, report: Report): Matches | undefined {
  const value = condition.text('pathRegex');
  if (value === undefined) return undefined;
  const problem = value === '' ? 'is empty; .* is every path' : regexProblem(value);
  if (problem === undefined) return [{ path: { kind: 'regex', value } }];
  const path = condition.at('pathRegex');
  report.error('field-invalid', path, `${path}: the regular expression '${value}' ${problem}`);
  return undefined;
}

function union(parts: readonly (Matches | undefined)[]): Matches | undefined {
  return parts.every(each => each !== undefined) ? parts.flat() : undefined;
}

/** Every left one with every right one. */
function both(left: Matches, right: Matches): Matches {
  if (left.length * right.length <= most) return left.flatMap(one => right.map(other => merged(one, other)));
  if (left.length > 1 && right.length > 1) return [{ not: [{ not: left }, { not: right }] }];
  const [one, many] = left.length === 1 ? [left[0]!, right] : [right[0]!, left];
  return [merged(one, { not: [{ not: many }] })];
}

/** A match has one path and one method: a second one goes into a `not` inside a `not`. */
function merged(left: RequestMatch, right: RequestMatch): RequestMatch {
  const not = [...(left.not ?? []), ...(right.not ?? [])];
  const { path, method } = right;
  if (path && left.path && !equal(path, left.path)) not.push({ not: [{ path }] });
  if (method && left.method && !equal(method, left.method)) not.push({ not: [{ method }] });
  return { ...right, ...left, ...(not.length > 0 && { not }) };
}
