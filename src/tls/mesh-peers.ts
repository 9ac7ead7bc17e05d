import { type FederatedRoots, parseSpiffe, type Revocation, trustDomainOf } from '../model/index.ts';
import { IntrusiveSet } from '../sets/index.ts';

/** A peer that has proven who it is, on a connection that is open. */
export interface OpenPeer {
  /** Its seat among the open ones: NO_SEAT, and for MeshPeers alone. */
  seat: number;
  readonly principal: string;
  /** Of its certificate, uppercase hexadecimal. */
  readonly serial: string;
  /** Breaks the connection off, so that both sides see a reset. */
  breakOff(why: string): void;
}

/** Whom to talk to, of those whose certificates lead to a trusted root; a TrustResource without its roots. */
export interface PeerTerms {
  /** The trust domain itself first, then its aliases. */
  readonly domains: readonly string[];
  /** Others that are let in, each under its own roots. */
  readonly federated?: readonly FederatedRoots[];
  readonly revoked?: readonly Revocation[];
}

/**
 * Whom a proxy talks to beyond what its roots say, and with whom it does: what is revoked is refused on new connections and
 * broken off on open ones, in both directions. Before anybody has said anything, whoever the roots vouch for is let in.
 */
export class MeshPeers {
  readonly #open = new IntrusiveSet<'seat', OpenPeer>('seat');
  /** Handshakes that this side began, by key exchange (`X25519MLKEM768`); the other side is not told by OpenSSL. */
  readonly groups = new Map<string, number>();
  #domain = '';
  #aliases: readonly string[] = [];
  #allowed: ReadonlySet<string> | undefined;
  #federated: ReadonlySet<string> = new Set();
  #principals: ReadonlyMap<string, string> = new Map();
  #serials: ReadonlyMap<string, string> = new Map();
  /** How many connections were broken off because of a revocation. */
  brokenOff = 0;

  /** How many mesh connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether the identity is of a trust domain that is not ours and let in. */
  isFederated(principal: string): boolean {
    return this.#federated.size > 0 && this.#federated.has(trustDomainOf(principal));
  }

  /** Takes other terms, for new connections and for those that are open. */
  tell({ domains, federated = [], revoked = [] }: PeerTerms): void {
    const [domain = '', ...aliases] = domains;
    this.#domain = domain;
    this.#aliases = aliases;
    this.#allowed = new Set(domains);
    this.#federated = new Set(
      federated.map(each => each.trustDomain).filter(each => !domains.includes(each)),
    );
    const principals = new Map<string, string>();
    const serials = new Map<string, string>();
    for (const { principal, serial, why = '' } of revoked) {
      if (principal !== undefined) principals.set(this.canonical(principal), why);
      if (serial !== undefined) serials.set(serial.toUpperCase(), why);
    }
    this.#principals = principals;
    this.#serials = serials;
    for (const peer of this.#open) {
      const why = this.refusal(peer.principal, peer.serial);
      if (why === undefined) continue;
      this.#open.delete(peer);
      this.brokenOff++;
      peer.breakOff(why);
    }
  }

  /** Why a peer with this certificate is not talked to; undefined when it is. */
  refusal(principal: string, serial: string): string | undefined {
    const known = this.#principals.get(this.canonical(principal));
    if (known !== undefined) return revokedWords(`the identity ${principal} is`, known);
    const certificate = this.#serials.get(serial);
    if (certificate !== undefined)
      return revokedWords(`the certificate ${serial} of ${principal} is`, certificate);
    const domain = trustDomainOf(principal);
    if (this.#federated.has(domain)) return undefined;
    if (!parseSpiffe(principal))
      return `the peer ${principal} has no identity of the form spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT, which only workloads of other trust domains may lack`;
    if (this.#allowed === undefined || this.#allowed.has(domain)) return undefined;
    return `the peer ${principal} is of the trust domain ${domain}, which is neither ours (${this.#domain}) nor an alias of it; name it with --trust-domain-alias where it is, or with caCertificates in the mesh's settings where it is another's`;
  }

  /** Whether `principal` is who `expected` names, in this trust domain or under one of its aliases. */
  isExpected(principal: string, expected: string): boolean {
    return (
      principal === expected ||
      (this.#aliases.length > 0 && this.canonical(principal) === this.canonical(expected))
    );
  }

  /** The identity under the trust domain's own name, where it stands under an alias; otherwise as it is. */
  canonical(principal: string): string {
    if (this.#aliases.length === 0) return principal;
    const domain = trustDomainOf(principal);
    if (!this.#aliases.includes(domain)) return principal;
    return `spiffe://${this.#domain}${principal.slice('spiffe://'.length + domain.length)}`;
  }

  /** Notes a connection; what is returned forgets it. */
  opened(peer: OpenPeer): () => void {
    this.#open.add(peer);
    return () => void this.#open.delete(peer);
  }

  /** Notes the key exchange of a handshake that this side began. */
  agreed(group: string): void {
    this.groups.set(group, (this.groups.get(group) ?? 0) + 1);
  }
}

function revokedWords(what: string, why: string): string {
  return `${what} revoked${why === '' ? '' : ` (${why.slice(0, 200)})`}; weft ca revoked lists what is, and takes it back`;
}
