import { equal, hasSettings, type TrafficPolicy } from '../../model/index.ts';
import type { PathOf } from '../ingress/hosts.ts';
import type { ReadIngressClass } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';

/** What Ingresses say of their backends, for the gateway's own proxies: the oldest of each backend counts. */
export function* backendPolicies(
  { gateway }: ReadIngressClass,
  hosts: Iterable<{ readonly paths: readonly PathOf[]; readonly fallback?: PathOf }>,
): Iterable<readonly [name: string, part: Part]> {
  const [callerNamespace = ''] = gateway.split('/');
  const before = new Map<string, TrafficPolicy>();
  for (const { paths, fallback } of hosts)
    for (const { path, ingress, settings } of fallback === undefined ? paths : [...paths, fallback]) {
      const { host, port } = path.target;
      const said = policyOf(callerNamespace, { path, ingress, settings });
      if (said === undefined) continue;
      const { policy, part } = said;
      const place = `${host}:${port ?? path.target.portName ?? ''}`;
      const first = before.get(place);
      // Said twice alike, nobody is in nobody's way.
      if (first !== undefined && equal({ ...first, from: undefined }, { ...policy, from: undefined }))
        continue;
      before.set(place, policy);
      const name = `${place} ${ingress.namespace}/${ingress.name} ${path.at}`;
      yield [name, part];
    }
}

interface Said {
  readonly of: PathOf['settings'];
  readonly callerNamespace: string;
  readonly policy: TrafficPolicy;
  readonly part: Part;
}

/** By path; the same one as long as the path is, so that thousands are not made and compared anew at each change. */
const known = new WeakMap<
  PathOf['path'],
  Said | { readonly of: PathOf['settings']; readonly callerNamespace: string }
>();

/** Undefined where nothing is said. */
function policyOf(callerNamespace: string, { path, ingress, settings }: PathOf): Said | undefined {
  const before = known.get(path);
  if (before?.of === settings && before.callerNamespace === callerNamespace)
    return 'policy' in before ? before : undefined;
  const { host, port } = path.target;
  const policy: TrafficPolicy = {
    ...settings.traffic,
    host,
    callerNamespace,
    ...(port !== undefined && { port }),
    from: ingress.from,
  };
  const made = { of: settings, callerNamespace };
  const said = hasSettings(policy)
    ? {
        ...made,
        policy,
        part: { kind: 'policy', of: 'trafficPolicies', policy, createdAt: ingress.createdAt } as const,
      }
    : undefined;
  known.set(path, said ?? made);
  return said;
}
