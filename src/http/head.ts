import { Fields } from './fields.ts';

/** Well-known headers that a parser notes while it reads, as indexes into the head's headers; -1 when absent. */
export interface Noted {
  host: number;
  connection: number;
  upgrade: number;
  expect: number;
  contentLength: number;
  transferEncoding: number;
  te: number;
  requestId: number;
  forwardedFor: number;
  clientCertificate: number;
  grpcStatus: number;
}

/**
 * The head of a request or a response: what its first line says, and its fields. Belongs to one stream and is reused for the next
 * message.
 *
 * A codec whose protocol has no first line puts `METHOD target` with a space after each, or the usual reason phrase, where HTTP/1
 * has them; see `Fields` for the rest.
 */
export class Head extends Fields implements Noted {
  /** What it came in: HTTP/1 or HTTP/2. */
  major = 1;
  /** Whether its client spoke HTTP/1, and a proxy on the way made HTTP/2 of it. */
  translated = false;
  /** Minor version: 1 for HTTP/1.1 (and, for codecs without one, always 1). */
  minor = 1;

  /** Requests: METHOD, and the ranges of method and target. */
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** A new target in place of the one received; undefined to leave it. */
  newTarget: Buffer | undefined = undefined;

  /** Responses. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;

  /** Headers that the parser noted. */
  host = -1;
  connection = -1;
  upgrade = -1;
  expect = -1;
  contentLength = -1;
  transferEncoding = -1;
  te = -1;
  requestId = -1;
  forwardedFor = -1;
  clientCertificate = -1;
  /** Of an answer that is a head alone, which is how a gRPC call ends that has no message. */
  grpcStatus = -1;
  /** A field came as one that must never be indexed (RFC 7541 section 6.2.3), and its name does not say so. */
  hasSecrets = false;
  /** A login that belongs to the connection is asked for, offered or under way; see connection-login.ts. */
  connectionLogin = false;

  /** Bytes of the body, 0 for none, or UNKNOWN_LENGTH: then a codec frames it so that its end can be told. */
  bodyLength = 0;
  /** For the HTTP/1 codec: the body comes in chunks, and a header says so. */
  chunked = false;
  /** Response without framing: the body ends when the connection does. */
  untilClose = false;
  /** What the peer said about keeping the connection. */
  keepAlive = true;
  /** The peer's `Keep-Alive: timeout`, milliseconds; 0 when it said none. */
  keepAliveTimeoutMs = 0;
  /** `Connection: upgrade` with an `Upgrade` header. */
  isUpgrade = false;
  expectContinue = false;

  /** Forgets everything but its buffers. */
  override reset(bytes: Buffer, start: number): void {
    super.reset(bytes, start);
    this.major = 1;
    this.translated = false;
    this.minor = 1;
    this.method = 0;
    this.newTarget = undefined;
    this.status = 0;
    this.host = -1;
    this.connection = -1;
    this.upgrade = -1;
    this.expect = -1;
    this.contentLength = -1;
    this.transferEncoding = -1;
    this.te = -1;
    this.requestId = -1;
    this.forwardedFor = -1;
    this.clientCertificate = -1;
    this.grpcStatus = -1;
    this.hasSecrets = false;
    this.connectionLogin = false;
    this.bodyLength = 0;
    this.chunked = false;
    this.untilClose = false;
    this.keepAlive = true;
    this.keepAliveTimeoutMs = 0;
    this.isUpgrade = false;
    this.expectContinue = false;
  }

  override closeGap(index: number, length: number): void {
    super.closeGap(index, length);
    this.reasonStart += length;
    this.reasonEnd += length;
  }

  override copy(): Head {
    const copy = new Head();
    copy.copyFrom(this);
    return copy;
  }

  /** As logs name it: `HTTP/1.1`, `HTTP/1.0`, `HTTP/2`. */
  get protocol(): string {
    return this.major === 2 ? 'HTTP/2' : `HTTP/1.${this.minor}`;
  }

  get methodText(): string {
    return this.bytes.toString('latin1', this.methodStart, this.methodEnd);
  }

  /** The request target as received. */
  get targetText(): string {
    return this.bytes.toString('latin1', this.targetStart, this.targetEnd);
  }

  /** The Host header's value, or ''. */
  get authority(): string {
    return this.text(this.host);
  }

  protected override moveBack(by: number): void {
    super.moveBack(by);
    this.methodStart -= by;
    this.methodEnd -= by;
    this.targetStart -= by;
    this.targetEnd -= by;
    this.reasonStart -= by;
    this.reasonEnd -= by;
  }
}

/** `Head.bodyLength` of a body whose length is not known before it ends. */
export const UNKNOWN_LENGTH = -1;
