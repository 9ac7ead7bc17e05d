// Rules that can never match.
import {
  type CallerMatch,
  equal,
  formatRef,
  type RouteRule,
  type RouteTable,
  type RuleMatch,
  type TcpRule,
} from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { coversCaller, coversMatch } from './covers.ts';
import { type Finding, finding } from './finding.ts';
import { objectOf, tablesOf } from './routed.ts';

const everything: readonly RuleMatch[] = [{}];

/** Findings about rules behind others of the same object: those of several objects change places with their age. */
export function shadowFindings({ mesh }: AnalysisContext): readonly Finding[] {
  return tablesOf(mesh).flatMap(table => [...shadowedHttp(table), ...shadowedTcp(table)]);
}

function shadowedHttp(table: RouteTable): readonly Finding[] {
  return table.http.flatMap((rule, index) => {
    const winner = shadowOf(table, rule, index);
    if (!winner) return [];
    const conditions = winner.matches.length === 0 ? 'has no condition' : 'takes every request that it would';
    const where = winner.from ? `${winner.path} of ${formatRef(winner.from)}` : winner.path;
    const reason = `${rule.path} never matches: ${where} comes first and ${conditions}`;
    return [finding('rule-shadowed', { object: objectOf(table, rule), path: rule.path, reason })];
  });
}

/** Rules for connections; those with server names are for TLS, which a rule without does not take from them. */
function shadowedTcp({ tcp, from }: RouteTable): readonly Finding[] {
  return tcp.flatMap((rule, index) => {
    const winner = tcp
      .slice(0, index)
      .find(earlier => earlier.path !== rule.path && coversTcp(earlier, rule));
    if (!winner) return [];
    const reason = `${rule.path} never matches: ${winner.path} comes first and takes every connection that it would`;
    return [finding('rule-shadowed', { object: from, path: rule.path, reason })];
  });
}

const anybody: readonly CallerMatch[] = [{}];

function coversTcp(wide: TcpRule, narrow: TcpRule): boolean {
  if ((wide.serverNames.length === 0) !== (narrow.serverNames.length === 0)) return false;
  if (wide.destinationCidrs.length > 0 && !equal(wide.destinationCidrs, narrow.destinationCidrs))
    return false;
  const names = narrow.serverNames.every(name => wide.serverNames.some(each => coversName(each, name)));
  const [outer, inner] = [wide.caller, narrow.caller].map(each => (each.length === 0 ? anybody : each));
  return names && inner!.every(each => outer!.some(other => coversCaller(other, each)));
}

function coversName(wide: string, narrow: string): boolean {
  return wide === narrow || wide === '*' || (wide.startsWith('*.') && narrow.endsWith(wide.slice(1)));
}

function shadowOf({ http, combine }: RouteTable, rule: RouteRule, index: number): RouteRule | undefined {
  const wanted = rule.matches.length === 0 ? everything : rule.matches;
  return http.slice(0, index).find(earlier => {
    if (earlier.path === rule.path) return false;
    const taken = earlier.matches.length === 0 ? everything : earlier.matches;
    // There the most specific goes first wherever it stands, so that only one that asks for the same is taken.
    const covers = (wide: RuleMatch, narrow: RuleMatch): boolean =>
      coversMatch(wide, narrow) && (combine !== 'most-specific' || coversMatch(narrow, wide));
    return wanted.every(narrow => taken.some(wide => covers(wide, narrow)));
  });
}
