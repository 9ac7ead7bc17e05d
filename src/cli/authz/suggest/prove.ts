// Whether policies allow what was observed, asked of the code that proxies run.
import { meshOfObjects, type ObjectMesh } from '../../../analyze/index.ts';
import { Authorizer } from '../../../authorization/index.ts';
import { type KubeObject, keyOf, refOf } from '../../../registry/index.ts';
import { PathNormalizer, RequestParts } from '../../../routing/index.ts';
import { headOf } from '../../route/request.ts';
import { type Called, workloadsOf } from '../workloads.ts';
import type { Observed } from './observed.ts';
import { shortName } from './rules.ts';

/** Something that was observed and would be refused. */
export interface WouldRefuse {
  /** `shop/web` */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** `GET /items`, or `a connection` */
  readonly what: string;
  readonly times: number;
  readonly why: string;
}

/** What came of asking. */
export interface Proof {
  /** Requests and connections that were asked about, by their number of times. */
  readonly asked: number;
  readonly refused: readonly WouldRefuse[];
  /** Callees (`namespace/workload`) that the mesh does not have. */
  readonly unknown: readonly string[];
}

const parts = new RequestParts();

/** The mesh as it would be with these objects, as though they were enforced. */
export function meshWith(mesh: ObjectMesh, added: readonly KubeObject[], clusterDomain: string): ObjectMesh {
  const enforced = added.map(({ metadata: { annotations: _, ...metadata }, ...object }) => ({
    ...object,
    metadata,
  }));
  const names = new Set(enforced.map(nameOf));
  const kept = mesh.objects.filter(({ object }) => !names.has(nameOf(object)));
  const stored = enforced.map(object => ({ object: object as KubeObject, ref: refOf(object as KubeObject) }));
  const { expectPods, inject, problems } = mesh;
  return meshOfObjects([...kept, ...stored], { expectPods, inject, clusterDomain }, problems);
}

function nameOf({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): string {
  return `${kind} ${keyOf(metadata)}`;
}

/** Asks about everything of identities that was served. What came in plaintext is not asked about. */
export function prove(mesh: ObjectMesh, observed: Observed): Proof {
  const called = new Map(workloadsOf(mesh, undefined).map(each => [each.name, each]));
  const refused: WouldRefuse[] = [];
  const unknown: string[] = [];
  let asked = 0;
  for (const [name, seen] of observed.callees) {
    const callee = called.get(name);
    if (callee === undefined) {
      unknown.push(name);
      continue;
    }
    for (const [caller, { ports }] of seen.callers)
      for (const [port, at] of ports) {
        const who = { from: shortName(caller), to: name, port };
        if (at.connections > 0) {
          asked += at.connections;
          const why = judge(callee, port, caller);
          if (why !== undefined) refused.push({ ...who, what: 'a connection', times: at.connections, why });
        }
        for (const [method, paths] of at.methods)
          for (const [path, { served }] of paths) {
            // What was cut can only be guessed at.
            if (served === 0 || path.endsWith('/{**}')) continue;
            asked += served;
            const why = judge(callee, port, caller, { method, path });
            if (why !== undefined) refused.push({ ...who, what: `${method} ${path}`, times: served, why });
          }
      }
  }
  return { asked, refused, unknown };
}

/** Why it is refused. */
function judge(
  { inbound, workload }: Called,
  port: number,
  principal: string,
  request?: { readonly method: string; readonly path: string },
): string | undefined {
  const address = workload.addresses[0] ?? '';
  const of = request ? 'requests' : 'connections';
  const authorizer = Authorizer.of(inbound.authorization, { address, port, of });
  if (authorizer === undefined) return undefined;
  const caller = { principal, address: '', serverName: '' };
  if (request === undefined) return authorizer.judgeConnection(caller)?.words;
  const host = inbound.ports.find(({ number }) => number === port)?.service?.host ?? workload.owner.name;
  const head = headOf({ method: request.method, target: request.path, headers: [['Host', host]] });
  head.retain();
  if (!PathNormalizer.of(inbound.pathNormalization).normalize(head)) return 'its path holds %00';
  parts.read(head);
  return authorizer.judge({ caller, head, parts, token: undefined })?.words;
}

/** The workload of a pod by its name, where nobody has said it: `shop/cart-6d5f-8xk2p` → `shop/cart`. */
export function calleeOf(mesh: ObjectMesh, pod: string): string | undefined {
  const [namespace = '', name = ''] = pod.split('/');
  let best: string | undefined;
  for (const workload of mesh.mesh.workloads.values()) {
    if (workload.namespace !== namespace) continue;
    const { owner } = workload;
    if (workload.name === name) return `${namespace}/${owner.name}`;
    const isLonger = best === undefined || owner.name.length > best.length;
    if ((name === owner.name || name.startsWith(`${owner.name}-`)) && isLonger) best = owner.name;
  }
  return best === undefined ? undefined : `${namespace}/${best}`;
}
