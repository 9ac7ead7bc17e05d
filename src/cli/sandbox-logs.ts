import { WeftError } from '../errors/index.ts';
import { logFiles, podsWithLogs, Sandbox, type SandboxFolder } from '../sandbox/index.ts';

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
  const container = choice.container ?? (await firstContainer(folder, name)) ?? containers[0];
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

async function findPod(folder: SandboxFolder, wanted: string): Promise<string> {
  const parts = wanted.split('/');
  const kinds = new Set([
    'pod',
    'pods',
    'po',
    'deploy',
    'deployment',
    'sts',
    'statefulset',
    'ds',
    'daemonset',
    'job',
  ]);
  const rest = kinds.has(parts[0]!) ? parts.slice(1) : parts;
  const name = rest.at(-1)!;
  const all = podsWithLogs(folder.logs).filter(pod => rest.length < 2 || pod.startsWith(`${rest[0]}/`));
  const exact = all.filter(pod => pod.endsWith(`/${name}`));
  const live = await livePods(folder);
  const begin = all.filter(pod => pod.split('/')[1]!.startsWith(`${name}-`));
  const running = begin.filter(pod => live.has(pod));
  const candidates = exact.length > 0 ? exact : running.length > 0 ? running.slice(0, 1) : begin.slice(-1);
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length > 1)
    throw new WeftError('which-pod', `there are several: ${candidates.join(', ')}; name the namespace too`);
  throw new WeftError(
    'no-pod',
    `there is no log of a pod ${name}; there are: ${all.slice(0, 30).join(', ') || 'none yet'}`,
  );
}

async function livePods(folder: SandboxFolder): Promise<Set<string>> {
  try {
    const name = folder.path.split('/').at(-1)!;
    return new Set((await Sandbox.attach(name).pods()).map(pod => `${pod.namespace}/${pod.name}`));
  } catch {
    return new Set();
  }
}

/** The first container that the author wrote: not the injected proxy. */
async function firstContainer(folder: SandboxFolder, pod: string): Promise<string | undefined> {
  try {
    const found = (await Sandbox.attach(folder.path.split('/').at(-1)!).pods()).find(one => one.name === pod);
    const own = found?.containers.filter(one => !one.init && one.name !== 'weft-proxy');
    return own?.[0]?.name;
  } catch {
    return undefined;
  }
}
