// Retries at every hop multiply: three hops that each add a fifth are nearly three quarters more at the last. So a proxy tells
// its caller when an answer is a failure that came from further down, where it has been retried already; the caller then leaves
// it at that. Which call belongs to which request is told by the id that the app passes on (services/failed-calls.ts); where it
// cannot be told there is no mark, and the caller's retry is within its budget.
import type { Fields } from '../../http/index.ts';

const name = Buffer.from('x-weft-cascaded', 'latin1');
const yes = Buffer.from('true', 'latin1');

/**
 * Marks an app's failure: one of its own calls failed while it worked on the request. What an app says of that itself does not
 * count.
 */
export function markCascaded(response: Fields, cascaded: boolean): void {
  const index = response.find(name);
  if (index >= 0) response.remove(index);
  if (cascaded) response.add(name, yes);
}

/**
 * Whether a failure says that it came from further down; the mark is taken out. Only to be believed from a peer over mesh TLS.
 */
export function takeCascaded(response: Fields): boolean {
  const index = response.find(name);
  if (index < 0) return false;
  response.remove(index);
  return true;
}
