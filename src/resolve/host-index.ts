// The hosts that routes of a gateway are for: which of thousands a listener may have, and in which order they count.
import type { GatewayHost, JoinedListener } from '../model/index.ts';

/** Routes by host, and those with a star. */
interface HostIndex {
  readonly exact: ReadonlyMap<string, readonly GatewayHost[]>;
  readonly wild: readonly GatewayHost[];
}

const indexes = new WeakMap<readonly GatewayHost[], HostIndex>();

/** Routes that may have a host at a listener of this hostname: of thousands of hosts a listener is mostly for one. */
export function candidates(
  routes: readonly GatewayHost[],
  hostname: JoinedListener['listener']['hostname'],
): readonly GatewayHost[] {
  if (hostname === undefined || hostname.startsWith('*')) return routes;
  const known = indexes.get(routes) ?? indexOf(routes);
  indexes.set(routes, known);
  const exact = known.exact.get(hostname) ?? [];
  return known.wild.length === 0 ? exact : [...exact, ...known.wild];
}

function indexOf(routes: readonly GatewayHost[]): HostIndex {
  const exact = new Map<string, GatewayHost[]>();
  const wild: GatewayHost[] = [];
  for (const route of routes)
    if (route.host.startsWith('*')) wild.push(route);
    else {
      const same = exact.get(route.host);
      if (same === undefined) exact.set(route.host, [route]);
      else same.push(route);
    }
  return { exact, wild };
}

/** Exact hosts before wildcards, the longer before the shorter, and equals by name, so that equal gateways are equal. */
export function bySpecificity(left: string, right: string): number {
  const [leftWild, rightWild] = [left.startsWith('*'), right.startsWith('*')];
  if (leftWild !== rightWild) return leftWild ? 1 : -1;
  return right.length - left.length || (left < right ? -1 : Number(left > right));
}
