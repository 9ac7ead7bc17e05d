import { equal, hasSettings, type TrafficPolicy } from '../../model/index.ts';
import type { PathOf } from '../ingress/hosts.ts';
import type { ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';

/** Backends that the Ingress names, each once. */
export function placesOf(ingress: ReadIngress): readonly string[] {
  return [...new Set(pathsOf(ingress).map(placeOf))];
}

/** What Ingresses say of a backend, for the gateway's own proxies; the oldest counts, and comes first here. */
export function* backendPolicies(
  { gateway }: ReadIngressClass,
  place: string,
  ingresses: readonly ReadIngress[],
  settingsOf: (ingress: ReadIngress, path: BackendOf) => PathOf['settings'],
): Iterable<readonly [name: string, part: Part]> {
  const [callerNamespace = '', gatewayName = ''] = gateway.split('/');
  let before: TrafficPolicy | undefined;
  for (const ingress of ingresses)
    for (const path of pathsOf(ingress)) {
      if (placeOf(path) !== place) continue;
      const policy = policyOf(callerNamespace, { path, ingress, settings: settingsOf(ingress, path) });
      if (policy === undefined) continue;
      // Said twice alike, nobody is in nobody's way.
      if (before !== undefined && equal({ ...before, from: undefined }, { ...policy, from: undefined }))
        continue;
      before = policy;
      const { createdAt, namespace, name } = ingress;
      const at = `${namespace}/${name} ${path.at}`;
      yield [at, { kind: 'policy', of: 'trafficPolicies', policy, createdAt }];
      const shown = policy.tls?.credential;
      if (shown === undefined) continue;
      const shows = {
        ...{ namespace: callerNamespace, name: gatewayName, listeners: [], shows: [shown] },
        from: ingress.from,
      };
      yield [`${at} shows`, { kind: 'policy', of: 'gateways', policy: shows, rank: 1, createdAt }];
    }
}

/** Where one path leads. */
export type BackendOf = Pick<PathOf['path'], 'path' | 'target' | 'at' | 'route'>;

function pathsOf({ rules, defaultBackend }: ReadIngress): readonly BackendOf[] {
  const paths = rules.flatMap(rule => rule.paths.flatMap(sharesOf));
  return defaultBackend === undefined
    ? paths
    : [...paths, { path: '/', target: defaultBackend, at: 'spec.defaultBackend' }];
}

/** A path for each of its backends. */
function sharesOf(path: BackendOf): readonly BackendOf[] {
  const { route } = path;
  if (route === undefined) return [path];
  return (route.shares ?? []).map(({ target }) => ({ ...path, target }));
}

export function placeOf({ target: { host, port, portName } }: Pick<BackendOf, 'target'>): string {
  return `${host}:${port ?? portName ?? ''}`;
}

/** Undefined where nothing is said. */
function policyOf(
  callerNamespace: string,
  { path, ingress, settings }: Pick<PathOf, 'ingress' | 'settings'> & { readonly path: BackendOf },
): TrafficPolicy | undefined {
  const { host, port } = path.target;
  const policy: TrafficPolicy = {
    ...settings.traffic,
    host,
    callerNamespace,
    ...(port !== undefined && { port }),
    from: ingress.from,
  };
  return hasSettings(policy) ? policy : undefined;
}
