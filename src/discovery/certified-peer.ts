import type { TLSSocket } from 'node:tls';
import { principalOf } from '../identity/principal.ts';
import { trustDomainOf } from '../model/index.ts';
import type { Hub } from './hub.ts';
import type { Certified } from './sign-request.ts';

/** Who a connection has proven to be, and until when. */
export interface CertifiedPeer extends Certified {
  readonly validUntilMs: number;
}

/** By a certificate that is trusted, good now, of this mesh and not revoked; undefined without one. */
export function certifiedOf(
  socket: TLSSocket,
  hub: Pick<Hub, 'trustDomains' | 'isRevoked'>,
  nowMs: number,
): CertifiedPeer | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const principal = certificate && principalOf(certificate);
  if (!certificate || !principal) return undefined;
  const validUntilMs = certificate.validToDate.getTime();
  if (validUntilMs <= nowMs || !hub.trustDomains.includes(trustDomainOf(principal))) return undefined;
  if (hub.isRevoked(principal, certificate.serialNumber)) return undefined;
  const podUid = /^serialNumber=([0-9a-f-]+)$/im.exec(certificate.subject ?? '')?.[1];
  return { principal, podUid, serial: certificate.serialNumber.toUpperCase(), validUntilMs };
}
