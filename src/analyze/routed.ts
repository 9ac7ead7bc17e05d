// Walking what users said about routing.
import {
  formatAddress,
  type Mesh,
  mirrorsOf,
  type ObjectRef,
  type RouteRule,
  type RouteTable,
  type RouteTarget,
} from '../model/index.ts';

/** One place that traffic is sent to. */
export interface Destined {
  readonly object: ObjectRef;
  readonly path: string;
  readonly table: RouteTable;
  readonly target: RouteTarget;
  readonly mirror: boolean;
}

/** Every table of the mesh. */
export function tablesOf(mesh: Mesh): readonly RouteTable[] {
  return [...mesh.routeTables.values()].flat();
}

/** The object that a rule stands in. */
export function objectOf(table: RouteTable, rule: Pick<RouteRule, 'from'>): ObjectRef {
  return rule.from ?? table.from;
}

/** Every target of every rule, mirrors and TCP too. */
export function destinedOf(mesh: Mesh): readonly Destined[] {
  return tablesOf(mesh).flatMap(table => [
    ...table.http.flatMap(rule => {
      const at = { object: objectOf(table, rule), path: rule.path, table };
      const targets = rule.action.kind === 'forward' ? rule.action.targets : [];
      return [
        ...targets.map((target): Destined => ({ ...at, target, mirror: false })),
        ...mirrorsOf(rule).map(({ target }): Destined => ({ ...at, target, mirror: true })),
      ];
    }),
    ...table.tcp.flatMap(rule =>
      rule.targets.map(
        (target): Destined => ({ object: table.from, path: rule.path, table, target, mirror: false }),
      ),
    ),
  ]);
}

/** A host as people write it: `reviews.shop`, without what goes without saying. */
export function shortHost(host: string, { clusterDomain }: Mesh): string {
  const suffix = `.svc.${clusterDomain}`;
  return host.endsWith(suffix) ? host.slice(0, -suffix.length) : host;
}

/** `reviews.shop:80`, and its subset. */
export function targetText({ host, port, subset }: RouteTarget, mesh: Mesh): string {
  const name = shortHost(host, mesh);
  const address = port === undefined ? name : formatAddress(name, port);
  return subset === undefined ? address : `${address} (subset ${subset})`;
}
