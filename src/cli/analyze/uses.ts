// What the proxies that run have used, each asked once.
import type { ProxyUses } from '../../analyze/index.ts';
import { PORTS } from '../../config/index.ts';
import type { UsedByProxies } from '../../model/index.ts';
import { askAll, choosePods, type Mesh, readExposition } from '../proxies/index.ts';

/** What they told, and of whom there is nothing with the reason. */
export interface AskedUses {
  readonly uses: ProxyUses;
  /** `shop/cart-1: why`. */
  readonly troubles: readonly string[];
}

const wanted = new Set(['weft_usage_seconds', 'weft_cpu_busiest_minute_cores', 'weft_memory_peak_bytes']);

/** Asks the proxies of a namespace, or of all. Rejects with a WeftError when the pods cannot be listed. */
export async function askUses(mesh: Mesh, namespace?: string): Promise<AskedUses> {
  const pods = await choosePods(mesh, namespace === undefined ? {} : { namespace });
  const answers = await askAll(mesh, pods, PORTS.health, '/stats/prometheus');
  const uses = new Map<string, UsedByProxies>();
  const troubles: string[] = [];
  for (const [at, pod] of pods.entries()) {
    const answer = answers[at]!;
    const key = `${pod.namespace}/${pod.name}`;
    const used = 'trouble' in answer ? answer.trouble : readUse(answer.text);
    if (typeof used === 'string') troubles.push(`${key}: ${used}`);
    else uses.set(key, used);
  }
  return { uses, troubles };
}

/** What a proxy used by its metrics, or why it is not known. The first of a name is the proxy's, not its app's. */
function readUse(text: string): UsedByProxies | string {
  const samples = readExposition(text, name => wanted.has(name));
  const value = (name: string): number | undefined => samples.find(each => each.name === name)?.value;
  const [seconds, busiestCores, peakBytes] = [
    value('weft_usage_seconds'),
    value('weft_cpu_busiest_minute_cores'),
    value('weft_memory_peak_bytes'),
  ];
  if (seconds === undefined || busiestCores === undefined || peakBytes === undefined)
    return 'its proxy does not tell what it used; it is of an older version';
  return { seconds, busiestCores, peakBytes };
}
