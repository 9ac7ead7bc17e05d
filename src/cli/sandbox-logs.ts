import { statSync } from 'node:fs';
import { WeftError } from '../errors/index.ts';
import {
  choosePod,
  logFiles,
  type PodView,
  parseTarget,
  podsWithLogs,
  Sandbox,
  type SandboxFolder,
  type Target,
} from '../sandbox/index.ts';

/** Which log of a pod is meant. */
export interface LogChoice {
  readonly container?: string;
  readonly previous?: boolean;
}

/**
 * The log file that `weft sandbox logs` shows. Works from files alone, so also for pods that are gone and when the agent has
 * ended. Rejects with what there is to choose from.
 */
export async function chooseLog(folder: SandboxFolder, wanted: string, choice: LogChoice): Promise<string> {
  if (wanted === 'agent') return folder.agentLog;
  const pod = await findPod(folder, wanted);
  const [namespace, name] = pod.split('/') as [string, string];
  const files = logFiles(folder.logs, namespace, name);
  const containers = [...new Set(files.map(file => file.container))];
  const container = choice.container ?? (await firstContainer(folder, pod)) ?? containers[0];
  const runs = files.filter(file => file.container === container);
  const file = choice.previous ? runs.at(-2) : runs.at(-1);
  if (file) return file.path;
  if (runs.length > 0)
    throw new WeftError(
      'no-log',
      `container ${container} of pod ${name} has not been restarted: no run before this one`,
    );
  throw new WeftError(
    'no-log',
    `pod ${name} has no log of a container ${container ?? ''}; it has: ${containers.join(', ') || 'none yet'}`,
  );
}

/** The pod that is meant: of those that there are, else of those whose logs are still there. */
async function findPod(folder: SandboxFolder, wanted: string): Promise<string> {
  const live = await livePods(folder);
  const found = choosePod(wanted, live);
  if (!('problem' in found)) return `${found.namespace}/${found.name}`;
  const target = parseTarget(wanted);
  const gone = 'problem' in target ? [] : gonePods(folder, target);
  if (gone.length === 1) return gone[0]!;
  if (gone.length === 0) throw new WeftError('no-pod', `no log: ${found.problem}`);
  throw new WeftError('which-pod', `there are logs of several: ${gone.join(', ')}; name one in full`);
}

const shownPods = 10;

/** Pods that left logs and bear the name, or the beginning of theirs is it: the newest of a namespace. */
function gonePods(folder: SandboxFolder, { namespace, name }: Target): string[] {
  const all = podsWithLogs(folder.logs).filter(
    pod => namespace === undefined || pod.startsWith(`${namespace}/`),
  );
  const exact = all.filter(pod => pod.endsWith(`/${name}`));
  if (exact.length > 0) return exact;
  const newest = new Map<string, { pod: string; atMs: number }>();
  for (const pod of all) {
    const [space, own] = pod.split('/') as [string, string];
    if (!own.startsWith(`${name}-`)) continue;
    const atMs = Math.max(0, ...logFiles(folder.logs, space, own).map(file => statSync(file.path).mtimeMs));
    if (atMs >= (newest.get(space)?.atMs ?? 0)) newest.set(space, { pod, atMs });
  }
  return [...newest.values()].map(({ pod }) => pod).slice(0, shownPods);
}

async function livePods(folder: SandboxFolder): Promise<readonly PodView[]> {
  try {
    return await Sandbox.attach(folder.path.split('/').at(-1)!).pods();
  } catch {
    // The agent has ended: then there are only the logs.
    return [];
  }
}

/** The first container that the author wrote: not the injected proxy. */
async function firstContainer(folder: SandboxFolder, pod: string): Promise<string | undefined> {
  try {
    const found = (await Sandbox.attach(folder.path.split('/').at(-1)!).pods()).find(
      one => `${one.namespace}/${one.name}` === pod,
    );
    const own = found?.containers.filter(one => !one.init && one.name !== 'weft-proxy');
    return own?.[0]?.name;
  } catch {
    return undefined;
  }
}
