// Turns a TCP wire into the clear side of a TLS connection, by Node's TLSSocket for the handshake and its handle afterwards.
import { X509Certificate } from 'node:crypto';
import { isIP, Socket } from 'node:net';
import { connect, type DetailedPeerCertificate, type SecureContext, TLSSocket } from 'node:tls';
import { type Guarded, giveUp, INTERNAL_ERROR, internalError } from '../errors/index.ts';
import { principalOf, spiffeIdOf } from '../identity/index.ts';
import type { OriginatedTls, ShownCertificate } from '../model/index.ts';
import { NO_SEAT } from '../sets/index.ts';
import { enterEvent, leaveEvent, type NativeStream, Wire } from '../wire/index.ts';
import type { MeshTls } from './mesh-tls.ts';
import { wrongUpstream } from './originated.ts';

/** A handshake that succeeded. */
export interface Secured {
  readonly wire: Wire;
  /** The peer's SPIFFE id. */
  readonly principal: string;
  /** The ALPN protocol that was agreed on; '' for none. */
  readonly protocol: string;
  /** Bytes that came with the handshake; the wire does not read yet. */
  readonly first: Buffer | undefined;
  /** What a client has shown that was asked for a certificate. */
  readonly client?: ShownCertificate;
}

/** Learns how a handshake ended; exactly one of the two is called, once. */
export interface HandshakeWaiter extends Guarded {
  onSecured(secured: Secured): void;
  /** Plain words: what failed, and the remedy where there is one. */
  onHandshakeError(reason: string): void;
}

/** A handshake that may be given up. */
export interface Handshake {
  cancel(): void;
}

/** What Node keeps of a TLSSocket beside what it documents. */
export type WithHandle = { readonly _handle: NativeStream & { verifyError(): Error | null } };

/** The server side of mesh TLS. `first`: the bytes that were read to recognise it. */
export function acceptMeshTls(
  wire: Wire,
  first: Buffer,
  tls: MeshTls,
  alpn: readonly string[],
  waiter: HandshakeWaiter,
): Handshake {
  return attendServer(wire, first, tls, alpn, waiter);
}

/**
 * The server side of mutual TLS by the mesh's context: whoever shows no good certificate is refused. `failed`: how the reason
 * begins; see `attend`.
 */
export function attendServer(
  wire: Wire,
  first: Buffer,
  tls: MeshTls,
  alpn: readonly string[],
  waiter: HandshakeWaiter,
  failed?: string,
): Handshake {
  const socket = socketOf(wire);
  socket.unshift(first);
  const secure = orClose(
    socket,
    () =>
      new TLSSocket(socket, {
        isServer: true,
        secureContext: tls.context,
        requestCert: true,
        rejectUnauthorized: false,
        // An empty list would refuse whoever offers anything.
        ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      }),
  );
  const verify = (): Error | null => (secure as unknown as WithHandle)._handle.verifyError();
  return attend(secure, socket, 'secure', waiter, tls, verify, failed);
}

/** What is expected of an upstream that is no mesh peer. */
export interface OriginatedHandshake {
  readonly context: SecureContext;
  readonly settings: OriginatedTls;
  /** The service's host, for SNI where the settings name none. */
  readonly serverName: string;
  /** ALPN names to offer, the dearest first; may be none. */
  readonly alpn: readonly string[];
}

/** TLS to an upstream outside of the mesh: its certificate must be good and its own, unless the settings do not ask. */
export function connectOriginatedTls(
  wire: Wire,
  { context, settings, serverName, alpn }: OriginatedHandshake,
  waiter: HandshakeWaiter,
): Handshake {
  const socket = socketOf(wire);
  const name = settings.serverName ?? serverName;
  const secure = orClose(socket, () =>
    connect({
      socket,
      secureContext: context,
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      servername: isIP(name) === 0 ? name : '',
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    }),
  );
  const verify = (): Error | null => {
    if (settings.insecureSkipVerify === true) return null;
    if (!secure.authorized) return toError(secure.authorizationError);
    const { maxDepth } = settings;
    if (maxDepth !== undefined && chainOf(secure).length - 2 > maxDepth)
      return new Error(`its certificate has more than ${maxDepth} authorities below the root`);
    const wrong = wrongUpstream(settings, name, secure.getPeerCertificate());
    return wrong === undefined ? null : new Error(wrong);
  };
  return attend(secure, socket, 'secureConnect', waiter, undefined, verify, 'TLS to the upstream failed');
}

