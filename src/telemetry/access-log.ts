import { pino } from 'pino';
import { countInternalError, type Flag, flagWords } from '../errors/index.ts';

/** Which exchanges are logged: none, those with a flag or a 5xx status, or all. */
export const ACCESS_LOG_MODES = ['off', 'errors', 'all'] as const;

/** One of ACCESS_LOG_MODES. */
export type AccessLogMode = (typeof ACCESS_LOG_MODES)[number];

/** One exchange or connection. Times in milliseconds, sizes in bytes. */
export interface AccessRecord {
  readonly direction: 'inbound' | 'outbound';
  readonly protocol: string;
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  /** 0 when there was no answer. */
  readonly status?: number;
  /** Of a gRPC call, whose `status` is 200 whatever became of it. */
  readonly grpcStatus?: number;
  readonly flag: Flag | '';
  /** What happened in this case, in plain words; '' when the flag says it all. */
  readonly detail: string;
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly downstream: string;
  readonly upstream: string;
  readonly cluster: string;
  readonly route?: string;
  readonly requestId?: string;
  readonly peer: string;
  readonly attempts: number;
}

/** Where access records go. */
export interface AccessLog {
  mode: AccessLogMode;
  /** Directions of which Telemetry objects or the mesh's settings say what is logged: nothing is written here. */
  readonly silent: { inbound: boolean; outbound: boolean };
  /** Whether an exchange with this outcome would be logged; asked before a record is made. */
  wants(status: number, flag: Flag | ''): boolean;
  write(record: AccessRecord): void;
  /** Hands everything that is buffered to the kernel. */
  flush(): void;
}

/** Longer fields are cut: clients choose their paths and hosts, and one of 64 KB says no more than its beginning. */
const maxFieldLength = 2048;
/** What may wait to be written when nobody reads the log; lines beyond it are lost. */
const maxWaitingBytes = 4 << 20;

function cut<T>(value: T): T | string {
  const isLong = typeof value === 'string' && value.length > maxFieldLength;
  return isLong ? `${value.slice(0, maxFieldLength)}…` : value;
}

/** A record as its line: long texts cut. */
export function lineOf(record: AccessRecord): { readonly fields: object; readonly reason: string } {
  const { flag, detail, ...fields } = record;
  const words = flag === '' ? '' : flagWords(flag, record.protocol === 'TCP' ? 'connection' : 'request');
  const reason = detail === '' || words === '' ? `${words}${detail}` : `${words}: ${detail}`;
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) line[name] = cut(value);
  return { fields: { ...line, flags: flag === '' ? '-' : flag }, reason: cut(reason) };
}

/** The access log as JSON lines through pino, buffered: lines leave within a second or when 4 KB have collected. */
export function createAccessLog(mode: AccessLogMode, fd = 1): AccessLog {
  const destination = pino.destination({
    fd,
    sync: false,
    minLength: 4096,
    periodicFlush: 1000,
    maxLength: maxWaitingBytes,
  });
  destination.on('error', () => countInternalError('access-log'));
  const logger = pino(
    {
      base: { log: 'access' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      messageKey: 'reason',
    },
    destination,
  );
  return {
    mode,
    silent: { inbound: false, outbound: false },
    wants(status, flag) {
      if (this.mode === 'off') return false;
      return this.mode === 'all' || flag !== '' || status >= 500;
    },
    write(record) {
      if (this.silent[record.direction]) return;
      const { fields, reason } = lineOf(record);
      logger.info(fields, reason);
    },
    flush: () => destination.flushSync(),
  };
}
