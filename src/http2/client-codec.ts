import type { ClientCodec } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import { ClientConnection, type Http2ClientOptions } from './client-connection.ts';

/** HTTP/2 towards upstreams. */
export function http2Client(options: Http2ClientOptions): ClientCodec<Wire> {
  return { multiplexes: true, connect: (wire, host) => new ClientConnection(wire, options, host) };
}
