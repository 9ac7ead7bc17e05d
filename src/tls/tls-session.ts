// One connection's TLS: from a TCP wire to the end of its handshake, and what closes it afterwards.
import type { X509Certificate } from 'node:crypto';
import { type DetailedPeerCertificate, type SecureContext, TLSSocket } from 'node:tls';
import { INTERNAL_ERROR, internalError } from '../errors/index.ts';
import {
  END_OF_STREAM,
  enterEvent,
  errorName,
  leaveEvent,
  type NativeStream,
  type NativeTcp,
  readResult,
  Wire,
  type WireOwner,
} from '../wire/index.ts';
import { type NativeTls, wrapTls } from './native-tls.ts';

/** Hears how a handshake goes; one of the first two is called, once, and not before `begin` has returned. */
export interface SessionWaiter {
  /** It is done, and nothing has been said of who the peer is. Out of the midst of OpenSSL. */
  onDone(session: TlsSession): void;
  /** It came to nothing. The session is closed. */
  onFailed(error: NodeJS.ErrnoException): void;
  /** One of these has thrown; the session is closed. */
  onFault(): void;
}

/** How it is begun. */
export interface SessionTerms {
  readonly context: SecureContext;
  /** ALPN names, the dearest first; none: ALPN is not spoken. */
  readonly alpn: readonly string[];
  /** Of a server: what was read of the client's first bytes. Of a client: the name to ask for, '' for none. */
  readonly role: { readonly server: Buffer; readonly requestCert: boolean } | { readonly client: string };
}

/** How handshakes end that the peer leaves, for `onFailed`. */
export const PEER_CLOSED = 'the peer closed the connection during the TLS handshake';

/** TCP handles are alive until they are closed, and what they refer to with them. */
type TcpUnderTls = NativeTcp & { tls?: NativeTls };

const getPeerX509Certificate = TLSSocket.prototype.getPeerX509Certificate;
const getPeerCertificate = TLSSocket.prototype.getPeerCertificate;

/** Owns the handles of both layers. */
export class TlsSession implements WireOwner {
  /** The name by which TLSSocket's own functions, which are borrowed below, find the handle. */
  readonly _handle: NativeTls;
  readonly #tcp: TcpUnderTls;
  readonly #role: SessionTerms['role'];
  #waiter: SessionWaiter | undefined;
  #wire: Wire | undefined;
  #closed = false;
  /** Called once it is closed. */
  onClosed: (() => void) | undefined = undefined;

  /** Takes the wire's handle over, whatever becomes of it. Throws what Node has against the terms; the handle is closed then. */
  constructor(wire: Wire, { context, alpn, role }: SessionTerms, waiter: SessionWaiter) {
    this.#tcp = wire.release() as TcpUnderTls;
    this.#role = role;
    this.#waiter = waiter;
    try {
      const native = wrapTls(this.#tcp, context, 'server' in role);
      this._handle = native;
      this.#tcp.tls = native;
      native.session = this;
      native.onread = readInHandshake;
      native.onhandshakedone = handshakeDone;
      native.onerror = failedByProtocol;
      if ('server' in role) native.setVerifyMode(role.requestCert, false);
      else if (role.client !== '') native.setServername(role.client);
      // An empty list would refuse whoever offers anything.
      if (alpn.length > 0) native.setALPNProtocols(namesOf(alpn));
    } catch (thrown) {
      this.close();
      throw thrown;
    }
    // Whoever waits has yet to learn that this is under way.
    process.nextTick(begin, this);
  }

  /** The clear side; makes it, when it is first asked for. Not before the handshake is done. */
  get wire(): Wire {
    this.#wire ??= new Wire(this._handle, this, true);
    return this.#wire;
  }

  /** The ALPN protocol that was agreed on; '' for none. */
  get protocol(): string {
    return this._handle.getALPNNegotiatedProtocol() || '';
  }

  /** The group in which keys were agreed on, `unknown` where OpenSSL does not say. */
  get keyExchange(): string {
    return this._handle.getEphemeralKeyInfo()?.name ?? 'unknown';
  }

  /** What verification said of the peer's certificate; null where it is good. */
  verifyError(): Error | null {
    return this._handle.verifyError();
  }

  /** The peer's certificate; undefined for none. */
  peer(): X509Certificate | undefined {
    return getPeerX509Certificate.call(this as unknown as TLSSocket);
  }

  /** The same as Node tells it, with its issuers where they are known; no fields for none. */
  peerChain(): DetailedPeerCertificate {
    return getPeerCertificate.call(this as unknown as TLSSocket, true) as DetailedPeerCertificate;
  }

  /** Gives a handshake up; nobody is told. */
  cancel(): void {
    this.#waiter = undefined;
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tcp.close(freeTls);
    this.onClosed?.();
  }

  /** Only a TCP reset tells the peer that this is no orderly end: without close_notify an end is reported all the same. */
  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#tcp.reset(freeTls) !== 0) this.#tcp.close(freeTls);
    this.onClosed?.();
  }

