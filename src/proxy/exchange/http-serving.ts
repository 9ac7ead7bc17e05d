import type { LocalReply, ServerStream } from '../../http/index.ts';
import { type Fault, NO_MEMORY, ServerConnection, type ServerConnectionHost } from '../../http1/index.ts';
import type { Wire } from '../../wire/index.ts';
import { malformedReply } from '../replies/local-replies.ts';
import type { Services } from '../services/services.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeHost } from './exchange-host.ts';
import { newRequestId } from './request-id.ts';

/** HTTP/1 on one downstream connection. */
export class HttpServing implements ServerConnectionHost {
  readonly connection: ServerConnection;
  readonly #services: Services;
  readonly #host: ExchangeHost;
  readonly #onClosed: () => void;
  /** Of the one stream of the connection, from its start on. */
  #exchange!: Exchange;

  constructor(services: Services, host: ExchangeHost, wire: Wire, onClosed: () => void) {
    this.#services = services;
    this.#host = host;
    this.#onClosed = onClosed;
    this.connection = new ServerConnection(wire, services.http1);
    if (services.draining || services.saving) this.connection.drain();
  }

  /** Takes the wire over; `first`: bytes that were read already. */
  start(first: Buffer | undefined): void {
    this.connection.start(this, first);
  }

  /** Tells clients to go; idle connections are left to them. */
  drain(): void {
    this.connection.drain();
  }

  /** See ServerConnection.relieve. */
  relieve(hard: boolean): void {
    this.connection.relieve(hard);
  }

  accept(stream: ServerStream): Exchange {
    const { failedCalls } = this.#services;
    this.#exchange = new Exchange(this.#services, this.#host, stream);
    if (this.#host.terms.trust.upstream === 'app') failedCalls.working.add(this.#exchange);
    return this.#exchange;
  }

  onMalformed(fault: Fault): LocalReply {
    const flag = fault === NO_MEMORY ? 'OM' : 'DPE';
    // What was not read to its end has no id that is known: it gets one, to be asked about.
    const id = newRequestId().toString('latin1');
    this.#noteMalformed(fault, flag, id);
    return malformedReply(fault, flag, [['x-request-id', id]]);
  }

  #noteMalformed(fault: Fault, flag: 'OM' | 'DPE', id: string): void {
    const { counters, log, accessLog, observers, clock } = this.#services;
    const { direction, downstream, principal } = this.#host;
    if (flag === 'DPE') counters.malformed.add(`direction="${direction}",fault="${fault.code}"`);
    // The exchange that breaks off because of it counts and logs itself.
    if (this.#exchange.onMalformedBody(fault.status)) return;
    const series = this.#host.metrics(undefined, undefined, undefined).series(fault.status, flag);
    series.requests++;
    series.touchedMs = clock.monotonic();
    log.debug(
      { direction, downstream, fault: fault.code },
      flag === 'DPE' ? 'refused a malformed request' : 'gave up a request for want of memory',
    );
    if (observers.watching)
      observers.refusal({
        direction,
        downstream,
        principal,
        port: 0,
        wanted: '',
        reason: `malformed:${fault.code}`,
        flag,
        detail: fault.words,
        status: fault.status,
        id,
        atMs: clock.monotonic(),
      });
    if (!accessLog.wants(fault.status, flag)) return;
    accessLog.write({
      direction,
      protocol: 'HTTP/1',
      status: fault.status,
      flag,
      detail: fault.words,
      durationMs: 0,
      receivedBytes: 0,
      sentBytes: 0,
      downstream,
      upstream: '',
      cluster: '',
      peer: principal,
      requestId: id,
      attempts: 0,
    });
  }

  onConnectionClosed(): void {
    this.#exchange.close();
    this.#services.failedCalls.working.delete(this.#exchange);
    this.#onClosed();
  }
}
