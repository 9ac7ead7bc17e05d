import { errorMessage } from '../errors/index.ts';
import type { EndpointsResource, Resource } from '../model/index.ts';
import { refusedDestination } from './key.ts';
import { MAX_LINE_BYTES } from './protocol.ts';

/** What a resource is on the wire. */
export interface Deliverable {
  /** What is sent in its place: mostly itself. Undefined when the proxy is better off with what it has. */
  readonly resource: Resource | undefined;
  /** `resource` as JSON. */
  readonly text: string;
  /** Why it is not sent as it is, for the log. */
  readonly trouble?: string;
}

/** Of a line: what stands around the resource. */
const frameBytes = 1_000;

/** Resources are shared objects that never change: each is looked at once, whoever gets it. */
const known = new WeakMap<Resource, Deliverable>();

/**
 * What can be sent of a resource. One that cannot be written, or is longer than a line may be, would end every connection that it
 * goes over and take all else with it: a set of endpoints is cut to as many as fit, a destination is refused with the reason, and
 * of the others the proxy keeps what it has.
 */
export function deliverable(resource: Resource, maxBytes: number = MAX_LINE_BYTES): Deliverable {
  let found = known.get(resource);
  if (!found) {
    found = look(resource, maxBytes - frameBytes);
    known.set(resource, found);
  }
  return found;
}

/** So few endpoints fit whatever their names are, so that a change of a small set needs no look at the whole of it. */
const surelyFits = 4_000;

/** The resource as it was sent, without making its text where that is not needed. */
export function asSent(resource: EndpointsResource): EndpointsResource | undefined {
  if (resource.endpoints.length <= surelyFits && !known.has(resource)) return resource;
  const sent = deliverable(resource).resource;
  return sent?.kind === 'endpoints' ? sent : undefined;
}

function look(resource: Resource, maxBytes: number): Deliverable {
  let text: string;
  try {
    text = JSON.stringify(resource);
  } catch (thrown) {
    return instead(resource, `it cannot be written as JSON: ${errorMessage(thrown)}`);
  }
  const bytes = bytesOf(text, maxBytes);
  if (bytes <= maxBytes) return { resource, text };
  const trouble = `it has ${bytes} bytes and a message at most ${maxBytes}`;
  return resource.kind === 'endpoints'
    ? cut(resource, bytes, maxBytes, trouble)
    : instead(resource, `${trouble}; make fewer rules for it`);
}

function instead(resource: Resource, trouble: string): Deliverable {
  if (resource.kind !== 'destination') return { resource: undefined, text: '', trouble };
  const refused = refusedDestination(
    resource.key,
    `the control plane cannot tell of this destination: ${trouble}`,
  );
  return { resource: refused, text: JSON.stringify(refused), trouble };
}

/** As many endpoints as fit. They are in an order of their own, so that a later cut leaves mostly the same. */
function cut(resource: EndpointsResource, bytes: number, maxBytes: number, trouble: string): Deliverable {
  let count = Math.floor((resource.endpoints.length * maxBytes) / bytes);
  for (;;) {
    const less = { ...resource, endpoints: resource.endpoints.slice(0, count) };
    const text = JSON.stringify(less);
    if (count === 0 || bytesOf(text, maxBytes) <= maxBytes) {
      const words = `${trouble}: ${count} of ${resource.endpoints.length} endpoints are told of`;
      return { resource: less, text, trouble: words };
    }
    count = Math.floor(count * 0.9);
  }
}

/** A character is at most three bytes in UTF-8, so that most texts need not be counted. */
function bytesOf(text: string, maxBytes: number): number {
  return text.length * 3 <= maxBytes ? text.length : Buffer.byteLength(text);
}
