import type { X509Certificate } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { followChain, readRoots } from '../identity/index.ts';
import { type FederatedRoots, trustDomainOf } from '../model/index.ts';

/**
 * Which roots vouch for which trust domain. OpenSSL knows one heap of roots only, and with it the authority of a partner could
 * certify our own names: who has shown a chain must show that it leads to a root of the very domain that it names
 * (SPIFFE_Trust_Domain_and_Bundle.md section 4).
 */
export class DomainRoots {
  readonly #own: readonly X509Certificate[];
  readonly #federated: ReadonlyMap<string, readonly X509Certificate[]>;

  /** `own`: roots of every domain that is not among `federated`; see readFederated. */
  constructor(own: readonly X509Certificate[], federated: ReadonlyMap<string, readonly X509Certificate[]>) {
    this.#own = own;
    this.#federated = federated;
  }

  /** Roots by domain; an error names the domain whose roots cannot be read. */
  static readFederated(
    federated: readonly FederatedRoots[],
  ): ReadonlyMap<string, readonly X509Certificate[]> | WeftError {
    const others = new Map<string, readonly X509Certificate[]>();
    for (const { trustDomain, roots } of federated) {
      const read = roots.length === 0 ? [] : readRoots(roots);
      if (read instanceof WeftError)
        return new WeftError(
          'federated-roots',
          `the roots of the trust domain ${trustDomain} cannot be used: ${read.message}`,
          { source: 'config' },
        );
      others.set(trustDomain, read);
    }
    return others;
  }

  /** Why nobody vouches for the peer; undefined where a root of its own domain does. `chain`: as it was shown, leaf first. */
  refusal(principal: string, chain: readonly X509Certificate[], nowMs: number): string | undefined {
    const domain = trustDomainOf(principal);
    const federated = this.#federated.get(domain);
    const roots = federated ?? this.#own;
    const found = roots.length === 0 ? undefined : followChain(chain, roots, nowMs);
    if (found !== undefined && !(found instanceof WeftError)) return undefined;
    const why = found === undefined ? 'none of its roots is known yet' : found.message;
    return `the peer ${principal} is not vouched for by its own trust domain ${domain}: ${why}`;
  }
}
