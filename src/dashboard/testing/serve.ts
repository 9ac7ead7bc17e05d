import { type Access, startLiveServer } from '../../live/api/index.ts';
import { systemClock } from '../../time/index.ts';
import { loadAssets } from '../assets/index.ts';
import { DASHBOARD_PATH, type DashboardSource, dashboardRoutes } from '../index.ts';

/** Everybody may. */
const open: Access = {
  authenticate: async () => ({ name: 'anybody', groups: [] }),
  authorize: async () => undefined,
};

/** A live API on a port of 127.0.0.1, a free one unless told, that has nothing but the dashboard. */
export async function serveDashboard(
  source: DashboardSource,
  access: Access = open,
  atPort = 0,
): Promise<{ readonly url: string; stop(): void }> {
  const stop = new AbortController();
  const port = await startLiveServer({
    listen: { host: '127.0.0.1', port: atPort },
    routes: dashboardRoutes(source, loadAssets),
    access,
    clock: systemClock,
    signal: stop.signal,
  });
  return { url: `http://127.0.0.1:${port}${DASHBOARD_PATH}`, stop: () => stop.abort() };
}
