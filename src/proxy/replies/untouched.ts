// Proxies tell each other when a request never reached the application: then even a POST may go to another endpoint.
import type { Field, Head } from '../../http/index.ts';

const name = Buffer.from('x-weft-untouched', 'latin1');

/** The field of an inbound proxy's own answer to a request of which its app has not seen a byte. */
export const UNTOUCHED: Field = ['x-weft-untouched', 'true'];

/** Whether a 503 says so. Only to be believed from a peer over mesh TLS. */
export function saysUntouched(head: Head): boolean {
  return head.find(name) >= 0;
}

/** Takes the claim out of an app's own answer: only proxies may make it. */
export function removeUntouched(head: Head): void {
  const index = head.find(name);
  if (index >= 0) head.remove(index);
}
