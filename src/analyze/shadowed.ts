// Rules that can never match.
import { formatRef, type RouteRule, type RouteTable, type RuleMatch } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { coversMatch } from './covers.ts';
import { type Finding, finding } from './finding.ts';
import { objectOf, tablesOf } from './routed.ts';

const everything: readonly RuleMatch[] = [{}];

/** Findings about rules behind others of the same object: those of several objects change places with their age. */
export function shadowFindings({ mesh }: AnalysisContext): readonly Finding[] {
  return tablesOf(mesh).flatMap(table =>
    table.http.flatMap((rule, index) => {
      const winner = shadowOf(table, rule, index);
      if (!winner) return [];
      const conditions =
        winner.matches.length === 0 ? 'has no condition' : 'takes every request that it would';
      const where = winner.from ? `${winner.path} of ${formatRef(winner.from)}` : winner.path;
      const reason = `${rule.path} never matches: ${where} comes first and ${conditions}`;
      return [finding('rule-shadowed', { object: objectOf(table, rule), path: rule.path, reason })];
    }),
  );
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