  /** For `begin` only. */
  begin(): void {
    if (this.#closed) return;
    if ('server' in this.#role) this._handle.receive(this.#role.server);
    else this._handle.start();
    if (this.#closed) return;
    const errno = this._handle.readStart();
    if (errno !== 0) this.fail(readError(errno));
  }

  /** For `handshakeDone` only. */
  done(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) return;
    enterEvent();
    try {
      waiter.onDone(this);
    } catch (thrown) {
      if (this.#wire !== undefined) this.#wire.crash('tls.secured', thrown);
      else {
        internalError('tls.secured', thrown);
        this.close();
      }
      waiter.onFault();
    }
    leaveEvent();
  }

  /** For the handle's callbacks only. */
  fail(error: NodeJS.ErrnoException): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) {
      if (this.#wire !== undefined) this.#wire.destroy(error.code ?? 'EPROTO');
      else this.close();
      return;
    }
    this.close();
    enterEvent();
    try {
      waiter.onFailed(error);
    } catch (thrown) {
      internalError('tls.failure', thrown);
      waiter.onFault();
    }
    leaveEvent();
  }
}

function begin(session: TlsSession): void {
  try {
    session.begin();
  } catch (thrown) {
    internalError('tls.begin', thrown);
    session.fail(Object.assign(new Error(INTERNAL_ERROR), { code: INTERNAL_ERROR }));
  }
}

function handshakeDone(this: NativeTls): void {
  (this.session as TlsSession).done();
}

function failedByProtocol(this: NativeTls, error: NodeJS.ErrnoException): void {
  (this.session as TlsSession).fail(error);
}

/** No bytes come before the handshake is done, only an end. */
function readInHandshake(this: NativeStream): void {
  const length = readResult();
  if (length < 0) ((this as NativeTls).session as TlsSession).fail(readError(length));
}

/** When the TCP handle is closed, which libuv tells from nowhere else: OpenSSL is not running, and nobody reads any more. */
function freeTls(this: TcpUnderTls): void {
  this.tls?.destroySSL();
  this.tls = undefined;
}

function readError(errno: number): NodeJS.ErrnoException {
  if (errno === END_OF_STREAM) return new Error(PEER_CLOSED);
  const code = errorName(errno);
  return Object.assign(new Error(`read ${code}`), { code });
}

/** As RFC 7301 section 3.1 lays them out, made once for each list. */
const laidOut = new WeakMap<readonly string[], Buffer>();

function namesOf(alpn: readonly string[]): Buffer {
  let known = laidOut.get(alpn);
  if (known === undefined) {
    known = Buffer.concat(alpn.map(name => Buffer.from([name.length, ...Buffer.from(name, 'latin1')])));
    laidOut.set(alpn, known);
  }
  return known;
}
