import { connect, type TLSSocket } from 'node:tls';
import { WeftError } from '../errors/index.ts';
import type { Credentials } from '../identity/index.ts';
import { principalOf } from '../identity/principal.ts';
import { formatAddress, type HostPort, isIpAddress } from '../model/index.ts';
import { firstThatAnswers, type Search } from './first-that-answers.ts';
import { DISCOVERY_ALPN } from './protocol.ts';

/** Where the control plane is and how to know it. */
export interface ControlPlane {
  readonly address: HostPort;
  /** SPIFFE id that its certificate must have. */
  readonly identity: string;
  /** Whether `found` is that identity under another name of the trust domain; where this says nothing, it is not. */
  readonly isIdentity?: (found: string) => boolean;
  /** PEM of roots to trust before there are credentials, and when those no longer lead to the control plane; read each time. */
  readonly bootstrapRoots: () => readonly string[];
}

/** How long a connection may take to be made. */
const connectMs = 10_000;

/**
 * Opens a connection to the control plane: TLS 1.3, the server's chain and SPIFFE id checked, with our own certificate where
 * there is one. Rejects with a WeftError: control-plane-unreachable, control-plane-untrusted, control-plane-wrong-identity.
 */
export function connectControlPlane(
  { address, identity, isIdentity, bootstrapRoots }: ControlPlane,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const where = formatAddress(address.host, address.port);
  return new Promise((resolve, reject) => {
    let wrongIdentity: WeftError | undefined;
    const socket = connect({
      host: address.host,
      port: address.port,
      ...(isIpAddress(address.host) ? {} : { servername: address.host }),
      ALPNProtocols: [DISCOVERY_ALPN],
      minVersion: 'TLSv1.3',
      // Both, so that a proxy that was away while roots were rotated finds its way back.
      ca: [...new Set([...(credentials?.roots ?? []), ...bootstrapRoots()])],
      ...(credentials && { key: credentials.keyPem, cert: credentials.chainPem }),
      checkServerIdentity: (_host, certificate) => {
        const found = principalOf(certificate.raw);
        if (found !== undefined && (found === identity || isIdentity?.(found) === true)) return undefined;
        const why = `who answers at ${where} is ${found ?? 'nobody of a mesh'} and not ${identity}; check the control plane's address and identity`;
        wrongIdentity = new WeftError('control-plane-wrong-identity', why);
        return wrongIdentity;
      },
    });
    const fail = (error: Error): void => {
      stopWaiting();
      socket.destroy();
      reject(wrongIdentity ?? explain(error, where));
    };
    const abort = (): void => fail(new Error('given up'));
    const tooLate = setTimeout(
      () => fail(new Error(`no connection within ${connectMs / 1000} s`)),
      connectMs,
    );
    const stopWaiting = (): void => {
      clearTimeout(tooLate);
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
      // A late error of a socket that is given up has nobody else to hear it.
      socket.on('error', () => {});
    };
    socket.once('error', fail);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    socket.once('secureConnect', () => {
      stopWaiting();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** The same where a replica may hang; see firstThatAnswers. */
export function connectAnyReplica(
  controlPlane: ControlPlane,
  credentials: Credentials | undefined,
  search: Search,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return firstThatAnswers(attempt => connectControlPlane(controlPlane, credentials, attempt), search, signal);
}

/** Codes of node:tls for a chain that leads to none of the roots, or is not good now. */
const distrust = /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT)/;

function explain(error: NodeJS.ErrnoException, where: string): WeftError {
  if (error.code !== undefined && distrust.test(error.code)) {
    const why = `the certificate of the control plane at ${where} is not trusted (${error.message}); check the root certificate`;
    return new WeftError('control-plane-untrusted', why, { cause: error });
  }
  const why = `the control plane at ${where} cannot be reached (${error.message}); check that it runs and that its port is open`;
  return new WeftError('control-plane-unreachable', why, { cause: error });
}
