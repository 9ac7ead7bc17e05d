import type { LocalReply, ServerStream, ServerStreamHandler } from '../../http/index.ts';
import {
  type Fault,
  type Http2Options,
  ServerConnection,
  type ServerConnectionHost,
} from '../../http2/index.ts';
import { IntrusiveSet } from '../../sets/index.ts';
import { enterEvent, leaveEvent, type Wire } from '../../wire/index.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangeHost } from '../exchange/exchange-host.ts';
import { newRequestId } from '../exchange/request-id.ts';
import { malformedReply } from '../replies/local-replies.ts';
import type { Services } from '../services/services.ts';
import { ConnectionLife, type LivingConnection } from './connection-life.ts';
import { noteMalformed } from './malformed.ts';
import type { Serving } from './serving.interface.ts';

/** What clients of long calls are told at their end. `weft explain` knows both by "ends calls that go on". */
const GOING = 'this pod is going and ends calls that go on; call again, another one answers';
const OLD =
  'this connection has reached its age (weft.dev/max-connection-age) and ends calls that go on; call again, on another one';

/**
 * HTTP/2 on one downstream connection: an exchange for each stream that is open. A stream that ended in order is used again with
 * its exchange; those of all others go when their stream does.
 */
export class Http2Serving implements Serving, ServerConnectionHost, LivingConnection {
  readonly connection: ServerConnection;
  readonly #services: Services;
  readonly #host: ExchangeHost;
  readonly #onClosed: () => void;
  readonly #exchanges = new IntrusiveSet<'seat', Exchange>('seat');
  /** Of those that come in: what the pod's own app asks ends with the app. */
  readonly #life: ConnectionLife | undefined;

  constructor(
    services: Services,
    host: ExchangeHost,
    wire: Wire,
    options: Http2Options,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#host = host;
    this.#onClosed = onClosed;
    this.connection = new ServerConnection(wire, options);
    if (host.direction === 'inbound' || host.terms.trust.downstream === 'strangers')
      this.#life = new ConnectionLife(services.timers, services.lives, services.random, this);
  }

  start(first: Buffer | undefined): void {
    this.connection.start(this, first);
    if (this.connection.over) return;
    this.#life?.begin();
    if (this.#services.draining) this.drain();
    else if (this.#services.saving) this.connection.drain();
  }

  drain(): void {
    this.connection.drain();
    this.#life?.drain();
  }

  retire(): void {
    this.connection.drain();
  }

  endStreams(share: number): void {
    const calls = [...this.#exchanges].filter(({ isLongCall }) => isLongCall);
    enterEvent();
    const why = this.#services.draining ? GOING : OLD;
    for (const call of calls.slice(0, Math.ceil(calls.length * share))) call.endCall(why);
    leaveEvent();
  }

  onFault(): void {
    this.connection.onFault();
  }

  relieve(hard: boolean): void {
    this.connection.relieve(hard);
  }

  accept(stream: ServerStream): Exchange {
    const exchange = new Exchange(this.#services, this.#host, stream);
    this.#exchanges.add(exchange);
    if (this.#host.terms.trust.upstream === 'app') this.#services.failedCalls.working.add(exchange);
    return exchange;
  }

  onDiscarded(handler: ServerStreamHandler): void {
    const exchange = handler as Exchange;
    exchange.close();
    this.#exchanges.delete(exchange);
    this.#services.failedCalls.working.delete(exchange);
  }

  onMalformed(fault: Fault, handler: ServerStreamHandler | undefined): LocalReply {
    const id = newRequestId().toString('latin1');
    noteMalformed(this.#services, this.#host, 'HTTP/2', handler as Exchange | undefined, fault, 'DPE', id);
    // The table of headers is in step: only the stream ends.
    return { ...malformedReply(fault, 'DPE', [['x-request-id', id]]), close: false };
  }

  onConnectionClosed(): void {
    this.#life?.stop();
    for (const exchange of this.#exchanges) this.onDiscarded(exchange);
    this.#onClosed();
  }
}
