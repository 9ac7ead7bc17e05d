import { type Access, type LiveRoute, startLiveServer } from '../../live/api/index.ts';
import { systemClock } from '../../time/index.ts';
import { loadAssets } from '../assets/index.ts';
import { DASHBOARD_PATH, type DashboardSource, dashboardRoutes } from '../index.ts';
import { recordsOf, TAP_ITEMS } from './requests.ts';

/** Everybody may. */
const open: Access = {
  authenticate: async () => ({ name: 'anybody', groups: [] }),
  authorize: async () => undefined,
};

/** Requests of the shop: a tap that goes on, and records of one that failed. */
const liveRoutes: readonly LiveRoute[] = [
  {
    path: '/live/tap',
    handle(_, answer) {
      const lines = answer.lines();
      lines.write({ type: 'begin', replica: 'one', proxies: 11 });
      lines.write({ type: 'said', pod: 'shop/reviews-v1-0', items: TAP_ITEMS, left: 3 });
    },
  },
  {
    path: '/live/requests',
    handle({ query }, answer) {
      const lines = answer.lines();
      for (const { pod, items } of recordsOf(query.get('id') ?? undefined))
        lines.write({ type: 'said', pod, items });
      lines.write({ type: 'failed', pod: 'shop/cart-v1-1', why: 'its version is too old' });
      lines.write({ type: 'over' });
      lines.end();
    },
  },
];

/** A live API on a port of 127.0.0.1, a free one unless told, that has nothing but the dashboard. */
export async function serveDashboard(
  source: DashboardSource,
  access: Access = open,
  atPort = 0,
): Promise<{ readonly url: string; stop(): void }> {
  const stop = new AbortController();
  const port = await startLiveServer({
    listen: { host: '127.0.0.1', port: atPort },
    routes: [...dashboardRoutes(source, loadAssets), ...liveRoutes],
    access,
    clock: systemClock,
    signal: stop.signal,
  });
  return { url: `http://127.0.0.1:${port}${DASHBOARD_PATH}`, stop: () => stop.abort() };
}
