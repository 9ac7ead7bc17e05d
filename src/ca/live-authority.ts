import { createPrivateKey, hkdfSync } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { fingerprintOf } from '../identity/index.ts';
import { type Identity, type Problem, problem } from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import type { Authority, AuthorityChange } from './authority.interface.ts';
import type { AuthorityExpiry } from './authority-expiry.ts';
import { CertificateAuthority, type SignedChain, type SignOptions } from './certificate-authority.ts';
import type { AuthorityParts } from './issuer.ts';
import { type AuthorityRecord, rootOfChain, splitRoots } from './rotation.ts';

/** What a LiveAuthority is made of. */
export interface LiveAuthorityOptions {
  readonly clock: Clock;
  /** How long a new root is announced before anything is signed under it; 10 s unless told. */
  readonly announceMs?: number;
  /** Fingerprints of roots that are trusted no more. */
  readonly distrusted?: readonly string[];
}

/**
 * The authority that signs now and every root that is trusted now, each of which may be replaced while proxies are served. An
 * issuer under a root that is trusted already is used at once; one under a new root only after the root was announced, so
 * that nobody meets a certificate that it cannot check.
 */
export class LiveAuthority implements Authority {
  readonly name = 'own';
  readonly isElsewhere = false;
  readonly #options: LiveAuthorityOptions;
  readonly #listeners = new Set<(change: AuthorityChange) => void>();
  #current: CertificateAuthority;
  #next: CertificateAuthority | undefined;
  #cancelNext: Cancel = () => {};
  /** Roots that others said are trusted, such as those of an authority before. */
  #others: readonly string[] = [];
  #roots: readonly string[];
  #distrusted: readonly string[];
  #refused: Problem | undefined;

  constructor(first: CertificateAuthority, options: LiveAuthorityOptions) {
    this.#options = options;
    this.#current = first;
    this.#roots = first.roots;
    this.#distrusted = options.distrusted ?? [];
  }

  /** Who signs. */
  get current(): CertificateAuthority {
    return this.#current;
  }

  get ownRoots(): readonly string[] {
    return [...new Set([...this.#current.roots, ...(this.#next?.roots ?? [])])];
  }

  get roots(): readonly string[] {
    return this.#roots;
  }

  get distrusted(): readonly string[] {
    return this.#distrusted;
  }

  get issuerRoot(): string {
    return rootOfChain(this.#current.parts);
  }

  secretFor(purpose: string): Buffer {
    const key = createPrivateKey(this.#current.parts.keyPem).export({ type: 'pkcs8', format: 'der' });
    return Buffer.from(hkdfSync('sha256', key, '', `weft ${purpose}`, 32));
  }

  sign(csrPem: string, identity: Identity, options: SignOptions = {}): SignedChain | WeftError {
    return this.#current.sign(csrPem, identity, options);
  }

  expiries(): readonly AuthorityExpiry[] {
    return this.#current.expiries();
  }

  alarms(): readonly Problem[] {
    return this.#current.alarms();
  }

  /** The last offer that was refused, until a good one comes. */
  problems(): readonly Problem[] {
    return this.#refused ? [this.#refused] : [];
  }

  subscribe(listener: (change: AuthorityChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes another authority; a bad one is a problem and the one in use stays. `from` names where it comes from. */
  offer(offer: AuthorityRecord | AuthorityParts | WeftError, from: string): void {
    const record = offer instanceof WeftError || 'parts' in offer ? offer : { parts: offer, distrusted: [] };
    const offered =
      record instanceof WeftError ? record : CertificateAuthority.load(record.parts, this.#options.clock);
    if (record instanceof WeftError || offered instanceof WeftError) {
      const { code, message } = (offered instanceof WeftError ? offered : record) as WeftError;
      const why = `the certificate authority in ${from} is not used: ${message}; the one before stays in use`;
      this.#refused = problem(code, why);
      return;
    }
    this.#refused = undefined;
    this.#distrust(record.distrusted);
    const latest = this.#next ?? this.#current;
    if (isSame(latest.parts, offered.parts)) return;
    this.#cancelNext();
    this.#next = undefined;
    const known = offered.roots.every(root => this.#roots.includes(root));
    if (known) {
      this.#use(offered);
      return;
    }
    this.#next = offered;
    this.#setRoots();
    const { clock, announceMs = 10_000 } = this.#options;
    this.#cancelNext = clock.after(announceMs, () => this.#use(offered));
  }

  trustAlso(pems: readonly string[]): void {
    this.#others = splitRoots(pems);
    this.#setRoots();
  }

  #use(authority: CertificateAuthority): void {
    const before = this.#current.parts;
    // What was issued until now is good until it runs out, so its roots stay trusted for as long as others keep them.
    this.#others = [...this.#others, ...this.#current.roots];
    this.#current = authority;
    this.#next = undefined;
    this.#setRoots();
    // The same issuer with other roots beside it issues what it did before.
    const other =
      before.keyPem.trim() !== authority.parts.keyPem.trim() ||
      before.chainPem.trim() !== authority.parts.chainPem.trim();
    if (other) this.#tell('issuer');
  }

  #distrust(fingerprints: readonly string[]): void {
    if (
      fingerprints.length === this.#distrusted.length &&
      fingerprints.every(each => this.#distrusted.includes(each))
    )
      return;
    this.#distrusted = fingerprints;
    this.#setRoots();
  }

  #setRoots(): void {
    const own = [...this.#current.roots, ...(this.#next?.roots ?? [])];
    // A root of its own is trusted whatever was said of it before: without it nothing that it issues would be.
    const others = this.#others.filter(root => !this.#distrusted.includes(fingerprintOf(root)));
    const roots = [...new Set([...own, ...others])];
    if (roots.length === this.#roots.length && roots.every((root, index) => root === this.#roots[index]))
      return;
    this.#roots = roots;
    this.#tell('roots');
  }

  #tell(change: AuthorityChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function isSame(left: AuthorityParts, right: AuthorityParts): boolean {
  return (
    left.keyPem.trim() === right.keyPem.trim() &&
    left.chainPem.trim() === right.chainPem.trim() &&
    left.roots.join('').trim() === right.roots.join('').trim()
  );
}
