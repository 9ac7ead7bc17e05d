// Pods of a sandbox, and their ports, by way of its agent.

import { readFileSync } from 'node:fs';
import { PORTS, SYSTEM_NAMESPACE } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import {
  type FetchOptions,
  type FetchResult,
  followFile,
  type LogFile,
  logFiles,
  type PodView,
  SandboxFolder,
  type SandboxView,
} from '../../sandbox/index.ts';
import { NAMES } from '../install/names.ts';
import { type AdminEndpoint, adminAt, adminBy } from './admin.ts';
import { askInside } from './ask-inside.ts';
import type { LogWish, MeshEvent, MeshPod, RunningMesh } from './mesh.interface.ts';

/** What of a sandbox is used here. */
export interface SandboxLike {
  readonly name: string;
  pods(): Promise<readonly PodView[]>;
  status(): Promise<Pick<SandboxView, 'events'>>;
  fetch(target: string, path: string, options: FetchOptions): Promise<FetchResult>;
  execCommand(target: string, command: readonly string[], container?: string): Promise<readonly string[]>;
}

/** The container that proxies run in. */
const container = 'weft-proxy';

/** The mesh of a sandbox. */
export function meshOfSandbox(sandbox: SandboxLike): RunningMesh {
  const all = async (): Promise<readonly PodView[]> => sandbox.pods();
  const named = `--name ${sandbox.name}`;
  return {
    checkCommand: `weft sandbox status ${named}`,
    logCommand: ({ namespace, name }) => `weft sandbox logs ${namespace}/${name} -c weft-proxy ${named}`,
    restartCommand: ({ namespace }) => `weft sandbox restart ${namespace}/WORKLOAD ${named}`,
    pods: async namespace =>
      (await all()).filter(pod => namespace === undefined || pod.namespace === namespace).map(podOf),
    controlPlanes: async () =>
      (await all())
        .filter(pod => pod.namespace === SYSTEM_NAMESPACE && pod.workload === NAMES.injector)
        .map(podOf),
    async read({ namespace, name }, port, path) {
      const answer = await sandbox
        .fetch(`pod/${namespace}/${name}`, path, { port })
        .catch((error: unknown) => {
          throw new WeftError('pod-unasked', errorMessage(error), { source: 'config', cause: error });
        });
      if (answer.status === 200) return answer.body;
      const words = `status ${answer.status}: ${answer.body.trim().slice(0, 200)}`;
      throw new WeftError('pod-unasked', words, { source: 'config' });
    },
    admin: async pod => adminOf(sandbox, pod, await all()),
    log: (pod, wish, onLine, signal) =>
      readLog(logFiles(new SandboxFolder(sandbox.name).logs, pod.namespace, pod.name), wish, onLine, signal),
    async events(namespace) {
      const { events } = await sandbox.status();
      return events.map(eventOf).filter(each => namespace === undefined || each.namespace === namespace);
    },
  };
}

function podOf({ namespace, name, labels, phase, workload, meshed, proxyVersion }: PodView): MeshPod {
  return {
    namespace,
    name,
    labels,
    phase,
    workload,
    ...(meshed && { proxyVersion: proxyVersion ?? '(unknown)' }),
  };
}

/** A pod's loopback is its own, where it has a network of its own: the question is asked by a process inside. */
function adminOf(
  sandbox: SandboxLike,
  { namespace, name }: MeshPod,
  pods: readonly PodView[],
): AdminEndpoint {
  const view = pods.find(each => each.namespace === namespace && each.name === name);
  if (view?.netns === undefined) return adminAt(`${view?.address ?? '127.0.0.1'}:${PORTS.admin}`);
  const ask = (method: 'GET' | 'POST', path: string) =>
    askInside(method, path, command => sandbox.execCommand(`pod/${namespace}/${name}`, command, container));
  return adminBy(ask, `pod ${namespace}/${name} `, () => {});
}

async function readLog(
  files: readonly LogFile[],
  { sinceSeconds, tail, follow }: LogWish,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const file = files.filter(each => each.container === container).at(-1);
  if (file === undefined)
    throw new WeftError('no-log', `there is no log of a container ${container} yet`, { source: 'config' });
  const from = sinceSeconds === undefined ? 0 : Date.now() - sinceSeconds * 1000;
  const isRecent = (line: string): boolean => from === 0 || (timeOf(line) ?? from) >= from;
  const kept = readFileSync(file.path, 'utf8');
  const whole = kept.slice(0, kept.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').slice(0, -1).filter(isRecent);
  for (const line of tail === undefined ? lines : lines.slice(-tail)) onLine(line);
  if (!follow) return;
  // What was there already comes once more, and is passed over.
  let skip = whole.length;
  let rest = '';
  const write = (text: string): void => {
    const fresh = text.slice(Math.min(skip, text.length));
    skip -= text.length - fresh.length;
    const split = (rest + fresh).split('\n');
    rest = split.pop()!;
    for (const line of split) onLine(line);
  };
  await followFile(file.path, write, signal);
}

function timeOf(line: string): number | undefined {
  const time = /"time":"([^"]{1,40})"/.exec(line)?.[1];
  return time === undefined ? undefined : Date.parse(time);
}

/** `Pod/shop/web-1`; '' for the sandbox itself. */
function eventOf({ at, type, reason, object, message }: SandboxView['events'][number]): MeshEvent {
  const [kind = '', namespace = '', name = ''] = object.split('/');
  return {
    ...{ atMs: Date.parse(at), type, reason, kind, message, count: 1, from: 'sandbox' },
    // Without a namespace: `Node/name`.
    ...(name === '' ? { namespace: '', name: namespace } : { namespace, name }),
  };
}
