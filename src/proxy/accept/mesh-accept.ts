import { INTERNAL_ERROR } from '../../errors/index.ts';
import { Deadline } from '../../time/index.ts';
import {
  ALPN,
  acceptMeshTls,
  type Handshake,
  HelloScanner,
  isMeshHello,
  type Secured,
} from '../../tls/index.ts';
import { ByteCollector, type Wire, type WireHandler } from '../../wire/index.ts';
import { type Preface, readPreface } from '../connect/preface.ts';
import type { Services } from '../services/services.ts';

/** For a ClientHello, the handshake and the preface together. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The dearest first: who offers several gets the first of these that it offers. */
const everything: readonly string[] = [ALPN.h2, ALPN.h1, ALPN.streams, ALPN.tcp];

/** A mesh peer that has said who it is and what it wants. */
export interface MeshPeer {
  /** The clear side of its connection; it does not read yet. */
  readonly wire: Wire;
  /** One of ALPN, of those that the peer offered; '' for none. */
  readonly protocol: string;
  readonly preface: Preface;
  /** What came behind the preface. */
  readonly rest: Buffer | undefined;
}

/** Why a peer is refused; `handshake` beside these when TLS itself failed. */
export type MeshRefusal = 'no-certificate' | 'bad-preface' | 'handshake-timeout';

/** Learns how it went; exactly one of them is called, once. */
export interface MeshAcceptWaiter {
  onPeer(peer: MeshPeer): void;
  /**
   * A ClientHello that is not the mesh's (`isTls`), or no ClientHello after all. `bytes`: all that was read. Reading is stopped.
   */
  onNoPeer(isTls: boolean, bytes: Buffer): void;
  /** `principal`: as far as it is known. */
  onRefused(reason: MeshRefusal | 'handshake', words: string, wire: Wire, principal: string): void;
  onGone(): void;
}

/**
 * From the first bytes of a ClientHello to the end of the preface. The hello is bounded in bytes and records (HelloScanner), the
 * preface in bytes, and all of it together in time: one deadline that neither bytes nor steps renew.
 */
export class MeshAccept implements WireHandler {
  readonly #services: Services;
  readonly #waiter: MeshAcceptWaiter;
  readonly #deadline: Deadline;
  readonly #scanner = new HelloScanner();
  readonly #offered: readonly string[];
  #wire: Wire;
  #takesMesh = true;
  #collected = new ByteCollector();
  #handshake: Handshake | undefined;
  #secured: Secured | undefined;
  #over = false;

  /** `offered`: names of ALPN that are spoken here, the dearest first; all of the mesh unless told. */
  constructor(services: Services, wire: Wire, waiter: MeshAcceptWaiter, offered = everything) {
    this.#services = services;
    this.#offered = offered;
    this.#wire = wire;
    this.#waiter = waiter;
    this.#deadline = new Deadline(
      () =>
        this.#refuse('handshake-timeout', `no complete mesh TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`),
      this,
    );
  }

  /** `takesMesh`: whether mesh TLS ends here, or is the app's own business. `patienceMs`: for all of it. */
  start(first: Buffer, takesMesh: boolean, patienceMs: number): void {
    this.#takesMesh = takesMesh;
    // The peer has it too, see connector.ts; who is slow itself gains nothing by it.
    this.#deadline.graceMs = HANDSHAKE_TIMEOUT_MS;
    this.#services.timers.schedule(this.#deadline, patienceMs);
    this.#wire.handler = this;
    this.onData(first, 0, first.length);
    if (!this.#over && this.#handshake === undefined) this.#wire.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#collected.add(bytes, start, end);
    if (this.#secured !== undefined) this.#readPreface(this.#secured);
    else this.#readHello(bytes, start, end);
  }

  onEnd(): void {
    this.#wire.destroy();
  }

  onDrain(): void {}

  onClose(): void {
    if (!this.#finish()) return;
    this.#waiter.onGone();
  }

  /** Also of the handshake: the wire that it was made of is no more. */
  onFault(): void {
    this.stop();
    this.#wire.reset(INTERNAL_ERROR);
    this.#waiter.onGone();
  }

  /** Gives up; nobody is told. The wire is the caller's again. */
  stop(): void {
    if (!this.#finish()) return;
    this.#handshake?.cancel();
  }

  #readHello(bytes: Buffer, start: number, end: number): void {
    const hello = this.#scanner.push(bytes, start, end);
    if (hello.kind === 'more') return;
    this.#wire.pause();
    const read = this.#collected.bytes!;
    if (hello.kind === 'hello' && this.#takesMesh && isMeshHello(hello.protocols)) this.#shakeHands(read);
    else if (this.#finish()) this.#waiter.onNoPeer(hello.kind === 'hello', read);
  }

  #shakeHands(hello: Buffer): void {
    const { tls } = this.#services;
    if (!tls.ready) {
      this.#refuse('no-certificate', 'this proxy has no certificate yet; see its log for why');
      return;
    }
    this.#handshake = acceptMeshTls(this.#wire, hello, tls, this.#offered, {
      onSecured: secured => this.#shaken(secured),
      onHandshakeError: reason => this.#refuse('handshake', reason),
      onFault: () => this.onFault(),
    });
  }

  #shaken(secured: Secured): void {
    this.#handshake = undefined;
    this.#secured = secured;
    this.#wire = secured.wire;
    this.#collected = new ByteCollector();
    this.#wire.handler = this;
    if (!this.#over) this.#wire.resume();
  }

  #readPreface({ principal, protocol }: Secured): void {
    const bytes = this.#collected.bytes!;
    const result = readPreface(bytes, principal);
    if (result.kind === 'more') return;
    if (result.kind === 'bad') {
      this.#refuse('bad-preface', result.reason);
      return;
    }
    if (!this.#finish()) return;
    this.#wire.pause();
    const rest = result.end < bytes.length ? bytes.subarray(result.end) : undefined;
    this.#waiter.onPeer({ wire: this.#wire, protocol, preface: result.preface, rest });
  }

  #refuse(reason: MeshRefusal | 'handshake', words: string): void {
    if (!this.#finish()) return;
    this.#handshake?.cancel();
    this.#waiter.onRefused(reason, words, this.#wire, this.#secured?.principal ?? '');
  }

  /** Whether it was not over yet. */
  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#services.timers.cancel(this.#deadline);
    return true;
  }
}
