// Sidecars that ask Kubernetes for less than they need, or for much more: by what they used.
import { ANNOTATIONS } from '../config/names.ts';
import {
  coresText,
  mebibytesText,
  type ObjectRef,
  type ProxySize,
  parseQuantity,
  proposedSize,
  type UsedByProxies,
  type Workload,
} from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import { keyOf } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

/** What proxies used at most, by `namespace/pod`. */
export type ProxyUses = ReadonlyMap<string, UsedByProxies>;

/** Nothing is taken away from who was seen for less: a quiet hour says little. Seconds. */
export const ENOUGH_SECONDS = 3_600;

/** What a pod's sidecar asks for; undefined for what it leaves open. */
interface Asked {
  readonly cpuRequest: number | undefined;
  readonly cpuLimit: number | undefined;
  readonly memoryRequest: number | undefined;
  readonly memoryLimit: number | undefined;
}

interface Sized {
  readonly object: ObjectRef;
  readonly asked: Asked;
  used: UsedByProxies;
  pods: number;
}

/** Above this share of a limit there is no room for what has not been seen: the proxy slows down, or waits for CPU. */
const nearLimit = { memory: 0.6, cpu: 0.8 };
/** A busiest minute of so much of the request is nothing: it is a minute, and the request what is kept free for always. */
const overRequest = 1.25;
/** What is asked for beside what was used: less than that in every respect is not worth a restart. */
const worth = { factor: 2, cores: 0.02, bytes: 24 * 2 ** 20 };

/** Findings about requests and limits of sidecars; each workload once, by the pod of it that used the most. */
export function sizeFindings(context: AnalysisContext, uses: ProxyUses): readonly Finding[] {
  const pods = new Map(
    context.objects.filter(({ ref }) => ref.kind === 'Pod').map(each => [keyOf(each.object.metadata), each]),
  );
  const byOwner = new Map<string, Sized>();
  for (const workload of context.workloads) {
    const key = `${workload.namespace}/${workload.name}`;
    const used = uses.get(key);
    const asked = askedBy(fieldAt(pods.get(key)?.object, 'spec'));
    if (used === undefined || asked === undefined) continue;
    add(byOwner, ownerKey(workload), { object: context.ownerOf(workload), asked, used, pods: 1 });
  }
  return [...byOwner.values()].flatMap(each => tooSmall(each) ?? tooLarge(each) ?? []);
}

function ownerKey({ namespace, owner }: Workload): string {
  return `${owner.kind} ${namespace}/${owner.name}`;
}

function add(all: Map<string, Sized>, key: string, one: Sized): void {
  const known = all.get(key);
  if (known === undefined) {
    all.set(key, one);
    return;
  }
  known.pods++;
  known.used = {
    busiestCores: Math.max(known.used.busiestCores, one.used.busiestCores),
    peakBytes: Math.max(known.used.peakBytes, one.used.peakBytes),
    seconds: Math.max(known.used.seconds, one.used.seconds),
  };
}

function askedBy(spec: unknown): Asked | undefined {
  const containers = ['initContainers', 'containers'].flatMap(list => recordsOf(fieldAt(spec, list)));
  const proxy = containers.find(({ name }) => name === 'weft-proxy');
  if (proxy === undefined) return undefined;
  const amount = (...path: readonly string[]): number | undefined => {
    const said = fieldAt(proxy, 'resources', ...path);
    return typeof said === 'string' || typeof said === 'number' ? parseQuantity(said) : undefined;
  };
  return {
    cpuRequest: amount('requests', 'cpu'),
    cpuLimit: amount('limits', 'cpu'),
    memoryRequest: amount('requests', 'memory'),
    memoryLimit: amount('limits', 'memory'),
  };
}

function tooSmall(sized: Sized): Finding | undefined {
  const { asked, used, object } = sized;
  const { cpuRequest = 0, cpuLimit = Infinity, memoryRequest = 0, memoryLimit = Infinity } = asked;
  const size = proposedSize(used);
  const words: string[] = [];
  if (used.peakBytes > memoryLimit * nearLimit.memory)
    words.push(
      `of its limit of ${mebibytesText(memoryLimit)} memory ${mebibytesText(used.peakBytes)} were used`,
    );
  if (used.busiestCores > cpuLimit * nearLimit.cpu)
    words.push(
      `of its limit of ${coresText(cpuLimit)} CPU ${coresText(used.busiestCores)} were used, and what waits for CPU is late`,
    );
  const isNear = words.length > 0;
  if (used.peakBytes > memoryRequest && !isNear)
    words.push(
      `it asks for ${mebibytesText(memoryRequest)} of memory and used ${mebibytesText(used.peakBytes)}: a node that runs out of memory ends its pods first`,
    );
  if (used.busiestCores > cpuRequest * overRequest && !isNear)
    words.push(
      `it asks for ${coresText(cpuRequest)} CPU and used ${coresText(used.busiestCores)}: on a busy node it does not get that`,
    );
  if (words.length === 0) return undefined;
  return finding('proxy-too-small', {
    object,
    reason: `${words.join('; ')} (${seen(sized)})`,
    remedy: remedyOf(size, asked),
    ...(!isNear && { severity: 'info' as const }),
  });
}

function tooLarge(sized: Sized): Finding | undefined {
  const { asked, used, object } = sized;
  if (used.seconds < ENOUGH_SECONDS) return undefined;
  const size = proposedSize(used);
  const { cpuRequest = 0, memoryRequest = 0 } = asked;
  const isMore = (has: number, enough: number, least: number): boolean =>
    has >= enough * worth.factor && has - enough >= least;
  const words: string[] = [];
  if (isMore(memoryRequest, size.memoryRequestBytes, worth.bytes))
    words.push(`${mebibytesText(memoryRequest)} of memory and used ${mebibytesText(used.peakBytes)}`);
  if (isMore(cpuRequest, size.cpuRequestCores, worth.cores))
    words.push(`${coresText(cpuRequest)} CPU and used ${coresText(used.busiestCores)}`);
  if (words.length === 0) return undefined;
  return finding('proxy-too-large', {
    object,
    reason: `it asks for ${words.join(', and for ')} (${seen(sized)})`,
    remedy: remedyOf(size, asked),
  });
}

/** What is said of all of them: the busiest minute and the highest memory. */
function seen({ pods, used: { seconds } }: Sized): string {
  const time =
    seconds < 2 * ENOUGH_SECONDS
      ? `${Math.round(seconds / 60)} minutes`
      : `${Math.round(seconds / 3600)} hours`;
  return `the most of ${pods} pod${pods === 1 ? '' : 's'} within ${time}`;
}

/** A limit of CPU is only proposed where there is one already, which is too low. */
function remedyOf(size: ProxySize, { cpuLimit }: Asked): string {
  const lines = [
    `${ANNOTATIONS.cpuRequest}: ${coresText(size.cpuRequestCores)}`,
    `${ANNOTATIONS.memoryRequest}: ${mebibytesText(size.memoryRequestBytes)}`,
    `${ANNOTATIONS.memoryLimit}: ${mebibytesText(size.memoryLimitBytes)}`,
  ];
  if (cpuLimit !== undefined) lines.push(`no ${ANNOTATIONS.cpuLimit}, or one far above what is used`);
  return `annotate its pod template with ${lines.join(', ')}`;
}
