/** Who caused the error: the side that sends requests to us, the side we send to, or Weft itself. */
export type ErrorSource = 'downstream' | 'upstream' | 'internal' | 'config';

/**
 * The one error type of Weft. `code` is stable (kebab-case, documented in docs/errors.md), the message is lowercase,
 * names the thing and, where there is one, ends with the remedy.
 */
export class WeftError extends Error {
  readonly code: string;
  readonly source: ErrorSource;

  constructor(code: string, message: string, options: WeftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WeftError';
    this.code = code;
    this.source = options.source ?? 'internal';
  }
}

/** What may be said of a WeftError beside its code and message; the source is `internal` unless told. */
export interface WeftErrorOptions {
  readonly source?: ErrorSource;
  readonly cause?: unknown;
}

/** The message of anything that was thrown, for logs and for wrapping. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
