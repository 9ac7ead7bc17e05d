import type { Problem } from '../model/index.ts';
import type { Registry } from '../registry/index.ts';

/**
 * Where objects come from: a folder of files, and later the Kubernetes API, DNS, Consul. A source is built without I/O, then
 * started once; it fills the registry, keeps it current, and never loses what it had because its origin is away for a while.
 */
export interface Source {
  /** For logs, metrics and problems: `files:/etc/weft`. */
  readonly name: string;
  /**
   * Reads everything into the registry, then keeps it current until the signal aborts. Resolves after the first full read;
   * rejects with a WeftError when that is impossible and nobody can expect it to become possible by waiting.
   */
  start(registry: Registry, signal: AbortSignal): Promise<void>;
  /** What is wrong now with what was read; empty when all is well. */
  problems(): readonly Problem[];
}
