import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** A log file of a pod: `<container>.<restart>.log`. */
export interface LogFile {
  readonly container: string;
  readonly restart: number;
  readonly path: string;
}

/** The log files of a pod, by container and then by run. Those of pods that are gone are there until `down`. */
export function logFiles(logsDir: string, namespace: string, pod: string): LogFile[] {
  const folder = join(logsDir, namespace, pod);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).flatMap(name => {
    const match = /^(.+)\.(\d+)\.log$/.exec(name);
    return match ? [{ container: match[1]!, restart: Number(match[2]), path: join(folder, name) }] : [];
  });
  return files.sort((a, b) => a.container.localeCompare(b.container) || a.restart - b.restart);
}

/** All that is kept of what a pod's containers printed: of one container, or of all, one after the other. */
export function readLog(logsDir: string, namespace: string, pod: string, container?: string): string {
  return logFiles(logsDir, namespace, pod)
    .filter(file => container === undefined || file.container === container)
    .map(file => readFileSync(file.path, 'utf8'))
    .join('');
}

/** Pods that have logs, as `namespace/pod`; more than there are now. */
export function podsWithLogs(logsDir: string): string[] {
  if (!existsSync(logsDir)) return [];
  return readdirSync(logsDir).flatMap(namespace =>
    readdirSync(join(logsDir, namespace)).map(pod => `${namespace}/${pod}`),
  );
}

/** Calls `write` with what is in a file and what is added to it, until the signal aborts. The file may come later. */
export async function followFile(
  path: string,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let position = 0;
  while (!signal.aborted) {
    position = readFrom(path, position, write);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

function readFrom(path: string, position: number, write: (text: string) => void): number {
  if (!existsSync(path)) return position;
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    // It was cut: begin again.
    if (size < position) return 0;
    const bytes = Buffer.alloc(Math.min(size - position, 1 << 20));
    const length = readSync(file, bytes, 0, bytes.length, position);
    if (length > 0) write(bytes.subarray(0, length).toString());
    return position + length;
  } finally {
    closeSync(file);
  }
}
