import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../time/index.ts';
import { createDashboard, DASHBOARD_PATH, type DashboardOptions, loadAssets } from '../index.ts';

/** A server on a free port of 127.0.0.1 that has nothing but the dashboard. */
export async function serveDashboard(
  options: Pick<DashboardOptions, 'source'> & Partial<DashboardOptions>,
): Promise<{ readonly url: string; readonly server: Server; stop(): Promise<void> }> {
  const handle = createDashboard({ assets: loadAssets, clock: systemClock, ...options });
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}${DASHBOARD_PATH}`, server, stop };
}
