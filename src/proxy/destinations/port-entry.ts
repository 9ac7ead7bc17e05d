import type { MtlsMode, ObjectRef } from '../../model/index.ts';

/** Who connects, as far as it is known: before a mesh handshake everybody is in plaintext. */
export interface ConnectionCaller {
  readonly mutualTls: boolean;
}

/**
 * Whom a port lets in. The one place where the mode of mutual TLS is compared: a connection is judged once, before what it
 * carries is looked at, so that requests and bytes are let in or refused alike.
 */
export class PortEntry {
  readonly #mtls: MtlsMode;
  /** The policy that decided, for messages. */
  readonly policy: string;
  /** Its object, where there is one. */
  readonly from: ObjectRef | undefined;

  constructor(mtls: MtlsMode, policy: string, from?: ObjectRef) {
    this.#mtls = mtls;
    this.policy = policy;
    this.from = from;
  }

  /** Whether the caller may go on. */
  judge({ mutualTls }: ConnectionCaller): boolean {
    return mutualTls || this.#mtls !== 'strict';
  }

  /** Whether a ClientHello of the mesh is answered; otherwise it is the app's own TLS, which passes. */
  get answersMesh(): boolean {
    return this.#mtls !== 'disable';
  }

  /** Whether a client may be of either kind: only its first bytes can tell, and it may wait for the app's. */
  get takesBoth(): boolean {
    return this.#mtls === 'permissive';
  }
}
