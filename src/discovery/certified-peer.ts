import type { TLSSocket } from 'node:tls';
import { principalOf } from '../identity/principal.ts';
import type { Certified } from './sign-request.ts';

/** Who a connection has proven to be, and until when. */
export interface CertifiedPeer extends Certified {
  readonly validUntilMs: number;
}

/** By a certificate that is trusted, good now, and of this mesh; undefined without one. */
export function certifiedOf(
  socket: TLSSocket,
  trustDomain: string,
  nowMs: number,
): CertifiedPeer | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const principal = certificate && principalOf(certificate);
  if (!certificate || !principal) return undefined;
  const validUntilMs = certificate.validToDate.getTime();
  if (validUntilMs <= nowMs || !principal.startsWith(`spiffe://${trustDomain}/`)) return undefined;
  const podUid = /^serialNumber=([0-9a-f-]+)$/im.exec(certificate.subject ?? '')?.[1];
  return { principal, podUid, validUntilMs };
}
