// TLS of clients outside of the mesh, ended with a certificate that is no proxy's own.
import type { SecureContext } from 'node:tls';
import type { AdmittedClients, ShownCertificate } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import { whyNotAdmitted } from './admitted.ts';
import { attend, type Handshake, type HandshakeWaiter } from './handshake.ts';
import type { TlsSession } from './tls-session.ts';

/** How TLS of a client outside of the mesh is ended. */
export interface ServerTerms {
  readonly context: SecureContext;
  /** ALPN names, the dearest first; none: ALPN is not spoken. */
  readonly alpn: readonly string[];
  /**
   * Whether clients are asked for a certificate, and who is let in: `require` those with a good one, `optional` also those
   * without any, `insecure` everybody.
   */
  readonly clients?: 'require' | 'optional' | 'insecure';
  /** Which of those with a good certificate; undefined: all. */
  readonly admitted?: AdmittedClients;
  /** What a client that was asked has shown, for Secured.client. `fault`: what verification said. */
  readonly shownBy?: (session: TlsSession, fault: Error | null) => ShownCertificate | undefined;
}

/** The server side of TLS with anybody. `first`: the ClientHello that was read. The waiter's `principal` is ''. */
export function acceptServerTls(
  wire: Wire,
  first: Buffer,
  { context, alpn, clients, admitted, shownBy }: ServerTerms,
  waiter: HandshakeWaiter,
): Handshake {
  const terms = { context, alpn, role: { server: first, requestCert: clients !== undefined } };
  const verify = (session: TlsSession): Error | null => {
    if (clients === undefined || clients === 'insecure') return null;
    const certificate = session.peer();
    if (certificate === undefined)
      return clients === 'optional' ? null : new Error('the client has shown no certificate');
    const fault = session.verifyError();
    if (fault !== null || admitted === undefined) return fault;
    const why = whyNotAdmitted(admitted, certificate);
    return why === undefined ? null : new Error(why);
  };
  const shown = clients && shownBy && ((session: TlsSession) => shownBy(session, session.verifyError()));
  return attend(wire, terms, waiter, { verify, failed: 'TLS failed', shown });
}
