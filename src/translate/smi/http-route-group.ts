import { type NamedMatch, type PathMatch, type RequestMatch, regexProblem } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { MatchGroupPart, Part } from '../part.ts';
import type { Report } from '../report.ts';

/** specs.smi-spec.io HTTPRouteGroup; until v1alpha2 its matches stand beside metadata, from v1alpha3 on in spec. */
export const httpRouteGroupTranslator: KindTranslator = {
  kind: 'HTTPRouteGroup.specs.smi-spec.io',
  translate: translateGroup,
};

/** MatchGroupPart.key of an HTTPRouteGroup. */
export function groupKey(namespace: string, name: string): string {
  return `HTTPRouteGroup ${namespace}/${name}`;
}

function translateGroup(object: KubeObject, _context: TranslateContext, report: Report): readonly Part[] {
  const { namespace = '', name } = object.metadata;
  const matches = matchesOf(object, report).flatMap(match => readMatch(match, report));
  return [{ kind: 'match-group', key: groupKey(namespace, name), matches, from: report.object }];
}

function matchesOf(object: KubeObject, report: Report): readonly Fields[] {
  if (object.spec === undefined && object.matches !== undefined) {
    const { matches } = object;
    const wrapped = fieldsOf({ spec: { matches } }, 'spec', report);
    return wrapped.objects('matches');
  }
  const spec = fieldsOf(object, 'spec', report);
  const matches = spec.objects('matches');
  if (matches.length === 0 && !spec.has('matches'))
    report.error('field-invalid', 'spec.matches', 'spec.matches is missing; list what requests look like');
  spec.rest();
  return matches;
}

/** One match for each of its methods; an empty list, and `*`, mean every method. */
function readMatch(match: Fields, report: Report): MatchGroupPart['matches'] {
  const name = match.text('name');
  if (name === undefined && !match.has('name'))
    report.error('field-invalid', match.at('name'), `${match.at('name')} is missing; TrafficTargets name it`);
  const path = readPath(match, report);
  const methods = match.texts('methods').map(each => each.toUpperCase());
  const headers = readHeaders(match, report);
  // A condition that is left out would make the match hold for more than its author wanted.
  match.refuseRest();
  const request: RequestMatch = given({ path, headers: some(headers) });
  if (methods.length === 0 || methods.includes('*'))
    return [{ name: name ?? '', match: given({ request: filled(request) }) }];
  return methods.map(value => ({
    name: name ?? '',
    match: { request: { ...request, method: { kind: 'exact', value } } },
  }));
}

function filled(request: RequestMatch): RequestMatch | undefined {
  return Object.keys(request).length === 0 ? undefined : request;
}

/** Anchored at its beginning only (smi-spec.io, traffic specs), while ours match the whole path. */
function readPath(match: Fields, report: Report): PathMatch | undefined {
  const pattern = readRegex(match, 'pathRegex', report);
  if (pattern === undefined || pattern === '') return undefined;
  const open = /((?<!\\)\.\*|(?<!\\)\$)$/.test(pattern) && !pattern.includes('|');
  return { kind: 'regex', value: open ? pattern : `(?:${pattern}).*` };
}

/** A map, or a list of maps as older examples have it; all of them must hold. */
function readHeaders(match: Fields, report: Report): readonly NamedMatch[] {
  const maps = match.isList('headers') ? match.objects('headers') : [match.object('headers')];
  return maps.flatMap(fields =>
    (fields?.names() ?? []).flatMap(name => {
      const value = readRegex(fields!, name, report);
      return value === undefined
        ? []
        : [{ name: name.toLowerCase(), match: { kind: 'regex' as const, value } }];
    }),
  );
}

function readRegex(fields: Fields, name: string, report: Report): string | undefined {
  const pattern = fields.text(name);
  const problem = pattern === undefined ? undefined : regexProblem(pattern);
  if (problem === undefined) return pattern;
  report.error(
    'field-invalid',
    fields.at(name),
    `${fields.at(name)}: the regular expression '${pattern}' ${problem}`,
  );
  return undefined;
}
