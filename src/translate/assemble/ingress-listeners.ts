import { type CredentialRef, type GatewayListener, ISSUER_ANNOTATION, issuerKey } from '../../model/index.ts';
import type { IngressSettings, ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';

/** TLS of a host. */
export interface TlsOf {
  readonly ingress: ReadIngress;
  /** Undefined where nobody names one: then connections for the host cannot be secured, which the listener's status says. */
  readonly secret?: CredentialRef;
  readonly path: string;
  /** Secret of its namespace with the authorities of clients. */
  readonly authorities?: CredentialRef;
  readonly ciphers?: readonly string[];
  readonly more?: IngressSettings['tls'];
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

/** The name of the listener for connections by TLS for the host. */
export function tlsSection(host: string): string {
  return `https-${host === '' ? 'default' : host.replace('*', 'any')}`;
}

/** Where those for one host come in by TLS. */
export function tlsListener(
  ingressClass: ReadIngressClass,
  host: string,
  { ingress, secret, path, authorities, ciphers, more }: TlsOf,
): Part {
  const named = ingress.annotations[ISSUER_ANNOTATION];
  const issuer = named && issuerKey({ namespace: ingress.namespace, name: named });
  const names = host === '' ? [] : [host];
  return listenerPart(ingressClass, ingress.from, ingress.createdAt, {
    name: tlsSection(host),
    port: ingressClass.ports.https,
    protocol: 'https',
    ...(host !== '' && { hostname: host }),
    tls: {
      ...{ mode: 'terminate', certificates: secret === undefined ? [] : [secret] },
      // Everybody is let in here: who has no good one is told so by an answer, as nginx does it.
      ...(authorities && { clients: { mode: 'insecure', authorities: [authorities] } }),
      ...(ciphers && { ciphers }),
      ...more,
      ...(issuer && secret && { issued: [{ secret, names, issuer }] }),
    },
    allowed: { namespaces: 'all' },
    path,
  });
}

/** Where connections for a host are passed on as they are. */
export function passthroughListener(
  ingressClass: ReadIngressClass,
  host: string,
  ingress: ReadIngress,
): Part {
  return listenerPart(ingressClass, ingress.from, ingress.createdAt, {
    name: `tls-${host}`,
    port: ingressClass.ports.https,
    protocol: 'tls',
    hostname: host,
    tls: { mode: 'passthrough', certificates: [] },
    allowed: { namespaces: 'all' },
    path: 'metadata.annotations',
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
