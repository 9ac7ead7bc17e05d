// Node's own handle of TLS, the layer under TLSSocket: OpenSSL over a TCP handle. A TLSSocket and the socket that it needs below
// it are two streams with their listeners for each connection, of which nothing is needed where a Wire reads. They also define
// properties with functions of their own on the handle, by which a connection that is over outlived young collections.
import type { PeerCertificate, SecureContext } from 'node:tls';
import { WeftError } from '../errors/index.ts';
import type { NativeStream, NativeTcp } from '../wire/index.ts';

/** TLS over a TCP handle, as Node's C++ side offers it. */
export interface NativeTls extends NativeStream {
  /** Node's JavaScript for TLS handles asks this one for addresses. */
  _parent: NativeTcp;
  /** Whose handshake it is: callbacks are one function for all handles, as WriteRequest says why. */
  session?: unknown;
  /** Out of the midst of OpenSSL. */
  onhandshakedone: (this: NativeTls) => void;
  /** A fault of the protocol, in the handshake or later. */
  onerror: (this: NativeTls, error: NodeJS.ErrnoException) => void;
  /** Sends the ClientHello. Clients only, once. */
  start(): void;
  /** As if it had been read. */
  receive(bytes: Uint8Array): void;
  /** Frees what OpenSSL holds; never while OpenSSL is running. */
  destroySSL(): void;
  /** Servers only: whether a certificate is asked for, and whether OpenSSL refuses who has none. */
  setVerifyMode(requestCert: boolean, rejectUnauthorized: boolean): void;
  /** Names as RFC 7301 section 3.1 lays them out. */
  setALPNProtocols(names: Buffer): void;
  setServername(name: string): void;
  getALPNNegotiatedProtocol(): string | false | undefined;
  getEphemeralKeyInfo(): { readonly name?: string } | null | undefined;
  /** Null: what the peer has shown is good. */
  verifyError(): Error | null;
  getPeerCertificate(abbreviated: boolean): PeerCertificate | undefined;
  getPeerX509Certificate(): unknown;
}

interface TlsBinding {
  readonly wrap: (tcp: NativeTcp, context: unknown, isServer: boolean, hasActiveWrite: boolean) => NativeTls;
  readonly TLSWrap: { readonly prototype: Partial<NativeTls> };
}

const binding = (process as unknown as { binding: (name: string) => unknown }).binding;
const tls = binding('tls_wrap') as TlsBinding;

/** Puts TLS over a TCP handle, which from then on is read by it alone. Throws for a context that is none. */
export function wrapTls(tcp: NativeTcp, context: SecureContext, isServer: boolean): NativeTls {
  const made = tls.wrap(tcp, context.context, isServer, false);
  made._parent = tcp;
  return made;
}

/** Refuses to run on a Node whose handles of TLS are not the ones that this room was written for. */
export function checkNativeTls(): void {
  const prototype = tls.TLSWrap?.prototype;
  const wanted = [
    'start',
    'receive',
    'destroySSL',
    'setVerifyMode',
    'setALPNProtocols',
    'verifyError',
  ] as const;
  const missing = [
    ...(typeof tls.wrap === 'function' ? [] : ['wrap']),
    ...wanted.filter(name => typeof prototype?.[name] !== 'function'),
  ];
  if (missing.length === 0) return;
  throw new WeftError(
    'node-not-supported',
    `node ${process.versions.node} lacks ${missing.join(', ')} in its handles of TLS; run weft with node 24`,
  );
}
