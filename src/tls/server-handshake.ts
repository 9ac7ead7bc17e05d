// TLS of clients outside of the mesh, ended with a certificate that is no proxy's own.
import { type SecureContext, TLSSocket } from 'node:tls';
import type { AdmittedClients, ShownCertificate } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import { whyNotAdmitted } from './admitted.ts';
import {
  attend,
  type Handshake,
  type HandshakeWaiter,
  orClose,
  socketOf,
  type WithHandle,
} from './handshake.ts';

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
  readonly shownBy?: (secure: TLSSocket, fault: Error | null) => ShownCertificate | undefined;
}

/** The server side of TLS with anybody. `first`: the ClientHello that was read. The waiter's `principal` is ''. */
export function acceptServerTls(
  wire: Wire,
  first: Buffer,
  { context, alpn, clients, admitted, shownBy }: ServerTerms,
  waiter: HandshakeWaiter,
): Handshake {
  const socket = socketOf(wire);
  socket.unshift(first);
  const secure = orClose(
    socket,
    () =>
      new TLSSocket(socket, {
        isServer: true,
        secureContext: context,
        requestCert: clients !== undefined,
        rejectUnauthorized: false,
        ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      }),
  );
  const verify = (): Error | null => {
    if (clients === undefined || clients === 'insecure') return null;
    const shown = secure.getPeerX509Certificate();
    if (shown === undefined)
      return clients === 'optional' ? null : new Error('the client has shown no certificate');
    const fault = (secure as unknown as WithHandle)._handle.verifyError();
    if (fault !== null || admitted === undefined) return fault;
    const why = whyNotAdmitted(admitted, shown);
    return why === undefined ? null : new Error(why);
  };
  const told: HandshakeWaiter =
    clients === undefined || shownBy === undefined
      ? waiter
      : {
          onSecured: secured => {
            const fault = (secure as unknown as WithHandle)._handle.verifyError();
            const client = shownBy(secure, fault);
            waiter.onSecured({ ...secured, ...(client && { client }) });
          },
          onHandshakeError: reason => waiter.onHandshakeError(reason),
          onFault: () => waiter.onFault?.(),
        };
  return attend(secure, socket, 'secure', told, undefined, verify, 'TLS failed');
}
