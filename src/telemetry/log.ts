import { type Logger, pino } from 'pino';
import { countInternalError } from '../errors/index.ts';

/** Levels of the process log. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** One of LOG_LEVELS. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The process log: JSON lines, the message lowercase, facts as fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Can be changed while the process runs. */
  level: string;
}

/** Where and how much to log. */
export interface LogOptions {
  /** The program's name, in every line. */
  readonly program: string;
  readonly level: LogLevel;
  /** A file descriptor; 1 unless told. */
  readonly fd?: number;
}

/** The process log through pino, written at once so that nothing is lost when the process dies. */
export function createLogger(options: LogOptions): Log {
  const destination = pino.destination({ fd: options.fd ?? 1, sync: true });
  // A full disk or a closed pipe must not throw at whoever logs.
  destination.on('error', () => countInternalError('log'));
  return pino(
    {
      level: options.level,
      base: { program: options.program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      messageKey: 'message',
    },
    destination,
  ) as Logger as Log;
}

/** A log that says nothing; for tests and for parts that are used without one. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, level: 'silent' };
