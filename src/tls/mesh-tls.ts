import { constants, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { WeftError } from '../errors/index.ts';
import { type Credentials, readRoots } from '../identity/index.ts';
import { equal, type FederatedRoots } from '../model/index.ts';
import { beginsClientHello, readClientHello } from './client-hello.ts';
import { DomainRoots } from './domain-roots.ts';
import { MeshPeers, type PeerTerms } from './mesh-peers.ts';

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
  #credentials: Credentials | undefined;
  #federated: readonly FederatedRoots[] = [];
  #others: ReadonlyMap<string, readonly X509Certificate[]> = new Map();
  #domainRoots: DomainRoots | undefined;

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
    return this.#credentials;
  }

  /** The context for new connections in both directions. Only when `ready`. */
  get context(): SecureContext {
    return this.#context!;
  }

  /** Which roots vouch for whom, where other trust domains are let in; otherwise undefined, and all roots are ours. */
  get domainRoots(): DomainRoots | undefined {
    return this.#domainRoots;
  }

  /**
   * Takes whom to talk to. Roots of a trust domain that are not known now stay as they were. Returns why roots cannot be used,
   * and then everything stays.
   */
  tell(terms: PeerTerms): string | undefined {
    const known = new Map(this.#federated.map(each => [each.trustDomain, each.roots]));
    const federated = (terms.federated ?? [])
      .filter(({ trustDomain }) => !terms.domains.includes(trustDomain))
      .map(each =>
        each.roots.length > 0 ? each : { ...each, roots: known.get(each.trustDomain) ?? each.roots },
      );
    if (!equal(federated, this.#federated)) {
      const read = DomainRoots.readFederated(federated);
      if (read instanceof WeftError) return read.message;
      this.#federated = federated;
      this.#others = read;
      if (this.#credentials) this.update(this.#credentials);
    }
    this.peers.tell(terms);
    return undefined;
  }

  /** Uses new credentials from the next connection on. Throws what node:tls throws for PEM that does not fit together. */
  update(credentials: Credentials): void {
    const others = this.#federated.flatMap(each => each.roots);
    const own = this.#others.size === 0 ? undefined : readRoots(credentials.roots);
    if (own instanceof WeftError) throw own;
    this.#context = createSecureContext({
      key: credentials.keyPem,
      cert: credentials.chainPem,
      ca: [...credentials.roots, ...others],
      // TLS 1.3 knows no renegotiation. Node offers X25519MLKEM768 first as long as nobody names curves, so nobody does.
      minVersion: 'TLSv1.3',
      // Without tickets no session is resumed, which would bring a verdict from before a revocation, and there is no early data,
      // which anybody could send again.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    this.#principal = credentials.principal;
    this.#credentials = credentials;
    this.#domainRoots = own && new DomainRoots(own, this.#others);
  }
}
