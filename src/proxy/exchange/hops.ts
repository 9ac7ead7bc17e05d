// How many Weft proxies a request has come through that were named to it as proxies. Two of them can be made to lead to each
// other (a name that is the other one for each, a policy whose endpoints they are), and the request would go back and forth for
// ever. So a proxy that is named by its address counts itself into requests that leave the mesh.
import type { RunningCluster } from '../../cluster/index.ts';
import type { Head } from '../../http/index.ts';

const name = Buffer.from('x-weft-hops', 'latin1');
/** A request is not sent through more proxies than this. */
export const MAX_HOPS = 4;
const counts = Array.from({ length: MAX_HOPS + 1 }, (_, hops) => Buffer.from(String(hops), 'latin1'));

/** The proxies that a request says it has come through; what is no number is too many. */
export function hopsOf(head: Head): number {
  const at = head.find(name);
  if (at < 0) return 0;
  const text = head.text(at);
  return /^\d$/.test(text) ? Number(text) : MAX_HOPS;
}

/** Counts this proxy in. */
export function countHop(head: Head): void {
  const hops = hopsOf(head);
  if (hops > 0) head.removeAll(name);
  head.add(name, counts[Math.min(hops + 1, MAX_HOPS)]!);
}

/** Whether another proxy's listener may be behind a cluster. Not behind meshed endpoints: their proxies deliver to the app. */
export function mayLeadToProxy(cluster: RunningCluster): boolean {
  for (const { config } of cluster.endpoints) return config.tls !== 'mesh';
  return true;
}