/** Who a mesh peer is. Text: why it is none that we talk to. */
function meshPeer(
  secure: TLSSocket,
  { peers, domainRoots }: MeshTls,
): { readonly principal: string; readonly serial: string } | string {
  const certificate = secure.getPeerX509Certificate();
  const read = domainRoots === undefined ? principalOf : spiffeIdOf;
  const principal = certificate === undefined ? undefined : read(certificate);
  if (certificate === undefined || principal === undefined)
    return 'the peer has no certificate with a SPIFFE id; only mesh proxies may connect here';
  const serial = certificate.serialNumber;
  const refusal =
    peers.refusal(principal, serial) ?? domainRoots?.refusal(principal, chainOf(secure), Date.now());
  return refusal ?? { principal, serial };
}

/** What the peer has shown, leaf first. */
function chainOf(secure: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = secure.getPeerCertificate(true);
  // A self-signed one names itself as its issuer, and no chain that OpenSSL takes is longer.
  while (next?.raw !== undefined && chain.length < 10) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}

/**
 * The client side of mesh TLS, expecting the peer to be `principal` ('' to accept any identity of the trust bundle), and where a
 * policy names `among`, one of these. `alpn`: the names to offer, the dearest first.
 */
export function connectMeshTls(
  wire: Wire,
  tls: MeshTls,
  alpn: readonly string[],
  serverName: string,
  principal: string,
  waiter: HandshakeWaiter,
  among?: readonly string[],
): Handshake {
  const socket = socketOf(wire);
  const secure = orClose(socket, () =>
    connect({
      socket,
      secureContext: tls.context,
      ALPNProtocols: [...alpn],
      // RFC 6066 section 3: names only.
      servername: isIP(serverName) === 0 ? serverName : '',
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    }),
  );
  const checked: HandshakeWaiter = {
    onSecured(secured) {
      const isExpected = (each: string): boolean => tls.peers.isExpected(secured.principal, each);
      const isItself = principal === '' || isExpected(principal);
      if (isItself && (among === undefined || among.some(isExpected))) {
        tls.peers.agreed((secure.getEphemeralKeyInfo() as { name?: string } | null)?.name ?? 'unknown');
        waiter.onSecured(secured);
        return;
      }
      secured.wire.destroy();
      waiter.onHandshakeError(
        isItself
          ? `the peer is ${secured.principal}, and subjectAltNames of its DestinationRule want ${among!.join(' or ')}`
          : `the peer is ${secured.principal}, expected ${principal}; its address may have been taken over by another pod`,
      );
    },
    onHandshakeError: reason => waiter.onHandshakeError(reason),
    onFault: () => waiter.onFault?.(),
  };
  return attend(secure, socket, 'secureConnect', checked, tls, () =>
    secure.authorized ? null : toError(secure.authorizationError),
  );
}

export function toError(reason: Error | string | null | undefined): Error {
  return reason instanceof Error
    ? reason
    : Object.assign(new Error(String(reason)), { code: String(reason) });
}

export function socketOf(wire: Wire): Socket {
  const handle = wire.release();
  const socket = new Socket({ handle, allowHalfOpen: true } as unknown as ConstructorParameters<
    typeof Socket
  >[0]);
  // What it suffers, the TLS socket on it hears as its close.
  socket.on('error', () => {});
  return socket;
}

