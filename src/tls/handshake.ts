// Turns a TCP wire into the clear side of a TLS connection whose peer is who it should be.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { DetailedPeerCertificate, SecureContext } from 'node:tls';
import { type Guarded, giveUp, INTERNAL_ERROR } from '../errors/index.ts';
import { principalOf, spiffeIdOf } from '../identity/index.ts';
import type { OriginatedTls, ShownCertificate } from '../model/index.ts';
import { NO_SEAT } from '../sets/index.ts';
import type { Wire } from '../wire/index.ts';
import type { MeshTls } from './mesh-tls.ts';
import { wrongUpstream } from './originated.ts';
import { PEER_CLOSED, type SessionTerms, type SessionWaiter, TlsSession } from './tls-session.ts';

/** A handshake that succeeded. */
export interface Secured {
  /** It does not read yet. */
  readonly wire: Wire;
  /** The peer's SPIFFE id. */
  readonly principal: string;
  /** The ALPN protocol that was agreed on; '' for none. */
  readonly protocol: string;
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
  const terms = { context: tls.context, alpn, role: { server: first, requestCert: true } };
  return attend(wire, terms, waiter, { tls, verify: verifyPeer, failed });
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
  const name = settings.serverName ?? serverName;
  const verify = (session: TlsSession): Error | null => {
    if (settings.insecureSkipVerify === true) return null;
    const fault = session.verifyError();
    if (fault !== null) return fault;
    const { maxDepth } = settings;
    if (maxDepth !== undefined && chainOf(session).length - 2 > maxDepth)
      return new Error(`its certificate has more than ${maxDepth} authorities below the root`);
    const wrong = wrongUpstream(settings, name, session.peerChain());
    return wrong === undefined ? null : new Error(wrong);
  };
  const terms = { context, alpn, role: { client: sniOf(name) } };
  return attend(wire, terms, waiter, { verify, failed: 'TLS to the upstream failed' });
}

/** What a client says in SNI: names only (RFC 6066 section 3). */
export function sniOf(name: string): string {
  return isIP(name) === 0 ? name : '';
}

/** Whether the certificate is good; whose it is, is seen to by MeshTls or by whoever compares the names. */
export function verifyPeer(session: TlsSession): Error | null {
  return session.verifyError();
}

/** Who a mesh peer is. Text: why it is none that we talk to. */
function meshPeer(
  session: TlsSession,
  { peers, domainRoots }: MeshTls,
): { readonly principal: string; readonly serial: string } | string {
  const certificate = session.peer();
  const read = domainRoots === undefined ? principalOf : spiffeIdOf;
  const principal = certificate === undefined ? undefined : read(certificate);
  if (certificate === undefined || principal === undefined)
    return 'the peer has no certificate with a SPIFFE id; only mesh proxies may connect here';
  const serial = certificate.serialNumber;
  const refusal =
    peers.refusal(principal, serial) ?? domainRoots?.refusal(principal, chainOf(session), Date.now());
  return refusal ?? { principal, serial };
}

/** What the peer has shown, leaf first. */
function chainOf(session: TlsSession): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = session.peerChain();
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
  const terms = { context: tls.context, alpn, role: { client: sniOf(serverName) } };
  const wrong = (session: TlsSession, found: string): string | undefined => {
    const isExpected = (each: string): boolean => tls.peers.isExpected(found, each);
    if (principal !== '' && !isExpected(principal))
      return `the peer is ${found}, expected ${principal}; its address may have been taken over by another pod`;
    if (among !== undefined && !among.some(isExpected))
      return `the peer is ${found}, and subjectAltNames of its DestinationRule want ${among.join(' or ')}`;
    tls.peers.agreed(session.keyExchange);
    return undefined;
  };
  return attend(wire, terms, waiter, { tls, verify: verifyPeer, wrong });
}

/** What is asked of a peer whose handshake is done, in this order. */
export interface Judgement {
  /** Of what it has shown: null, or what is wrong with it. */
  readonly verify: (session: TlsSession) => Error | null;
  /** For peers of the mesh: they have a SPIFFE id that it lets in. */
  readonly tls?: MeshTls;
  /** Why this is not the principal that is wanted. */
  readonly wrong?: ((session: TlsSession, principal: string) => string | undefined) | undefined;
  /** What is passed on of it. */
  readonly shown?: ((session: TlsSession) => ShownCertificate | undefined) | undefined;
  /** How the reasons of OpenSSL begin. */
  readonly failed?: string | undefined;
}

/** Begins a handshake, and tells `waiter` of a peer that is as it should be, or why there is none. Throws as TlsSession does. */
export function attend(
  wire: Wire,
  terms: SessionTerms,
  waiter: HandshakeWaiter,
  judgement: Judgement,
): Handshake {
  return new TlsSession(wire, terms, new Attendance(waiter, judgement));
}

class Attendance implements SessionWaiter {
  readonly #waiter: HandshakeWaiter;
  readonly #judgement: Judgement;
  #told = false;

  constructor(waiter: HandshakeWaiter, judgement: Judgement) {
    this.#waiter = waiter;
    this.#judgement = judgement;
  }

  onDone(session: TlsSession): void {
    const { verify, tls, wrong, shown, failed } = this.#judgement;
    const fault = verify(session);
    if (fault !== null) {
      this.#refuse(session, handshakeWords(fault, failed));
      return;
    }
    const peer = tls && meshPeer(session, tls);
    const refusal = typeof peer === 'string' ? peer : peer && wrong?.(session, peer.principal);
    if (typeof peer === 'string' || refusal !== undefined) {
      this.#refuse(session, refusal!);
      return;
    }
    const { wire, protocol } = session;
    const client = shown?.(session);
    if (peer !== undefined)
      session.onClosed = tls!.peers.opened({ ...peer, seat: NO_SEAT, breakOff: why => wire.reset(why) });
    this.#told = true;
    this.#waiter.onSecured({
      ...{ wire, principal: peer?.principal ?? '', protocol },
      ...(client && { client }),
    });
  }

  onFailed(error: NodeJS.ErrnoException): void {
    this.#told = true;
    this.#waiter.onHandshakeError(
      error.message === PEER_CLOSED ? PEER_CLOSED : handshakeWords(error, this.#judgement.failed),
    );
  }

  onFault(): void {
    if (!this.#told) this.#waiter.onHandshakeError(INTERNAL_ERROR);
    giveUp('tls.secured', this.#waiter);
  }

  #refuse(session: TlsSession, why: string): void {
    session.close();
    this.#told = true;
    this.#waiter.onHandshakeError(why);
  }
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
