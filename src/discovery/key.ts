import { type DestinationResource, isGatewayKey } from '../model/index.ts';
import { MAX_GATEWAY_KEY_LENGTH, MAX_KEY_LENGTH } from './protocol.ts';

/** No host name is longer: RFC 1035 section 2.3.4, without the dot at its end. */
const longestHost = 253;

/**
 * Why a destination cannot be asked for under this key; undefined when it can. Both sides of the stream judge by this one rule: a
 * proxy answers its app itself and asks nobody, a control plane refuses the one key and goes on with the others.
 */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'the name of the destination is empty; name a host';
  if (key.length <= (isGatewayKey(key) ? MAX_GATEWAY_KEY_LENGTH : MAX_KEY_LENGTH)) return undefined;
  return `the name of the destination has ${key.length} characters, and no host has more than ${longestHost}; check the Host header or the URL`;
}

/**
 * What a proxy is told of a destination that cannot be had: its requests are refused with the reason, and nothing is passed
 * through.
 */
export function refusedDestination(key: string, reason: string): DestinationResource {
  return {
    kind: 'destination',
    key,
    found: 'unknown',
    host: key,
    port: 0,
    protocol: 'auto',
    routes: [],
    tcp: [],
    refused: reason,
    clusters: [],
  };
}
