import type { Wire } from '../../wire/index.ts';
import type { ExchangeHost } from '../exchange/exchange-host.ts';
import type { Client } from '../services/http2-listening.ts';
import type { Listening } from '../services/listening.ts';
import type { Services } from '../services/services.ts';
import { Http1Serving } from './http1-serving.ts';
import { Http2Serving } from './http2-serving.ts';
import type { Served, Serving } from './serving.interface.ts';

/**
 * What serves `kind` on the wire, once it is started. `listening`: as the proxy's own listeners have it, unless told. `onClosed`
 * is called once, when the connection is gone.
 */
export function servingOf(
  kind: Served,
  services: Services,
  host: ExchangeHost,
  client: Client,
  wire: Wire,
  onClosed: () => void,
  listening: Listening = services,
): Serving {
  return kind === 'http2'
    ? new Http2Serving(services, host, wire, listening.http2[client], onClosed)
    : new Http1Serving(services, host, wire, listening.http1, onClosed);
}
