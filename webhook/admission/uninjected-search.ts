// The search for pods outside the mesh where not everything is at hand: a registry keeps of a pod only what dialects read, and
// knows no ReplicaSets. What looks uninjected there is read whole before anybody is told.
import type { Labels } from '../../src/model/index.ts';
import { isMap } from '../inject/pod.ts';
import { controllerOf } from './admit.ts';
import type { KubeApi } from './kube-api.ts';
import type { Owners } from './options.ts';
import {
  findUninjected,
  type KubePod,
  type UninjectedContext,
  type UninjectedWorkload,
} from './uninjected.ts';

/** What a search needs beside pods. */
export interface SearchContext extends Pick<UninjectedContext, 'namespaces' | 'settings'> {
  readonly owners: Owners;
  /** The whole pod; undefined when it is gone. Leave it out when the pods are whole already. */
  readonly read?: (pod: KubePod) => Promise<KubePod | undefined>;
  /** At most this many suspects are read, 200 unless told: the command that mends one mends its siblings. */
  readonly limit?: number;
}

/** Like findUninjected, with the look-ups that it needs. Rejects when the API does not answer. */
export async function searchUninjected(
  pods: Iterable<KubePod>,
  context: SearchContext,
): Promise<UninjectedWorkload[]> {
  const { namespaces, settings, owners, read, limit = 200 } = context;
  const whole: KubePod[] = [];
  const annotations = new Map<KubePod, Labels>();
  let left = limit;
  for (const suspect of pods) {
    if (findUninjected([suspect], { namespaces, settings }).length === 0) continue;
    if (left-- <= 0) break;
    const pod = read === undefined ? suspect : await read(suspect);
    if (pod === undefined) continue;
    whole.push(pod);
    const controller = controllerOf(pod);
    const owner = controller && (await owners(pod.metadata?.namespace ?? 'default', controller));
    if (owner) annotations.set(pod, owner.annotations);
  }
  return findUninjected(whole, { namespaces, settings, ownerAnnotations: pod => annotations.get(pod) });
}

/** Reads pods through the API. */
export function podReader(api: KubeApi): NonNullable<SearchContext['read']> {
  return async ({ metadata }) => {
    const namespace = encodeURIComponent(metadata?.namespace ?? 'default');
    const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(metadata?.name ?? '')}`;
    const { status, body } = await api.request({ method: 'GET', path, timeoutMs: 5_000 });
    return status === 200 && isMap(body) && isMap(body.spec) ? (body as unknown as KubePod) : undefined;
  };
}
