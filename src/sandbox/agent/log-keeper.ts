import { appendFileSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../time/index.ts';
import { tailOf } from '../runtime/index.ts';

/** How much of the logs is kept. */
export interface LogLimits {
  /** A file that is larger is cut down to its last lines. */
  readonly fileBytes: number;
  readonly keptBytes: number;
  /** Pods whose logs are kept, those that are gone included. */
  readonly pods: number;
}

const defaults: LogLimits = { fileBytes: 64 << 20, keptBytes: 1 << 20, pods: 300 };
const periodMs = 15_000;

/** Keeps the logs of a sandbox that runs for days from filling the disk. Returns how to stop it. */
export function keepLogsSmall(logsDir: string, clock: Clock, isLive: (pod: string) => boolean): () => void {
  return clock.every(periodMs, () => trimLogs(logsDir, isLive, defaults));
}

/** Cuts large files, and removes the logs of the pods that have been gone for longest. `pod` is `namespace/name`. */
export function trimLogs(logsDir: string, isLive: (pod: string) => boolean, limits: LogLimits): void {
  const gone: { path: string; changedMs: number }[] = [];
  let pods = 0;
  for (const namespace of readdirSync(logsDir)) {
    for (const pod of readdirSync(join(logsDir, namespace))) {
      const path = join(logsDir, namespace, pod);
      pods++;
      if (!isLive(`${namespace}/${pod}`)) gone.push({ path, changedMs: statSync(path).mtimeMs });
      for (const file of readdirSync(path)) cut(join(path, file), limits);
    }
  }
  gone.sort((a, b) => a.changedMs - b.changedMs);
  for (const { path } of gone.slice(0, Math.max(0, pods - limits.pods)))
    rmSync(path, { recursive: true, force: true });
}

/** Writers append, so they go on at the new end by themselves. */
function cut(path: string, limits: LogLimits): void {
  if (statSync(path).size <= limits.fileBytes) return;
  const tail = tailOf(path, Number.MAX_SAFE_INTEGER, limits.keptBytes);
  truncateSync(path);
  appendFileSync(
    path,
    `[weft sandbox: what was here before was cut, ${limits.fileBytes >> 20} MiB are kept at most]\n${tail}\n`,
  );
}
