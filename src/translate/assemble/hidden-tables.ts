// Tables that no caller ever meets because another object speaks of the same host; see chooseTables in resolve/tables.ts.
import { equal, formatRef, type RouteTable } from '../../model/index.ts';

/** Whether `winner`, which stands before `table` among those of their host, keeps all or a part of it from taking effect. */
export function hidesTable(winner: RouteTable, table: RouteTable): boolean {
  if (winner.joins?.some(each => equal(each, table.from))) return false;
  if (winner.port !== undefined && winner.port !== table.port) return false;
  const [http, tcp] = overlap(winner, table);
  if (!http && !tcp) return false;
  if (winner.rank !== table.rank) return coversCallers(winner, table);
  return winner.combine === 'exclusive' && equal(winner.visibleTo, table.visibleTo);
}

/** Whether it could hide any of those that stand behind it, down to `last`: a cheap question, since there may be thousands. */
export function mayHideOthers(winner: RouteTable, last: RouteTable): boolean {
  return winner.combine === 'exclusive' || winner.rank !== last.rank;
}

/** What becomes of `table`, for people. */
export function hiddenBy(table: RouteTable, winner: RouteTable): string {
  const [http, tcp] = overlap(winner, table);
  const what =
    table.http.length > 0 && table.tcp.length > 0 && http !== tcp
      ? `its rules for ${http ? 'HTTP' : 'TCP'} have no effect`
      : 'has no effect';
  const why =
    winner.rank === table.rank
      ? 'is older; merge the two'
      : `goes before every ${table.from.kind}, however old; keep one of the two`;
  return `${what}: ${formatRef(winner.from)} routes ${table.host} too and ${why}`;
}

/** HTTP and TCP are looked for apart: who speaks of one says nothing about the other. */
function overlap(winner: RouteTable, table: RouteTable): readonly [http: boolean, tcp: boolean] {
  return [winner.http.length > 0 && table.http.length > 0, winner.tcp.length > 0 && table.tcp.length > 0];
}

function coversCallers({ visibleTo: winners }: RouteTable, { visibleTo }: RouteTable): boolean {
  if (!winners) return true;
  return visibleTo?.every(each => winners.includes(each)) ?? false;
}
