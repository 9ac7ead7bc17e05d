import { pino } from 'pino';
import { countInternalError } from '../../errors/index.ts';
import type { LogSeries } from '../../telemetry/index.ts';

/** Where lines of access logs go. Neither may throw nor wait. */
export interface LineSink {
  write(line: string): void;
  /** For the end of the process: resolves when everything is handed on, cannot be, or `withinMs` are over. */
  end(withinMs: number): Promise<void>;
  close(): void;
}

/** What may wait to be written when nobody reads the log; lines beyond it are lost, and counted. */
const maxWaitingBytes = 4 << 20;

/**
 * A file, buffered: lines leave within a second or when 4 KB have collected. `path`: `/dev/stdout` and `/dev/stderr` are the
 * process's own.
 */
export function openFileSink(path: string, series: LogSeries): LineSink {
  const own = path === '/dev/stdout' ? 1 : path === '/dev/stderr' ? 2 : undefined;
  const destination = pino.destination({
    ...(own === undefined ? { dest: path, append: true } : { fd: own }),
    sync: false,
    minLength: 4096,
    periodicFlush: 1000,
    maxLength: maxWaitingBytes,
  });
  destination.on('drop', () => void series.dropped++);
  destination.on('error', () => {
    series.failures++;
    countInternalError('access-log');
  });
  return {
    write(line) {
      series.lines++;
      destination.write(line);
    },
    async end() {
      // What has no file yet has nothing to flush.
      try {
        destination.flushSync();
      } catch {
        series.failures++;
      }
    },
    close() {
      // Never the process's own outputs, which others write to.
      if (own === undefined) destination.end();
      else destination.flush();
    },
  };
}
