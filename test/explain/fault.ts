import type { FaultMesh } from './fault-mesh.ts';

/** One fault, and what is to be said of it. */
export interface Fault {
  readonly name: string;
  /** The cause that is to be named. */
  readonly cause: string;
  /** `Kind name.namespace` of the object that decided; undefined where nobody's is. */
  readonly object: string | undefined;
  /** One of the commands, whole. */
  readonly command: RegExp | undefined;
  /** In the words of the cause. */
  readonly words: RegExp;
  /** In a note beside it. */
  readonly note?: RegExp;
  /** Whose record says of it; `web` unless told. */
  readonly at?: 'web' | 'api';
  readonly options?: ConstructorParameters<typeof FaultMesh>[0];
  /** Brings it about. */
  inject(mesh: FaultMesh): Promise<unknown>;
}
