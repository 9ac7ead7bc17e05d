import { formatAddress } from '../../model/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { Detection } from '../detection/detection.ts';
import type { ExchangeHost, ListenerTerms } from '../exchange/exchange-host.ts';
import type { Client } from '../services/http2-listening.ts';
import type { Listening } from '../services/listening.ts';
import type { Services } from '../services/services.ts';
import { servingOf } from '../serving/serve.ts';
import type { Served, Serving } from '../serving/serving.interface.ts';

/** What all connections have in common that a listener accepts: who called, what they carry, and how they end. */
export abstract class Downstream {
  seat = NO_SEAT;
  readonly terms: ListenerTerms;
  /** The client's address without its port; '' where it is not known. IPv4 in its own form. */
  address: string;
  /** With the port, for logs. */
  downstream: string;
  clientPort: number;
  protected readonly services: Services;
  /** The clear side of it: another one once TLS has ended here. */
  protected wire: Wire;
  protected abstract detection: Detection;
  /** Once it is known that it carries requests. */
  protected serving: Serving | undefined;

  constructor(services: Services, wire: Wire, terms: ListenerTerms) {
    this.services = services;
    this.wire = wire;
    this.terms = terms;
    const from = wire.remoteAddress();
    this.address = (from?.address ?? '').replace(/^::ffff:/, '');
    this.clientPort = from?.port ?? 0;
    this.downstream = this.address === '' ? '' : formatAddress(this.address, this.clientPort);
  }

  /** The client is another than who connected: a proxy that is believed has said so. */
  protected standFor(address: string, port: number): void {
    this.address = address;
    this.clientPort = port;
    this.downstream = formatAddress(address, port);
  }

  /** The client is asked to go; what is under way goes on. */
  drain(): void {
    this.serving?.drain();
  }

  /** Memory is short: see Serving.relieve. `hard`: what has not even said what it wants goes too. */
  relieve(hard: boolean): void {
    if (this.serving !== undefined) this.serving.relieve(hard);
    else if (hard) this.detection.shed();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.wire.destroy();
  }

  /** Reads requests from now on. `first`: what was read already. `listening`: see servingOf. */
  protected serveTo(
    host: ExchangeHost,
    kind: Served,
    client: Client,
    first: Buffer | undefined,
    onClosed: () => void,
    listening?: Listening,
  ): void {
    this.serving = servingOf(kind, this.services, host, client, this.wire, onClosed, listening);
    this.serving.start(first);
  }
}

/** As the metric of accepted connections calls it. */
export function labelOf(kind: Served): 'http' | 'http2' {
  return kind === 'http2' ? 'http2' : 'http';
}
