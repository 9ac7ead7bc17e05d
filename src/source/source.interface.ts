import type { Problem } from '../model/index.ts';
import type { Entries, Owner } from '../registry/index.ts';

/**
 * Where objects come from: a folder of files, the Kubernetes API. A source is built without I/O, then started once; it fills its
 * entries in the registry, keeps them current, and never loses what it had because its origin is away for a while. Several may
 * fill one registry: each owns what it put, and what it says of its `site` keeps clusters and networks apart.
 */
export interface Source extends Owner {
  /** For logs, metrics and problems: `files:/etc/weft`. */
  readonly name: string;
  /**
   * Reads everything into the entries, then keeps them current until the signal aborts. Resolves after the first full read;
   * rejects with a WeftError when that is impossible and nobody can expect it to become possible by waiting.
   */
  start(entries: Entries, signal: AbortSignal): Promise<void>;
  /** What is wrong now with what was read; empty when all is well. */
  problems(): readonly Problem[];
}
