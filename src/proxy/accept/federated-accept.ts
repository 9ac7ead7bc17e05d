import { INTERNAL_ERROR } from '../../errors/index.ts';
import { Deadline } from '../../time/index.ts';
import { acceptFederatedTls, type Handshake, type Secured } from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { Services } from '../services/services.ts';
import type { CalledPort } from './called-port.ts';
import { HANDSHAKE_TIMEOUT_MS, type MeshAcceptWaiter } from './mesh-accept.ts';

/** Learns how TLS of either kind went; exactly one of them is called, once. */
export interface AcceptWaiter extends MeshAcceptWaiter {
  /** A workload of another trust domain, or one of ours without a Weft proxy. */
  onFederated(secured: Secured): void;
  onFault(): void;
}

/**
 * Ends TLS that is not the mesh's where workloads of other trust domains are let in and the port takes it for nothing else;
 * undefined elsewhere. A port that may speak TLS of its own gets it as it is, as long as it need not know who calls.
 */
export function acceptFederated(
  services: Services,
  wire: Wire,
  { port, open }: CalledPort,
  hello: Buffer,
  waiter: AcceptWaiter,
): FederatedAccept | undefined {
  const { tls } = services;
  if (tls.domainRoots === undefined || !tls.ready || port?.entry.answersMesh !== true) return undefined;
  const { kind } = port.destination.speech;
  if (open !== undefined && kind !== 'http') return undefined;
  const accept = new FederatedAccept(services, wire, waiter);
  accept.start(hello, kind === 'bytes' ? [] : ['h2', 'http/1.1'], HANDSHAKE_TIMEOUT_MS);
  return accept;
}

/** Mutual TLS of a workload that has no Weft proxy, from its ClientHello to the end of the handshake. */
export class FederatedAccept {
  readonly #services: Services;
  readonly #wire: Wire;
  readonly #waiter: AcceptWaiter;
  readonly #deadline: Deadline;
  #handshake: Handshake | undefined;
  #over = false;

  constructor(services: Services, wire: Wire, waiter: AcceptWaiter) {
    this.#services = services;
    this.#wire = wire;
    this.#waiter = waiter;
    this.#deadline = new Deadline(() => this.#refuse('no complete TLS handshake in time'), this);
  }

  /** `hello`: what was read. `alpn`: what the port may speak, the dearest first. `patienceMs`: for all of it. */
  start(hello: Buffer, alpn: readonly string[], patienceMs: number): void {
    this.#services.timers.schedule(this.#deadline, patienceMs);
    this.#handshake = acceptFederatedTls(this.#wire, hello, this.#services.tls, alpn, {
      onSecured: secured => {
        if (this.#finish()) this.#waiter.onFederated(secured);
        else secured.wire.destroy();
      },
      onHandshakeError: reason => this.#refuse(reason),
      onFault: () => this.onFault(),
    });
  }

  /** Of Weft's own: the wire that it was made of is no more. */
  onFault(): void {
    if (!this.#finish()) return;
    this.#handshake?.cancel();
    this.#wire.reset(INTERNAL_ERROR);
    this.#waiter.onFault();
  }

  /** Gives up; nobody is told. */
  stop(): void {
    if (this.#finish()) this.#handshake?.cancel();
  }

  #refuse(words: string): void {
    if (!this.#finish()) return;
    this.#handshake?.cancel();
    this.#waiter.onRefused('handshake', words, this.#wire, '');
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#services.timers.cancel(this.#deadline);
    return true;
  }
}
