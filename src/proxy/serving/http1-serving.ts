import type { LocalReply, ServerStream } from '../../http/index.ts';
import {
  type Fault,
  NO_MEMORY,
  ServerConnection,
  type ServerConnectionHost,
  type ServerOptions,
} from '../../http1/index.ts';
import type { Wire } from '../../wire/index.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangeHost } from '../exchange/exchange-host.ts';
import { newRequestId } from '../exchange/request-id.ts';
import { malformedReply } from '../replies/local-replies.ts';
import type { Services } from '../services/services.ts';
import { noteMalformed } from './malformed.ts';
import type { Serving } from './serving.interface.ts';

/** HTTP/1 on one downstream connection: one exchange carries its requests, one after the other. */
export class Http1Serving implements Serving, ServerConnectionHost {
  readonly connection: ServerConnection;
  readonly #services: Services;
  readonly #host: ExchangeHost;
  readonly #onClosed: () => void;
  /** Of the one stream of the connection, from its start on. */
  #exchange!: Exchange;

  constructor(
    services: Services,
    host: ExchangeHost,
    wire: Wire,
    options: ServerOptions,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#host = host;
    this.#onClosed = onClosed;
    this.connection = new ServerConnection(wire, options);
    if (services.draining || services.saving) this.connection.drain();
  }

  start(first: Buffer | undefined): void {
    this.connection.start(this, first);
  }

  /** Idle connections are left to their clients. */
  drain(): void {
    this.connection.drain();
  }

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
    noteMalformed(this.#services, this.#host, 'HTTP/1', this.#exchange, fault, flag, id);
    return malformedReply(fault, flag, [['x-request-id', id]]);
  }

  onConnectionClosed(): void {
    this.#exchange.close();
    this.#services.failedCalls.working.delete(this.#exchange);
    this.#onClosed();
  }
}
