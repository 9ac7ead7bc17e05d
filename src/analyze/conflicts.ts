// Several objects for one host. Those that lose altogether are problems of the translation; these share the host.
import { equal, formatRef, type RouteTable } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { shortHost } from './routed.ts';

/** Findings about objects whose rules are joined. */
export function conflictFindings({ mesh }: AnalysisContext): readonly Finding[] {
  return [...mesh.routeTables].flatMap(([host, tables]) => {
    const joined = tables.filter(each => each.combine === 'oldest-first' && each.http.length > 0);
    return joined.flatMap((table, index) => {
      const before = joined
        .slice(0, index)
        .filter(
          each => each.rank === table.rank && equal(each.visibleTo, table.visibleTo) && !isSame(each, table),
        );
      if (before.length === 0) return [];
      const order = table.createdAt === '' ? 'by name here, because files have no age' : 'the oldest first';
      const reason = `its rules for ${shortHost(host, mesh)} come after those of ${before.map(each => formatRef(each.from)).join(' and ')} (${order}; rules without conditions last)`;
      return [finding('rules-joined', { object: table.from, reason })];
    });
  });
}

function isSame(left: RouteTable, right: RouteTable): boolean {
  return (
    left.from.kind === right.from.kind &&
    left.from.namespace === right.from.namespace &&
    left.from.name === right.from.name
  );
}
