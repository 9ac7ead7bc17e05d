import { errorMessage, WeftError } from '../errors/index.ts';
import {
  formatSpiffe,
  type Identity,
  type Problem,
  parseSpiffe,
  problem,
  type Revocation,
} from '../model/index.ts';
import { recordOf } from '../plain/index.ts';

/** What is written down of a revocation. */
export interface WrittenRevocation extends Revocation {
  /** ISO 8601, for people. */
  readonly at?: string;
}

/** At most so many are kept: each proxy holds them all. A root rotation ends everything at once. */
export const MAX_REVOCATIONS = 10_000;

const serialPattern = /^[0-9A-F]{1,40}$/;

/** Reads a list of revocations. Error `revocations`: which entry, and what is wrong with it. */
export function parseRevocations(text: string | undefined): readonly WrittenRevocation[] | WeftError {
  if (text === undefined || text.trim() === '') return [];
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (thrown) {
    return malformed(`it is no JSON (${errorMessage(thrown)})`);
  }
  if (!Array.isArray(said)) return malformed('it is no list');
  if (said.length > MAX_REVOCATIONS) {
    return malformed(
      `it has ${said.length} entries, and proxies take ${MAX_REVOCATIONS}: rotate the root instead`,
    );
  }
  const found: WrittenRevocation[] = [];
  for (const [index, entry] of (said as readonly unknown[]).entries()) {
    const { principal, serial, why, at } = recordOf(entry);
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
    const reason = { ...(text(why) && { why: text(why)! }), ...(text(at) && { at: text(at)! }) };
    if (typeof principal === 'string' && parseSpiffe(principal)) found.push({ principal, ...reason });
    else if (typeof serial === 'string' && serialPattern.test(serial.toUpperCase()))
      found.push({ serial: serial.toUpperCase(), ...reason });
    else
      return malformed(
        `entry ${index} has neither a principal spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT nor a serial in hexadecimal`,
      );
  }
  return found;
}

/** A list of revocations as it is kept. */
export function formatRevocations(list: readonly WrittenRevocation[]): string {
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/** What is revoked now; one that cannot be read is a problem and the one before stays, because to forget one opens a door. */
export class RevocationList {
  readonly #listeners = new Set<() => void>();
  #current: readonly Revocation[] = [];
  #refused: Problem | undefined;

  get current(): readonly Revocation[] {
    return this.#current;
  }

  problems(): readonly Problem[] {
    return this.#refused ? [this.#refused] : [];
  }

  /** Why this identity gets no certificate; undefined when it does. Domains are not compared: an alias is the same workload. */
  refusal(identity: Identity): WeftError | undefined {
    const { namespace, serviceAccount } = identity;
    const found = this.#current.find(({ principal }) => {
      const revoked = principal === undefined ? undefined : parseSpiffe(principal);
      return revoked?.namespace === namespace && revoked.serviceAccount === serviceAccount;
    });
    if (!found) return undefined;
    const why = found.why === undefined ? '' : ` (${found.why.slice(0, 200)})`;
    return new WeftError(
      'identity-revoked',
      `${formatSpiffe(identity)} is revoked${why} and gets no certificate; weft ca restore takes that back`,
      { source: 'downstream' },
    );
  }

  /** Takes another list; `from` names where it comes from. */
  offer(list: readonly WrittenRevocation[] | WeftError, from: string): void {
    if (list instanceof WeftError) {
      const why = `the revocations in ${from} are not used: ${list.message}; those before stay in use`;
      this.#refused = problem(list.code, why);
      return;
    }
    this.#refused = undefined;
    const next = list.map(({ principal, serial, why }) => ({
      ...(principal !== undefined && { principal }),
      ...(serial !== undefined && { serial }),
      ...(why !== undefined && { why }),
    }));
    if (JSON.stringify(next) === JSON.stringify(this.#current)) return;
    this.#current = next;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after every change. Returns how to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function malformed(why: string): WeftError {
  return new WeftError(
    'revocations',
    `the list of revocations cannot be read: ${why}; mend it with weft ca revoke`,
    {
      source: 'config',
    },
  );
}
