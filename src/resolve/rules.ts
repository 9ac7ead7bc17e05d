import {
  type CallerMatch,
  matchesLabels,
  type PathMatch,
  type RequestMatch,
  type RouteRule,
  type RouteTable,
} from '../model/index.ts';
import type { Caller } from './caller.ts';

/** A rule as it stands for one caller. */
export interface CallerRule {
  readonly table: RouteTable;
  readonly rule: RouteRule;
  /** Which of rule.matches these are; empty for all of them. */
  readonly only: readonly number[];
  /** Any of them; empty matches every request. */
  readonly matches: readonly RequestMatch[];
}

/** Why a rule, or one of its matches, is not for this caller. */
export interface LeftOut {
  readonly table: RouteTable;
  readonly rule: RouteRule;
  readonly why: string;
}

/** The rules that the caller's requests meet, in the order in which they are tried; and those that are not for it. */
export interface CallerRules {
  readonly rules: readonly CallerRule[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Puts the rules of all tables (of one rank, see chooseTables) in order; see RouteTable.combine. `port`: the one that was called.
 */
export function callerRules(tables: readonly RouteTable[], caller: Caller, port: number): CallerRules {
  const [first] = tables;
  if (!first) return { rules: [], leftOut: [] };
  const counted = countedOf(first, tables);
  const rules: CallerRule[] = [];
  const leftOut: LeftOut[] = [];
  for (const table of counted) {
    for (const rule of table.http) {
      const held = forCaller(table, rule, caller, port);
      if (typeof held === 'string') leftOut.push({ table, rule, why: held });
      else rules.push(held);
    }
  }
  return { rules: inOrder(rules, first.combine), leftOut };
}

/**
 * Which tables are joined. Gateway API joins routes of a kind only: the consumer's own, where it has any, else the producer's
 * (gateway-api.sigs.k8s.io/geps/gep-1426, multiple routes for a service). `first`: the narrowest.
 */
function countedOf(first: RouteTable, tables: readonly RouteTable[]): readonly RouteTable[] {
  if (first.combine === 'exclusive') return [first];
  if (first.combine === 'oldest-first') return tables;
  return tables.filter(each => (each.visibleTo === undefined) === (first.visibleTo === undefined));
}

const all: readonly number[] = [];
const everyRequest: readonly RequestMatch[] = [];

function forCaller(table: RouteTable, rule: RouteRule, caller: Caller, port: number): CallerRule | string {
  if (rule.matches.length === 0) return { table, rule, only: all, matches: everyRequest };
  if (rule.matches.every(({ caller: asked }) => asked === undefined)) {
    const requests = requestsOf(rule);
    const takesAll = table.combine !== 'most-specific' && requests.some(isEmpty);
    return { table, rule, only: all, matches: takesAll ? everyRequest : requests };
  }
  const only: number[] = [];
  const whys: string[] = [];
  rule.matches.forEach((match, index) => {
    const why = match.caller && callerDiffers(match.caller, caller, port);
    if (why === undefined) only.push(index);
    else whys.push(why);
  });
  if (only.length === 0) return whys[0]!;
  const requests = only.map(index => rule.matches[index]!.request ?? {});
  // Where the most specific match goes first, one that is for everything does not make its companions superfluous.
  const everything = table.combine !== 'most-specific' && requests.some(isEmpty);
  return {
    table,
    rule,
    only: only.length === rule.matches.length ? [] : only,
    matches: everything ? [] : requests,
  };
}

/** What each rule asks of requests: worked out once, however often its table is looked at. */
const asked = new WeakMap<RouteRule, readonly RequestMatch[]>();

function requestsOf(rule: RouteRule): readonly RequestMatch[] {
  let requests = asked.get(rule);
  if (requests === undefined) {
    requests = rule.matches.map(({ request }) => request ?? {});
    asked.set(rule, requests);
  }
  return requests;
}

/** Why the match is not for this caller and port; undefined where it is. */
export function callerDiffers(match: CallerMatch, caller: Caller, port: number): string | undefined {
  if (match.port !== undefined && match.port !== port) return `port is ${port} and not ${match.port}`;
  if (match.namespace !== undefined && match.namespace !== caller.namespace)
    return `the caller's namespace is ${caller.namespace || 'none'} and not ${match.namespace}`;
  if (match.labels && !matchesLabels(match.labels, caller.labels)) {
    const wanted = Object.entries(match.labels.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
    return `the caller has not the labels ${wanted.join(', ') || 'that are asked for'}`;
  }
  return undefined;
}

function inOrder(rules: readonly CallerRule[], combine: RouteTable['combine']): readonly CallerRule[] {
  if (combine === 'exclusive') return rules;
  if (combine === 'oldest-first') return oldestFirst(rules);
  const single = rules.flatMap(split);
  // Sorting is stable: equals stay in order of age, and of their place in the object.
  return single.sort((left, right) => compareSpecific(left.matches[0] ?? {}, right.matches[0] ?? {}));
}

/**
 * What Istio does: a rule for everything ends its own table, so that those behind it stay behind it, and of several tables such
 * rules come last.
 */
function oldestFirst(rules: readonly CallerRule[]): readonly CallerRule[] {
  const ended = new Set<RouteTable>();
  const isMet = (rule: CallerRule): boolean => {
    if (isCatchAll(rule)) ended.add(rule.table);
    return !ended.has(rule.table);
  };
  const met = rules.map(isMet);
  return [...rules.filter((_, index) => met[index]), ...rules.filter((_, index) => !met[index])];
}

/** Whether every usual request meets the rule, so that none after it in the list is ever met. */
export function isCatchAll({ matches }: CallerRule): boolean {
  return matches.length === 0 || matches.some(isEverything);
}

function isEverything(match: RequestMatch): boolean {
  const { path, ...rest } = match;
  if (Object.values(rest).some(each => each !== undefined && !(Array.isArray(each) && each.length === 0)))
    return false;
  if (!path) return true;
  if (path.kind === 'regex') return path.value === '.*' || path.value === '/.*';
  return path.kind !== 'exact' && (path.value === '/' || path.value === '');
}

function split(rule: CallerRule): readonly CallerRule[] {
  const numbers = rule.only.length === 0 ? rule.rule.matches.map((_, index) => index) : rule.only;
  if (rule.matches.length === 0) return [rule];
  return rule.matches.map((match, index) => ({
    ...rule,
    only: rule.rule.matches.length === 1 ? [] : [numbers[index]!],
    matches: isEmpty(match) ? [] : [match],
  }));
}

function isEmpty(match: RequestMatch): boolean {
  return Object.keys(match).length === 0;
}

/** Gateway API's precedence (gateway-api.sigs.k8s.io/reference/spec/#httprouterule): below zero where the left one goes first. */
export function compareSpecific(left: RequestMatch, right: RequestMatch): number {
  const rank = ({ path, method, headers = [], query = [] }: RequestMatch): readonly number[] => [
    pathRank(path),
    path && path.kind !== 'exact' && path.kind !== 'regex' ? path.value.length : 0,
    method ? 1 : 0,
    headers.length,
    query.length,
  ];
  const [ranks, others] = [rank(left), rank(right)];
  const index = ranks.findIndex((value, at) => value !== others[at]);
  return index < 0 ? 0 : others[index]! - ranks[index]!;
}

/** Where a regex stands is left to implementations; like Envoy Gateway: after exact paths, before prefixes. */
function pathRank(path: PathMatch | undefined): number {
  if (!path) return 0;
  return path.kind === 'exact' ? 3 : path.kind === 'regex' ? 2 : 1;
}
