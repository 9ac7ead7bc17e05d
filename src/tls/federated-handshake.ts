// TLS with workloads of other trust domains, whose proxies, if they have any, are not Weft's: plain mutual TLS with SPIFFE ids,
// as SPIRE's libraries and Envoys speak it. No ALPN of the mesh, no preface.
import type { OriginatedTls } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import {
  attend,
  attendServer,
  type Handshake,
  type HandshakeWaiter,
  sniOf,
  verifyPeer,
} from './handshake.ts';
import type { MeshTls } from './mesh-tls.ts';

/** The server side. `first`: the ClientHello that was read. Whoever has no certificate of a domain that is let in is refused. */
export function acceptFederatedTls(
  wire: Wire,
  first: Buffer,
  tls: MeshTls,
  alpn: readonly string[],
  waiter: HandshakeWaiter,
): Handshake {
  return attendServer(wire, first, tls, alpn, waiter, 'mutual TLS failed');
}

/** Whom a federated upstream is expected to be, and how it is called. */
export interface FederatedUpstream {
  readonly settings: OriginatedTls;
  /** The service's host, for SNI where the settings name none. */
  readonly serverName: string;
  readonly alpn: readonly string[];
}

/** The client side: the peer must have one of the settings' names, vouched for by the trust domain that it names. */
export function connectFederatedTls(
  wire: Wire,
  tls: MeshTls,
  { settings, serverName, alpn }: FederatedUpstream,
  waiter: HandshakeWaiter,
): Handshake {
  const { subjectAltNames: expected = [] } = settings;
  const terms = { context: tls.context, alpn, role: { client: sniOf(settings.serverName ?? serverName) } };
  const wrong = (_: unknown, found: string): string | undefined =>
    expected.some(each => tls.peers.isExpected(found, each))
      ? undefined
      : `the upstream is ${found}, expected ${expected.join(' or ')}`;
  const failed = 'mutual TLS to the upstream failed';
  return attend(wire, terms, waiter, { tls, verify: verifyPeer, wrong, failed });
}
