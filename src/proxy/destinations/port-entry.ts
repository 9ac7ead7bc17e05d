import type { Authorizer, Denial, JudgedCaller } from '../../authorization/index.ts';
import type { MtlsMode, ObjectRef } from '../../model/index.ts';
import { type BytesCaller, type BytesChecks, mustAsk } from '../filters/external-bytes.ts';

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
  readonly #authorizer: Authorizer | undefined;
  readonly #asked: BytesChecks | undefined;

  /** `authorizer`: of connections whose bytes are not read; `asked`: who outside has to allow them beside. */
  constructor(
    mtls: MtlsMode,
    policy: string,
    from?: ObjectRef,
    authorizer?: Authorizer,
    asked?: BytesChecks,
  ) {
    this.#asked = asked;
    this.#mtls = mtls;
    this.policy = policy;
    this.from = from;
    this.#authorizer = authorizer;
  }

  /** Whether the caller may go on. */
  judge({ mutualTls }: ConnectionCaller): boolean {
    return mutualTls || this.#mtls !== 'strict';
  }

  /**
   * Whether the caller may send bytes that nobody reads; undefined, or why not. Before any of them, and before any of the app's,
   * goes on. Requests are judged one by one, see filters/authorization.ts.
   */
  judgeBytes(caller: JudgedCaller): Denial | undefined {
    return this.#authorizer?.judgeConnection(caller);
  }

  /** The same before it is certain that it will send some: nothing is counted. */
  peekBytes(caller: JudgedCaller): Denial | undefined {
    return this.#authorizer?.peekConnection(caller);
  }

  /** Who has to be asked outside before the caller may send bytes that nobody reads; undefined for nobody. */
  asksAbout(caller: BytesCaller): BytesChecks | undefined {
    return this.#asked !== undefined && mustAsk(this.#asked, caller) ? this.#asked : undefined;
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
