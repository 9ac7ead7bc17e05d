import type { ForwardTo, Redirect, Respond, RouteRule, RouteTarget, RuleMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import { answerIfNowhere, nowhere, refusal } from '../nowhere.ts';
import { type BackendRef, type RouteContext, readBackendRef } from './backends.ts';
import { type Filters, readFilters } from './filters.ts';
import { readRuleSettings } from './rule-settings.ts';

/** A rule, and which of its targets belong to other namespaces. */
export interface ReadRule {
  readonly rule: RouteRule;
  readonly foreign: readonly {
    readonly target: number;
    readonly mirror: boolean;
    readonly to: { readonly namespace: string; readonly name: string };
    readonly path: string;
  }[];
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
  const only = backends.length === 1 ? backends[0]! : undefined;
  const said = only ? joined(filters, only.filters) : filters;
  const settings = readRuleSettings(rule, name, report);
  rule.rest();
  if (said.redirect && backends.length > 0)
    report.error(
      'filters-incompatible',
      rule.at('backendRefs'),
      `${rule.at('backendRefs')}: a rule that redirects sends to no backend; remove one of the two`,
    );
  const withoutBackends = backends.length === 0 && !said.redirect && said.refused === undefined;
  return {
    rule: {
      name,
      path: rule.path,
      matches: matches.some(each => Object.keys(each).length > 0) ? matches : [],
      action: actionOf(rule, said, backends),
      ...settings,
      ...given({
        requestHeaders: said.requestHeaders,
        responseHeaders: said.responseHeaders,
        mirrors: some(said.mirrors.map(({ target, percent }) => ({ target, percent }))),
        cors: said.cors,
      }),
    },
    foreign: [...foreignOf(backends, false), ...foreignOf(said.mirrors, true)],
    ...(withoutBackends && { withoutBackends: said.rewrite ?? {} }),
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
  const all = rule.objects('backendRefs');
  return all.flatMap(fields => {
    const weight = fields.number('weight', { max: 1_000_000 }) ?? 1;
    const ref = readBackendRef(fields, weight, context);
    const filters = readFilters(fields, prefix, context, shape.filters);
    fields.rest();
    if (!ref) return [];
    if (all.length === 1) return [{ ...ref, path: fields.path, filters }];
    onlyHeaders(filters, fields, context);
    const { requestHeaders, responseHeaders, refused } = filters;
    const target: RouteTarget = { ...ref.target, ...given({ requestHeaders, responseHeaders }) };
    const led =
      refused === undefined
        ? target
        : nowhere(target, String(fields.text('name')), context.namespace, 'not-supported');
    return [{ ...ref, target: led, path: fields.path, filters }];
  });
}

/** Of several backends each can have its own headers; everything else is one for the rule. */
function onlyHeaders(filters: Filters, fields: Fields, { report }: RouteContext): void {
  if (filters.mirrors.length === 0 && !filters.redirect && !filters.rewrite && !filters.cors) return;
  const path = fields.at('filters');
  const message = `${path}: of several backends each can have header modifiers only; put the other filters at the rule, or split it`;
  report.error('filters-incompatible', path, message);
}

/** Filters of a rule's only backend come after its own. */
function joined(rule: Filters, backend: Filters): Filters {
  return {
    mirrors: [...rule.mirrors, ...backend.mirrors],
    ...given({
      redirect: rule.redirect ?? backend.redirect,
      rewrite: backend.rewrite ?? rule.rewrite,
      cors: rule.cors ?? backend.cors,
      refused: rule.refused ?? backend.refused,
      requestHeaders: rule.requestHeaders,
      responseHeaders: rule.responseHeaders,
    }),
  };
}

function actionOf(
  rule: Fields,
  { refused, redirect, rewrite }: Filters,
  backends: readonly Backend[],
): ForwardTo | Redirect | Respond {
  if (refused !== undefined) return refusal(`${rule.path} cannot be carried out: ${refused}`);
  if (redirect) return redirect;
  const only = backends.length === 1 ? backends[0]! : undefined;
  const targets = only
    ? [
        {
          ...only.target,
          ...given({
            requestHeaders: only.filters.requestHeaders,
            responseHeaders: only.filters.responseHeaders,
          }),
        },
      ]
    : backends.map(each => each.target);
  return answerIfNowhere({ kind: 'forward', targets, ...rewrite }, rule.path);
}

function foreignOf(
  refs: readonly (BackendRef & { readonly path: string })[],
  mirror: boolean,
): ReadRule['foreign'] {
  return refs.flatMap(({ foreign: to, path }, target) => (to ? [{ target, mirror, to, path }] : []));
}
