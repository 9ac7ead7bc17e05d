// Proxies tell each other when a request never reached the application: then even a POST may go to another endpoint.
import type { Field, Head } from '../../http/index.ts';

const name = Buffer.from('x-weft-untouched', 'latin1');

/** The field of an inbound proxy's own answer to a request of which its app has not seen a byte. */
export const UNTOUCHED: Field = ['x-weft-untouched', 'true'];

/**
 * Whether a 503 comes from the peer's proxy, whose app has not seen the request. `fromProxy`: it came over mesh TLS. What an app
 * itself says of that does not count, and is taken out.
 */
export function isUntouched(head: Head, upstream: 'mesh' | 'app', fromProxy: boolean): boolean {
  const index = head.find(name);
  if (index < 0) return false;
  if (upstream === 'mesh') return fromProxy;
  head.remove(index);
  return false;
}
