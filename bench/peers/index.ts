// peers: those that Weft is compared with, each configured for the very same job. In: a Job. Out: running proxies on the measured
// CPU.
import { envoy } from './envoy.ts';
import { haproxy } from './haproxy.ts';
import { debian, envoyServer, type Found } from './install.ts';
import { nginx } from './nginx.ts';
import type { MeasuredProxy } from './proxy.interface.ts';
import { weft } from './weft.ts';

export { debian, which } from './install.ts';
export { TOKEN_HEADER } from './policies.ts';
export {
  type Edge,
  type Job,
  MATCHES_NO_RULE,
  type MeasuredProxy,
  type RunningPath,
} from './proxy.interface.ts';
export { askHop, type Launch, startWeft, weft } from './weft.ts';

/** Names that `--peers` takes. */
export const PEERS = ['haproxy', 'nginx', 'envoy'] as const;

const finders: Record<string, { find: () => Found; make: (path: string) => MeasuredProxy }> = {
  haproxy: { find: () => debian('haproxy', 'haproxy'), make: haproxy },
  nginx: { find: () => debian('nginx', 'nginx-light', 'libnginx-mod-stream'), make: nginx },
  envoy: { find: envoyServer, make: envoy },
};

/** Weft and those of `names` that can be had here; a notice for each that cannot. */
export function findProxies(names: readonly string[]): { proxies: MeasuredProxy[]; notices: string[] } {
  const proxies: MeasuredProxy[] = [weft];
  const notices: string[] = [];
  for (const name of names) {
    const { find, make } = finders[name]!;
    const found = find();
    if ('missing' in found) notices.push(`${name} left out: ${found.missing}`);
    else proxies.push(make(found.path));
  }
  return { proxies, notices };
}
