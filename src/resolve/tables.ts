import { ROUTE_RANKS, type RouteTable } from '../model/index.ts';
import type { Caller } from './caller.ts';
import { allows } from './egress.ts';
import type { CallerView } from './find.ts';
import { wildcardsOf } from './hosts.ts';

/**
 * The tables that hold for one caller's requests to a host: all of one rank, in the order in which they count. Empty for none.
 */
export interface ChosenTables {
  readonly http: readonly RouteTable[];
  readonly tcp: readonly RouteTable[];
}

/**
 * Tables for the very host go before those for a wildcard, a narrower wildcard before a wider one, and of one host the highest
 * rank. HTTP and TCP are looked for apart: who speaks of one says nothing about the other.
 */
export function chooseTables(view: CallerView, host: string, port: number, namespace?: string): ChosenTables {
  let http: readonly RouteTable[] = [];
  let tcp: readonly RouteTable[] = [];
  for (const name of [host, ...wildcardsOf(host)]) {
    const tables = view.reader
      .policies('routeTables', name)
      .filter(table => (table.port ?? port) === port && holds(view, table, host, namespace));
    if (http.length === 0) http = highest(tables.filter(each => each.http.length > 0));
    if (tcp.length === 0) tcp = highest(tables.filter(each => each.tcp.length > 0));
    if (http.length > 0 && tcp.length > 0) break;
  }
  return { http: inOrder(http, view.caller), tcp: inOrder(tcp, view.caller) };
}

/**
 * `namespace`: that of the host's Service; undefined where only tables know the host, so that theirs counts. A Sidecar imports
 * VirtualServices by the namespace that they stand in, whoever has the host
 * (istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener).
 */
function holds({ caller, scope }: CallerView, table: RouteTable, host: string, namespace?: string): boolean {
  if (table.visibleTo && !table.visibleTo.includes(caller.namespace)) return false;
  const own = table.rank === ROUTE_RANKS.istio ? undefined : namespace;
  return allows(scope, caller.namespace, own ?? table.from.namespace, host);
}

/** Mesh.routeTables has the highest rank first. */
function highest(tables: readonly RouteTable[]): readonly RouteTable[] {
  return tables.filter(each => each.rank === tables[0]!.rank);
}

/** What is said only for the caller's namespace goes before what is said for some, and that before what is said for all. */
function inOrder(tables: readonly RouteTable[], { namespace }: Caller): readonly RouteTable[] {
  const width = ({ visibleTo }: RouteTable): number => {
    if (!visibleTo) return 2;
    return visibleTo.every(each => each === namespace) ? 0 : 1;
  };
  return [...tables].sort((left, right) => width(left) - width(right));
}
