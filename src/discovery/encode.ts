import type { EndpointsResource, Resource } from '../model/index.ts';
import { asSent, deliverable } from './deliverable.ts';
import { endpointsChange } from './endpoints-change.ts';
import type { Delivery } from './interest.ts';
import type { ServerMessage } from './protocol.ts';

/** The part of a message that is the same for every proxy, made once. Resources are shared objects that never change. */
const changes = new WeakMap<Resource, { readonly before: Resource; readonly text: string }>();

/** Any message as a line. */
export function encode(message: ServerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * The line that delivers a resource: as a change where the proxy has the endpoint set already and that is shorter. Undefined for
 * what cannot be sent at all (see deliverable).
 */
export function encodeDelivery(
  version: number,
  { resource, before, changedAtMs }: Delivery,
): string | undefined {
  const shared =
    resource.kind === 'endpoints' && before?.kind === 'endpoints'
      ? changeText(before, resource)
      : wholeText(resource);
  const changed = changedAtMs === undefined ? '' : `,"changedAtMs":${changedAtMs}`;
  return shared === undefined ? undefined : `{"version":${version}${changed},${shared}}\n`;
}

function wholeText(resource: Resource): string | undefined {
  const { text, resource: sent } = deliverable(resource);
  return sent && `"type":"resource","resource":${text}`;
}

function changeText(before: EndpointsResource, after: EndpointsResource): string | undefined {
  const known = changes.get(after);
  if (known?.before === before) return known.text;
  const [from, to] = [asSent(before), asSent(after)];
  const change = from && to && endpointsChange(from, to);
  if (!change) return wholeText(after);
  const text = `"type":"endpoints-change",${JSON.stringify(change).slice(1, -1)}`;
  changes.set(after, { before, text });
  return text;
}
