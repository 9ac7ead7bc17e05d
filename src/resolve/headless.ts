import type { Route, Service } from '../model/index.ts';

/**
 * Clients of a headless Service call its pods by their addresses, and keep the connection. Where many requests share one (HTTP/2,
 * gRPC) the pod that was found first would get them all: what names the Service is balanced over its pods, one by one. What names
 * a pod (`web-0.web.shop.svc`), or none, goes where it was sent. `called`: the port. `cluster`: of all its pods. `fallback`: the
 * route of what nobody speaks of.
 */
export function balancedRoute(
  { name, namespace, host }: Service,
  callerNamespace: string,
  called: number,
  cluster: string,
  fallback: Route,
): Route {
  const names = [host, `${name}.${namespace}.svc`, `${name}.${namespace}`];
  if (callerNamespace === namespace) names.push(name);
  const authorities = names.flatMap(each => [`${each}:${called}`, each]);
  return {
    ...fallback,
    name: 'headless',
    matches: authorities.map(value => ({ authority: { kind: 'exact', value, ignoreCase: true } })),
    action: { kind: 'forward', clusters: [{ cluster, weight: 1 }] },
  };
}