/** The wire is released by now: whatever Node has against the arguments, nobody else would close the handle. */
export function orClose(socket: Socket, make: () => TLSSocket): TLSSocket {
  try {
    return make();
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

/** Waits for the handshake of `secure` and takes its handle over. */
export function attend(
  secure: TLSSocket,
  socket: Socket,
  event: 'secure' | 'secureConnect',
  waiter: HandshakeWaiter,
  /** Of the mesh; undefined for an upstream that is none of its peers. */
  tls: MeshTls | undefined,
  verify: () => Error | null,
  what = 'mesh TLS failed',
): Handshake {
  let settled = false;
  let wire: Wire | undefined;
  let forget = (): void => {};
  const fail = (reason: string): void => {
    if (settled) return;
    settled = true;
    secure.destroy();
    enterEvent();
    try {
      waiter.onHandshakeError(reason);
    } catch (thrown) {
      internalError('tls.failure', thrown);
      giveUp('tls.failure', waiter);
    }
    leaveEvent();
  };
  const crash = (where: string, thrown: unknown): void => {
    if (wire !== undefined) wire.crash(where, thrown);
    else internalError(where, thrown);
    fail(INTERNAL_ERROR);
    secure.destroy();
    giveUp(where, waiter);
  };
  // Only a TCP reset tells the peer that this is no orderly end: without close_notify Node reports an end all the same.
  const resetNow = (): void => {
    socket.resetAndDestroy();
    secure.destroy();
  };
  // The handshake's last event comes out of the midst of OpenSSL: the socket under it must outlive that, or the process ends with
  // SIGSEGV.
  let inHandshake = false;
  const reset = (): void => {
    if (inHandshake) setImmediate(resetNow);
    else resetNow();
  };
  secure.on('error', (error: NodeJS.ErrnoException) => {
    if (wire !== undefined) wire.destroy(error.code ?? 'EPROTO');
    else fail(handshakeWords(error, what));
  });
  secure.on('close', () => {
    forget();
    if (wire !== undefined) wire.destroy();
    else fail('the peer closed the connection during the TLS handshake');
  });
  // Half-open sockets do not close by themselves when the peer ends.
  secure.once('end', () => {
    if (wire === undefined) fail('the peer closed the connection during the TLS handshake');
  });
  const secured = (): void => {
    if (settled) return;
    const refusal = verify();
    if (refusal !== null) {
      fail(handshakeWords(refusal, what));
      return;
    }
    const peer = tls === undefined ? undefined : meshPeer(secure, tls);
    if (typeof peer === 'string') {
      fail(peer);
      return;
    }
    settled = true;
    const first = secure.read() as Buffer | null;
    const native = (secure as unknown as WithHandle)._handle;
    const opened = new Wire(native, { close: () => secure.destroy(), reset }, true);
    wire = opened;
    if (peer !== undefined)
      forget = tls!.peers.opened({ ...peer, seat: NO_SEAT, breakOff: why => opened.reset(why) });
    const principal = peer?.principal ?? '';
    waiter.onSecured({ wire, principal, protocol: secure.alpnProtocol || '', first: first ?? undefined });
  };
  secure.once(event, () => {
    enterEvent();
    inHandshake = true;
    try {
      secured();
    } catch (thrown) {
      crash('tls.secured', thrown);
    }
    leaveEvent();
    // Not before: what was awaited goes on in microtasks, which run before OpenSSL has returned.
    setImmediate(() => {
      inHandshake = false;
    });
  });
  return {
    cancel() {
      if (settled) return;
      settled = true;
      secure.destroy();
    },
  };
}

const words: Record<string, string> = {
  CERT_HAS_EXPIRED:
    "the peer's certificate has expired; is its proxy cut off from the control plane, or its clock wrong?",
  CERT_NOT_YET_VALID: "the peer's certificate is not valid yet; compare the clocks of both nodes",
  SELF_SIGNED_CERT_IN_CHAIN: "the peer's certificate comes from another root; are both in the same mesh?",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the peer's certificate is self-signed; are both in the same mesh?",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the peer's certificate comes from another root; are both in the same mesh?",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the peer's certificate comes from another root; are both in the same mesh?",
  CERT_SIGNATURE_FAILURE:
    "the peer's certificate is not signed by the root it names; are both in the same mesh?",
  UNABLE_TO_GET_ISSUER_CERT: 'the peer sent no certificate; only mesh proxies may connect here',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the peer does not trust our root; are both in the same mesh?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the peer demands a certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    'the peer says that our certificate has expired; is the control plane reachable?',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'the peer does not speak the mesh protocol',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not speak TLS on this port; is its redirection in place?',
};

/** Node's or OpenSSL's reason in words that say what to look at. */
export function handshakeWords(error: NodeJS.ErrnoException, what = 'mesh TLS failed'): string {
  const code = error.code ?? '';
  const known = words[code];
  if (known !== undefined) return `${what}: ${known}`;
  return `${what}: ${code === '' || error.message.includes(code) ? error.message : `${code} ${error.message}`}`;
}
