// Who says what a port speaks.
import type { Protocol, Service } from '../../model/index.ts';
import { fieldAt, recordsOf } from '../../plain/index.ts';
import type { Stored } from '../../registry/index.ts';
import { protocolOf } from '../../translate/index.ts';

/** `Service web.shop names its port http-web`, `found out by looking at each connection`. */
export function howServicePort(objects: readonly Stored[], service: Service, number: number): string {
  const port = service.ports.find(each => each.number === number);
  if (port === undefined || port.protocol === 'auto') return 'found out by looking at each connection';
  const stored = objects.find(({ ref }) => sameObject(ref, service.from));
  const written = recordsOf(fieldAt(stored?.object, 'spec', 'ports')).find(each => each.port === number);
  const said = written?.appProtocol;
  if (typeof said === 'string' && protocolOf('', said) !== 'auto') return `appProtocol ${said}`;
  return port.name === '' ? `as ${service.from.kind} says` : `the port is named ${port.name}`;
}

/** Of a port that no Service sends to. */
export function howContainerPort(name: string, protocol: Protocol): string {
  return protocol === 'auto' ? 'found out by looking at each connection' : `the container names it ${name}`;
}

function sameObject(
  left: { readonly kind: string; readonly namespace: string; readonly name: string },
  right: { readonly kind: string; readonly namespace: string; readonly name: string },
): boolean {
  return left.kind === right.kind && left.namespace === right.namespace && left.name === right.name;
}
