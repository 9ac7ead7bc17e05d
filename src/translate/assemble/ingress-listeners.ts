import type { CredentialRef, GatewayListener } from '../../model/index.ts';
import type { ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';

/** TLS of a host. */
export interface TlsOf {
  readonly ingress: ReadIngress;
  /** Undefined where nobody names one: then connections for the host cannot be secured, which the listener's status says. */
  readonly secret?: CredentialRef;
  readonly path: string;
}

/** Where plain requests of a class come in. */
export function httpListener(ingressClass: ReadIngressClass): Part {
  return listenerPart(ingressClass, ingressClass.from, ingressClass.createdAt, {
    name: 'http',
    port: ingressClass.ports.http,
    protocol: 'http',
    allowed: { namespaces: 'all' },
    path: 'spec',
  });
}

/** Where those for one host come in by TLS. */
export function tlsListener(
  ingressClass: ReadIngressClass,
  host: string,
  { ingress, secret, path }: TlsOf,
): Part {
  return listenerPart(ingressClass, ingress.from, ingress.createdAt, {
    name: `https-${host === '' ? 'default' : host.replace('*', 'any')}`,
    port: ingressClass.ports.https,
    protocol: 'https',
    ...(host !== '' && { hostname: host }),
    tls: { mode: 'terminate', certificates: secret === undefined ? [] : [secret] },
    allowed: { namespaces: 'all' },
    path,
  });
}

function listenerPart(
  { gateway }: ReadIngressClass,
  from: ReadIngressClass['from'],
  createdAt: string,
  listener: GatewayListener,
): Part {
  const [namespace = '', name = ''] = gateway.split('/');
  return {
    kind: 'policy',
    of: 'gateways',
    policy: { namespace, name, listeners: [listener], from },
    // After Gateways of that name: what they say of a port goes before.
    rank: 1,
    createdAt,
  };
}
