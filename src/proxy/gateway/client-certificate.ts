// What clients of a gateway show in their handshakes.
import type { DetailedPeerCertificate } from 'node:tls';
import type { ShownCertificate } from '../../model/index.ts';
import type { TlsSession } from '../../tls/index.ts';

/** Longer chains are nobody's. */
const longest = 16;

/** What Node adds to OpenSSL's words, for who runs it. */
const nodeAdvice = /; if the root CA is installed locally.*$/;

/** The certificate that the client has shown; undefined for none. `fault`: what verification said. */
export function shownBy(session: TlsSession, fault: Error | null): ShownCertificate | undefined {
  const certificate = session.peer();
  if (certificate === undefined) return undefined;
  return {
    subject: rfc2253(certificate.subject),
    issuer: rfc2253(certificate.issuer),
    pem: certificate.toString(),
    depth: depthOf(session.peerChain()),
    ...(fault !== null && {
      fault: {
        code: String((fault as NodeJS.ErrnoException).code ?? ''),
        words: fault.message.replace(nodeAdvice, ''),
      },
    }),
  };
}

/** Node has a line for each part, the widest first; RFC 2253 the narrowest first, in ASCII. */
export function rfc2253(lines: string | undefined): string {
  const parts = (lines ?? '').split('\n').filter(each => each !== '');
  return parts
    .reverse()
    .join(',')
    .replaceAll(' + ', '+')
    .replace(/[^\x20-\x7e]/gu, each =>
      [...Buffer.from(each)].map(byte => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    );
}

/** Neither the certificate itself counts nor the root at the end. */
function depthOf(leaf: DetailedPeerCertificate): number {
  let depth = 0;
  let at = leaf.issuerCertificate;
  for (let left = longest; left > 0; left--) {
    if (at === undefined || at.issuerCertificate === undefined || at.issuerCertificate === at) return depth;
    if (at.fingerprint256 === at.issuerCertificate.fingerprint256) return depth;
    depth++;
    at = at.issuerCertificate;
  }
  return depth;
}
