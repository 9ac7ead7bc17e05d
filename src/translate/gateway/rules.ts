import type { ForwardTo, Redirect, Respond, RouteRule, RouteTarget, RuleMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { answerIfNowhere, nowhere, refusal } from '../nowhere.ts';
import type { ForeignReference } from '../part.ts';
import { type BackendRef, type RouteContext, readBackendRef } from './backends.ts';
import { type Filters, readFilters } from './filters.ts';
import { readRuleSettings } from './rule-settings.ts';

/** A rule, and which of its targets belong to other namespaces. */
export interface ReadRule {
  readonly rule: RouteRule;
  readonly foreign: readonly Pick<ForeignReference, 'target' | 'mirror' | 'to' | 'path'>[];
  /** Without backends: Linkerd then sends to the parent itself, rewritten like this. Undefined for rules with backends. */
  readonly withoutBackends?: NonNullable<Filters['rewrite']>;
}

/** What the kinds of routes differ in. */
export interface RuleShape {
  /** The conditions of one entry of `matches`. */
  match(match: Fields): RuleMatch;
  /** The only match's PathPrefix; see readPathModifier. */
  prefix(matches: readonly RuleMatch[]): string | undefined;
  /** Types of filters; undefined for all. */
  readonly filters?: readonly string[];
}

/** One of spec.rules. */
export function readRule(rule: Fields, index: number, shape: RuleShape, context: RouteContext): ReadRule {
  const { report } = context;
  const name = rule.text('name') ?? `${context.name}-${index}`;
  const matches = rule.objects('matches').map(each => shape.match(each));
  const prefix = shape.prefix(matches);
  const filters = readFilters(rule, prefix, context, shape.filters);
  const backends = readBackends(rule, prefix, shape, context);
  const settings = readRuleSettings(rule, name, report);
  rule.rest();
  if (filters.redirect && backends.length > 0)
    report.error(
      'filters-incompatible',
      rule.at('backendRefs'),
      `${rule.at('backendRefs')}: a rule that redirects sends to no backend; remove one of the two`,
    );
  const withoutBackends = backends.length === 0 && !filters.redirect && filters.refused === undefined;
  return {
    rule: {
      name,
      path: rule.path,
      matches: matches.some(each => Object.keys(each).length > 0) ? matches : [],
      action: actionOf(rule, filters, backends),
      ...settings,
      ...given({
        requestHeaders: filters.requestHeaders,
        responseHeaders: filters.responseHeaders,
        mirrors: mirrorsOf(filters),
        cors: filters.cors ?? (backends.length === 1 ? backends[0]!.filters.cors : undefined),
      }),
    },
    foreign: foreignOf(filters, backends),
    ...(withoutBackends && { withoutBackends: filters.rewrite ?? {} }),
  };
}

interface Backend extends BackendRef {
  readonly path: string;
  readonly filters: Filters;
}

function readBackends(
  rule: Fields,
  prefix: string | undefined,
  shape: RuleShape,
  context: RouteContext,
): readonly Backend[] {
  const { report } = context;
  const all = rule.objects('backendRefs');
  return all.flatMap(fields => {
    const weight = fields.number('weight', { max: 1_000_000 }) ?? 1;
    const ref = readBackendRef(fields, weight, context);
    const filters = readFilters(fields, prefix, context, shape.filters);
    fields.rest();
    if (!ref) return [];
    if (all.length > 1 && filters.cors)
      report.error('filters-incompatible', fields.at('filters'), askedBefore(fields));
    return [{ ...ref, target: targetOf(ref, filters, fields, context), path: fields.path, filters }];
  });
}

function askedBefore(fields: Fields): string {
  return `${fields.at('filters')}: browsers ask before a backend is chosen, so that CORS holds for all of them; put it at the rule`;
}

/** The backend with what its filters make of its share. One with a filter that must not be skipped leads nowhere. */
function targetOf(
  { target }: BackendRef,
  filters: Filters,
  fields: Fields,
  { namespace }: RouteContext,
): RouteTarget {
  if (filters.refused !== undefined)
    return nowhere(target, String(fields.text('name')), namespace, 'not-supported');
  const { requestHeaders, responseHeaders, redirect, rewrite } = filters;
  return {
    ...target,
    ...rewrite,
    ...given({ requestHeaders, responseHeaders, redirect, mirrors: mirrorsOf(filters) }),
  };
}

function mirrorsOf({ mirrors }: Filters): RouteRule['mirrors'] {
  return some(mirrors.map(({ target, percent }) => ({ target, percent })));
}

function actionOf(
  rule: Fields,
  { refused, redirect, rewrite }: Filters,
  backends: readonly Backend[],
): ForwardTo | Redirect | Respond {
  const refusedAll = backends.every(each => each.filters.refused !== undefined);
  const why = refused ?? (refusedAll ? backends[0]?.filters.refused : undefined);
  if (why !== undefined) return refusal(`${rule.path} cannot be carried out: ${why}`);
  if (redirect) return redirect;
  const targets = backends.map(each => each.target);
  return answerIfNowhere({ kind: 'forward', targets, ...rewrite }, rule.path);
}

function foreignOf({ mirrors }: Filters, backends: readonly Backend[]): ReadRule['foreign'] {
  const found: ReadRule['foreign'][number][] = [];
  const note = (
    { foreign: to }: BackendRef,
    path: string,
    place: Pick<ForeignReference, 'target' | 'mirror'>,
  ) => {
    if (to) found.push({ ...place, to, path });
  };
  backends.forEach((each, target) => {
    note(each, each.path, { target });
    each.filters.mirrors.forEach((copy, mirror) => void note(copy, copy.path, { target, mirror }));
  });
  mirrors.forEach((copy, mirror) => void note(copy, copy.path, { mirror }));
  return found;
}
