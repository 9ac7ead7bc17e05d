import { WeftError } from '../errors/index.ts';
import { readCertificates, writePem } from '../identity/index.ts';
import { type Problem, problem } from '../model/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import type { AuthorityParts } from './issuer.ts';

/** What a LiveAuthority is made of. */
export interface LiveAuthorityOptions {
  readonly clock: Clock;
  /** How long a new root is announced before anything is signed under it; 10 s unless told. */
  readonly announceMs?: number;
}

/** What subscribers are told of. */
export type AuthorityChange = 'roots' | 'issuer';

/**
 * The authority that signs now and every root that is trusted now, each of which may be replaced while proxies are served. An
 * issuer under a root that is trusted already is used at once; one under a new root only after the root was announced, so
 * that nobody meets a certificate that it cannot check.
 */
export class LiveAuthority {
  readonly #options: LiveAuthorityOptions;
  readonly #listeners = new Set<(change: AuthorityChange) => void>();
  #current: CertificateAuthority;
  #next: CertificateAuthority | undefined;
  #cancelNext: Cancel = () => {};
  /** Roots that others said are trusted, such as those of an authority before. */
  #others: readonly string[] = [];
  #roots: readonly string[];
  #refused: Problem | undefined;

  constructor(first: CertificateAuthority, options: LiveAuthorityOptions) {
    this.#options = options;
    this.#current = first;
    this.#roots = first.roots;
  }

  /** Who signs. */
  get current(): CertificateAuthority {
    return this.#current;
  }

  /** The roots of who signs and of who is about to: those that stay trusted for as long as this authority is used. */
  get ownRoots(): readonly string[] {
    return [...new Set([...this.#current.roots, ...(this.#next?.roots ?? [])])];
  }

  /** PEM of every trusted root, one certificate each; those of the authority in use first. */
  get roots(): readonly string[] {
    return this.#roots;
  }

  /** The last offer that was refused, until a good one comes. */
  problems(): readonly Problem[] {
    return this.#refused ? [this.#refused] : [];
  }

  /** Calls `listener` after every change. Returns how to stop. */
  subscribe(listener: (change: AuthorityChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes another authority; a bad one is a problem and the one in use stays. `from` names where it comes from. */
  offer(parts: AuthorityParts | WeftError, from: string): void {
    const offered =
      parts instanceof WeftError ? parts : CertificateAuthority.load(parts, this.#options.clock);
    if (offered instanceof WeftError) {
      const why = `the certificate authority in ${from} is not used: ${offered.message}; the one before stays in use`;
      this.#refused = problem(offered.code, why);
      return;
    }
    this.#refused = undefined;
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

  /** Roots that are trusted beside the authority's own: PEM, each may hold several. Unreadable ones are passed over. */
  trustAlso(pems: readonly string[]): void {
    this.#others = pems.flatMap(pem => {
      const certificates = pem.trim() === '' ? [] : readCertificates(pem, 'the trusted roots');
      return certificates instanceof WeftError
        ? []
        : certificates.map(certificate => writePem('CERTIFICATE', certificate.raw));
    });
    this.#setRoots();
  }

  #use(authority: CertificateAuthority): void {
    // What was issued until now is good until it runs out, so its roots stay trusted for as long as others keep them.
    this.#others = [...this.#others, ...this.#current.roots];
    this.#current = authority;
    this.#next = undefined;
    this.#setRoots();
    this.#tell('issuer');
  }

  #setRoots(): void {
    const all = [...this.#current.roots, ...(this.#next?.roots ?? []), ...this.#others];
    const roots = [...new Set(all)];
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
