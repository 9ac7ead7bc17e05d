import type { Head } from '../../http/index.ts';
import { IntrusiveSet } from '../../sets/index.ts';

/** Ids that an app may pass on from what it was asked to what it asks: of Envoy and Weft, and of W3C Trace Context. */
const requestId = Buffer.from('x-request-id', 'latin1');
const traceParent = Buffer.from('traceparent', 'latin1');
/** `00-`, then 32 digits that all requests of one trace share (www.w3.org/TR/trace-context, section 3.2). */
const traceId = { start: 3, end: 35 } as const;
const longestId = 128;
const maxIds = 1_000;
/** With more requests under way it is not found out whether two of them have one id. */
const maxWorking = 2_000;

/** A request that this workload's app works on. */
export interface Working {
  /** For FailedCalls.working alone. */
  workingSeat: number;
  /** Undefined between requests. */
  readonly underWay: Head | undefined;
}

/**
 * The app's own calls that failed, by the id of the request that they were made for: see exchange/cascade.ts. Only an app that
 * passes an id on says which of its calls belongs to which request; where it does not, or where two requests of one id are under
 * way, nothing can be told, and nothing is. Costs nothing as long as nothing fails.
 */
export class FailedCalls {
  /** Downstream connections that requests for the app come over. */
  readonly working = new IntrusiveSet<'workingSeat', Working>('workingSeat');
  /** When the last of them failed, in the order of that. */
  readonly #failedMs = new Map<string, number>();

  /** A call of the app failed. */
  note(call: Head, nowMs: number): void {
    for (const id of idsOf(call)) {
      this.#failedMs.delete(id);
      this.#failedMs.set(id, nowMs);
    }
    while (this.#failedMs.size > maxIds) this.#failedMs.delete(this.#failedMs.keys().next().value!);
  }

  /** Whether a call failed that the app made for this request, which it has had since `sinceMs`. */
  concern(request: Head, sinceMs: number): boolean {
    if (this.#failedMs.size === 0) return false;
    const id = idsOf(request).find(each => (this.#failedMs.get(each) ?? -1) >= sinceMs);
    return id !== undefined && this.#isOnly(request, id);
  }

  #isOnly(request: Head, id: string): boolean {
    if (this.working.size > maxWorking) return false;
    for (const { underWay } of this.working) {
      if (underWay !== undefined && underWay !== request && idsOf(underWay).includes(id)) return false;
    }
    return true;
  }
}

function idsOf(head: Head): readonly string[] {
  const ids: string[] = [];
  const own = head.find(requestId);
  if (own >= 0) ids.push(head.text(own));
  // Where requests are traced the proxy has put its own in its place.
  const trace = head.find(traceParent);
  const parent = trace >= 0 ? head.text(trace) : head.addedText(traceParent);
  ids.push(parent.slice(traceId.start, traceId.end));
  return ids.filter(id => id !== '' && id.length <= longestId);
}
