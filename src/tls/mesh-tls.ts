import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Credentials } from '../identity/index.ts';
import { beginsClientHello, readClientHello } from './client-hello.ts';
import { MeshPeers } from './mesh-peers.ts';

/**
 * ALPN names of mesh TLS: an app's own TLS never offers them, so it is never mistaken for the mesh's. `weft/h1`: a preface, then
 * HTTP/1.1. `weft/h2`: a preface, then HTTP/2 with its own. `weft/tcp`: a preface, then opaque bytes. `weft/streams`: a preface,
 * then HTTP/2 with its own that has CONNECT streams of opaque bytes and no requests.
 */
export const ALPN = { h1: 'weft/h1', tcp: 'weft/tcp', h2: 'weft/h2', streams: 'weft/streams' } as const;

const names: readonly string[] = Object.values(ALPN);

/** Whether a ClientHello that offers these comes from another Weft proxy. */
export function isMeshHello(protocols: readonly string[]): boolean {
  return protocols.some(name => names.includes(name));
}

/**
 * Whether the bytes are a ClientHello of the mesh, or its first part: that counts as the mesh's, so it is for where nobody else
 * begins TLS.
 */
export function beginsMeshHello(bytes: Buffer): boolean {
  const hello = readClientHello(bytes);
  if (hello.kind === 'hello') return isMeshHello(hello.protocols);
  return hello.kind === 'more' && beginsClientHello(bytes) !== 'no';
}

/**
 * The TLS side of a proxy's identity: contexts made once per certificate. New connections use the newest; open ones keep what
 * they began with.
 */
export class MeshTls {
  /** Whom to talk to, and with whom that is now. */
  readonly peers = new MeshPeers();
  #context: SecureContext | undefined;
  #principal = '';
  #public: Pick<Credentials, 'chainPem' | 'roots'> | undefined;

  /** Whether there is a certificate. */
  get ready(): boolean {
    return this.#context !== undefined;
  }

  /** This proxy's own SPIFFE id; '' before the first certificate. */
  get principal(): string {
    return this.#principal;
  }

  /** What others may see of the newest credentials; undefined before the first. */
  get certificates(): Pick<Credentials, 'chainPem' | 'roots'> | undefined {
    return this.#public;
  }

  /** The context for new connections in both directions. Only when `ready`. */
  get context(): SecureContext {
    return this.#context!;
  }

  /** Uses new credentials from the next connection on. Throws what node:tls throws for PEM that does not fit together. */
  update(credentials: Credentials): void {
    this.#context = createSecureContext({
      key: credentials.keyPem,
      cert: credentials.chainPem,
      ca: [...credentials.roots],
      // TLS 1.3 knows no renegotiation. Node offers X25519MLKEM768 first as long as nobody names curves, so nobody does.
      minVersion: 'TLSv1.3',
      // Without tickets no session is resumed, which would bring a verdict from before a revocation, and there is no early data,
      // which anybody could send again.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    this.#principal = credentials.principal;
    this.#public = { chainPem: credentials.chainPem, roots: credentials.roots };
  }
}
