// What people may ask of running proxies, each with the right that it needs; see src/live/api.
import { loadAssets } from '../dashboard/assets/index.ts';
import { dashboardRoutes } from '../dashboard/index.ts';
import {
  type AskKind,
  askRoute,
  type LivePlace,
  type LiveRoute,
  podsMeant,
  tapKind,
} from '../live/api/index.ts';
import { Live } from '../live/index.ts';
import type { Mesh } from '../model/index.ts';
import { type DashboardPlace, dashboardSource, FIGURES_PATH } from './injector-dashboard.ts';
import type { OwnProxyProgram } from './injector-program.ts';
import type { InjectorParts } from './injector-view.ts';

/** The routes of the live API. The parts may come later. */
export function liveRoutes(
  parts: InjectorParts,
  replica: string,
  peers: LivePlace['peers'],
  dashboard?: DashboardPlace,
): readonly LiveRoute[] {
  const mesh = (): Mesh | undefined => parts.pipeline?.mesh;
  const place: LivePlace = {
    live: new Live(() => parts.server),
    replica,
    chosen: query => podsMeant(mesh, Object.fromEntries(query)),
    ...(peers && { peers }),
  };
  const pages = dashboard ? dashboardRoutes(dashboardSource(parts, place, dashboard), loadAssets) : [];
  return [
    askRoute(tapKind(mesh), place),
    askRoute(recordKind, place),
    askRoute(figuresKind, place),
    askRoute(
      upgradeKind(() => parts.program),
      place,
    ),
    ...pages,
  ];
}

/** What proxies count, every few seconds: what the dashboard adds up, and asks other replicas for. */
const figuresKind: AskKind = {
  path: FIGURES_PATH,
  needs: { verb: 'get', subresource: 'figures' },
  follow: true,
  question: () => ({ kind: 'figures' }),
};

/**
 * Proxies take over the program of this control plane; with `dry` they only say whether they would, with `again` those do, too,
 * that have it.
 */
function upgradeKind(program: () => OwnProxyProgram | undefined): AskKind {
  return {
    path: '/live/upgrade',
    needs: { verb: 'create', subresource: 'upgrade' },
    follow: false,
    question(query) {
      const current = program()?.current;
      if (current === undefined)
        return 'this control plane has no program for proxies, as one that runs from its sources; restart pods instead';
      const { version, digest } = current;
      const flags = ['dry', 'again'].filter(name => query.get(name) === 'true').map(name => [name, true]);
      return { ...Object.fromEntries(flags), kind: 'upgrade', version, digest };
    },
  };
}

/** What proxies keep of requests, by id or by why it was kept; readRecordQuery says what it takes. */
const recordKind: AskKind = {
  path: '/live/requests',
  needs: { verb: 'get', subresource: 'requests' },
  follow: false,
  question: query => ({ ...Object.fromEntries(query), kind: 'requests' }),
};
