import type { ObjectRef } from '../model/index.ts';
import { CODES, type Code } from './codes.ts';

/**
 * `error`: requests fail, or a policy does not do what it says. `warning`: they will under load or after a change, or its author
 * may not mean this. `info`: worth knowing.
 */
export type FindingSeverity = 'error' | 'warning' | 'info';

/** One thing that is wrong, or soon will be, with the remedy. */
export interface Finding {
  /** Stable, kebab-case: one of CODES, or the code of a Problem (docs/errors.md). */
  readonly code: string;
  readonly severity: FindingSeverity;
  /** What to change; undefined for what could not be read as an object. */
  readonly object?: ObjectRef;
  /** Inside the object: `spec.http[1]`. */
  readonly path?: string;
  /** Lowercase; what is so, and why that is bad. */
  readonly reason: string;
  /** Lowercase; what to do. */
  readonly remedy: string;
}

/** What a finding says beside its code. */
export interface FindingWords {
  readonly object: ObjectRef;
  readonly path?: string;
  readonly reason: string;
  /** Where it is not the one of the code. */
  readonly remedy?: string;
  /** Where it is not the one of the code. */
  readonly severity?: FindingSeverity;
}

/** A finding in a line of code. */
export function finding(
  code: Code,
  { object, path, reason, remedy, severity = CODES[code].severity }: FindingWords,
): Finding {
  return {
    code,
    severity,
    object,
    ...(path !== undefined && path !== '' && { path }),
    reason,
    remedy: remedy ?? CODES[code].remedy,
  };
}
