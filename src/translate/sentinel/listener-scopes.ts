// Which routes each listener has, and what of listeners must not be there twice.
import type { KdlReport, Section, TextPosition } from '../../kdl/index.ts';
import { given } from '../given.ts';
import type { ListenerConfig, RouteConfig } from './configuration.ts';
import { type ListenerSources, readListener } from './listeners.ts';
import { unknownReference } from './references.ts';
import { type Scope, type Scoped, servedBy } from './scopes.ts';

/** What listeners are read with. */
export interface ListenerContext extends ListenerSources {
  readonly scopes: readonly Scope[];
  readonly routes: readonly RouteInScope[];
}

/** A route, and where it stands. */
export interface RouteInScope {
  readonly route: RouteConfig;
  readonly scope: Scope;
}

interface Placed {
  readonly config: ListenerConfig;
  /** Whose routes it has. */
  readonly scope: Scope;
  readonly section: Section;
}

/** Listeners of all scopes. Two of one id or one port, and names of what is not there, are reported. */
export function readListeners(
  sections: readonly Scoped[],
  context: ListenerContext,
  report: KdlReport,
): readonly ListenerConfig[] {
  const { scopes, routes } = context;
  const placed = sections.flatMap((each): readonly Placed[] => {
    const config = readListener(each, context, report);
    return config ? [{ config, scope: servedScope(each, scopes, report), section: each.section }] : [];
  });
  uniqueIds(
    placed.map(({ config }) => config),
    'listener',
    report,
  );
  portsOnce(placed, report);
  const listening = new Set(placed.map(({ scope }) => scope.name));
  const reached = new Set<Scope>();
  const ids = new Set(routes.map(({ route }) => route.id));
  const listeners = placed.map(({ config, scope, section }) => {
    const serves = servedBy(scope, listening);
    for (const each of scopes) if (serves(each)) reached.add(each);
    const served = routes.filter(each => serves(each.scope));
    return {
      ...config,
      ...given({
        routes: served.length === routes.length ? undefined : new Set(served.map(({ route }) => route.id)),
        defaultRoute: defaultRoute(section, scope, ids, report),
      }),
    };
  });
  if (placed.length > 0) unreached(routes, reached, report);
  return listeners;
}

/** That in which it stands, or the namespace that it names. */
function servedScope({ section, scope }: Scoped, scopes: readonly Scope[], report: KdlReport): Scope {
  const name = section.text('namespace');
  if (name === undefined) return scope;
  const found = scopes.find(each => each.name === name && name !== '');
  const known = new Set(scopes.flatMap(each => (each.name === '' ? [] : [each.name])));
  if (!found) unknownReference(report, section.placeOf('namespace'), section.name, 'namespace', name, known);
  return found ?? scope;
}

/** By its id in the listener's scope or in one around it. */
function defaultRoute(
  section: Section,
  scope: Scope,
  ids: ReadonlySet<string>,
  report: KdlReport,
): string | undefined {
  const name = section.text('default-route');
  if (name === undefined) return undefined;
  const names = [name];
  for (let at: Scope | undefined = scope; at?.within !== undefined; at = at.within)
    names.splice(-1, 0, `${at.name}:${name}`);
  const found = names.find(each => ids.has(each));
  if (found === undefined) {
    const who = `default-route of ${section.name}`;
    unknownReference(report, section.placeOf('default-route'), who, 'route', name, ids);
  }
  return found;
}

function unreached(routes: readonly RouteInScope[], reached: ReadonlySet<Scope>, report: KdlReport): void {
  const told = new Set<Scope>();
  for (const { route, scope } of routes) {
    if (reached.has(scope) || told.has(scope)) continue;
    told.add(scope);
    const whose = scope.within === undefined ? 'outside of namespaces' : `of ${scope.section.name}`;
    report.warn('sentinel-nothing', route.at, `no listener has the routes ${whose}; give them one`);
  }
}

/** Two things of one kind with one name are reported. */
export function uniqueIds(
  things: readonly Pick<RouteConfig, 'id' | 'at'>[],
  what: string,
  report: KdlReport,
): void {
  const first = new Map<string, TextPosition>();
  for (const { id, at } of things) {
    const before = first.get(id);
    if (before)
      report.error(
        'sentinel-id-twice',
        at,
        `there are two ${what}s "${id}"; the other is in line ${before.line}`,
      );
    else first.set(id, at);
  }
}

function portsOnce(placed: readonly Placed[], report: KdlReport): void {
  const first = new Map<number, ListenerConfig>();
  for (const { config } of placed) {
    const before = first.get(config.port);
    if (before)
      report.error(
        'sentinel-address-twice',
        config.at,
        `listener "${config.id}" has port ${config.port}, which listener "${before.id}" in line ${before.at.line} has already; give each a port of its own`,
      );
    else first.set(config.port, config);
  }
}
