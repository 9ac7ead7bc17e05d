// Asks proxies and control planes, and puts together what they say.
import { PORTS } from '../../config/index.ts';
import { type Answered, askAll, type Mesh, type MeshPod } from '../proxies/index.ts';
import { type ProxyState, type ProxyStream, proxyState, type Trouble } from './proxy-state.ts';

/** Everything that `weft proxy-status` tells. */
export interface MeshStatus {
  readonly proxies: readonly ProxyState[];
  /** What is wrong with no single proxy. */
  readonly troubles: readonly Trouble[];
}

/** `nowMs`: of the wall clock, as the control planes have it. */
export async function collectStatus(
  mesh: Mesh,
  pods: readonly MeshPod[],
  nowMs: number,
): Promise<MeshStatus> {
  const running = pods.filter(({ phase }) => phase === 'Running');
  const answers = await askAll(mesh, running, PORTS.health, '/stats/prometheus');
  const byPod = new Map<MeshPod, Answered>(running.map((pod, at) => [pod, answers[at]!]));
  const { streams, troubles } = await readControlPlanes(mesh);
  const proxies = pods.map(pod =>
    proxyState(pod, byPod.get(pod), streams.get(`${pod.namespace}/${pod.name}`), mesh, nowMs),
  );
  return { proxies, troubles };
}

/** By pod, which replica serves it. The newest stream counts: a replica may not have noticed yet that one is gone. */
async function readControlPlanes(mesh: Mesh): Promise<{
  readonly streams: ReadonlyMap<string, { readonly replica: string; readonly of: ProxyStream }>;
  readonly troubles: readonly Trouble[];
}> {
  const replicas = (await mesh.controlPlanes()).filter(({ phase }) => phase === 'Running');
  const answers = await askAll(mesh, replicas, PORTS.controlPlaneMetrics, '/debug/proxies');
  const streams = new Map<string, { readonly replica: string; readonly of: ProxyStream }>();
  const troubles: Trouble[] = [];
  const remedy = mesh.checkCommand;
  if (replicas.length === 0)
    troubles.push({ severity: 'error', message: 'no pod of the control plane is running', remedy });
  for (const [at, { name: replica }] of replicas.entries()) {
    const answer = answers[at]!;
    const read = 'text' in answer ? readStreams(answer.text) : answer.trouble;
    if (typeof read === 'string') {
      const message = `control plane ${replica} cannot be asked which proxies it serves: ${read}`;
      troubles.push({ severity: 'warning', message, remedy });
      continue;
    }
    for (const of of read) {
      const before = streams.get(of.pod);
      if (before === undefined || before.of.connectedAtMs < of.connectedAtMs)
        streams.set(of.pod, { replica, of });
    }
  }
  return { streams, troubles };
}

/** The elements that are what they should be; a string when the text is no list at all. */
function readStreams(text: string): readonly ProxyStream[] | string {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return 'its answer is no JSON';
  }
  if (!Array.isArray(list)) return 'its answer is no list';
  return (list as readonly (Partial<ProxyStream> | null)[]).flatMap(each =>
    typeof each?.pod === 'string'
      ? [
          {
            pod: each.pod,
            connectedAtMs: Number(each.connectedAtMs ?? 0),
            destinations: Number(each.destinations ?? 0),
            outstanding: Number(each.outstanding ?? 0),
            resources: Array.isArray(each.resources) ? each.resources : [],
          },
        ]
      : [],
  );
}
