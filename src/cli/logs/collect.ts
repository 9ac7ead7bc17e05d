// Logs of several proxies as one.
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { LogWish, MeshPod, RunningMesh } from '../proxies/index.ts';
import { isMeant, type LineFilter, type LogLine, readLine } from './line.ts';

/** So many pods are read at the same time. */
const atOnce = 16;

/** A pod whose log could not be read, and why. */
export interface LogTrouble {
  readonly pod: string;
  readonly message: string;
}

/**
 * Hands every line that is meant to `onLine`: in the order of their time where the logs end, as they come where they are
 * followed. A pod whose log cannot be read does not keep the others from being shown.
 */
export async function collectLogs(
  mesh: RunningMesh,
  pods: readonly MeshPod[],
  { wish, filter }: { readonly wish: LogWish; readonly filter: LineFilter },
  onLine: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<readonly LogTrouble[]> {
  const troubles: LogTrouble[] = [];
  const kept: LogLine[] = [];
  const take = wish.follow ? onLine : (line: LogLine): void => void kept.push(line);
  const read = async (pod: MeshPod): Promise<void> => {
    const name = `${pod.namespace}/${pod.name}`;
    // Lines without a time belong to the one before them.
    let lastMs: number | undefined;
    try {
      const on = (text: string): void => {
        const line = readLine(name, text);
        lastMs = line.atMs ?? lastMs;
        if (text !== '' && isMeant(line, filter))
          take(lastMs === undefined ? line : { ...line, atMs: lastMs });
      };
      await mesh.log(pod, wish, on, signal);
    } catch (error) {
      if (!(error instanceof WeftError) || error.code === 'api-unreachable') throw error;
      troubles.push({ pod: name, message: errorMessage(error) });
    }
  };
  if (wish.follow) await Promise.all(pods.map(read));
  else {
    const left = [...pods];
    const worker = async (): Promise<void> => {
      for (let pod = left.shift(); pod !== undefined; pod = left.shift()) await read(pod);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, pods.length) }, worker));
  }
  // Sorting is stable: lines of one pod stay in their order.
  for (const line of kept.sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))) onLine(line);
  return troubles;
}
