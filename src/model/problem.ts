import type { ObjectRef } from './object-ref.ts';

/** `error`: the object (or the part at `path`) did not take effect. `warning`: it did, but not as its author may think. */
export type Severity = 'error' | 'warning';

/** Something wrong with one object, found while reading or translating it. Collected, never thrown. */
export interface Problem {
  readonly severity: Severity;
  /** Stable, kebab-case, documented in docs/errors.md. */
  readonly code: string;
  readonly object?: ObjectRef;
  /** Path inside the object: `spec.ports[1].port`. */
  readonly path?: string;
  /** Lowercase; names the thing and the likely remedy. */
  readonly message: string;
}

/** A Problem in one line of code; severity `error` unless told. */
export function problem(
  code: string,
  message: string,
  where: { object?: ObjectRef; path?: string; severity?: Severity } = {},
): Problem {
  return { severity: where.severity ?? 'error', code, message, object: where.object, path: where.path };
}
