// What a gateway shows while an ACME server looks whether names are ours: a text over HTTP (RFC 8555 section 8.3), or a
// certificate over TLS (RFC 8737). The control plane, or who leads, says what; mostly there is nothing.
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Head } from '../../http/index.ts';
import type { ServedChallenge } from '../../model/index.ts';
import { readClientHello } from '../../tls/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import { standingAnswer } from './standing-answers.ts';

const prefix = Buffer.from('/.well-known/acme-challenge/', 'latin1');
/** The protocol that a server speaks to see the certificate; nobody else does. */
export const ACME_TLS = 'acme-tls/1';

/** The challenges of a gateway's names, as they are now. */
export class ShownChallenges {
  readonly #answers = new Map<string, RunningDestination>();
  readonly #certificates = new Map<string, Extract<ServedChallenge, { kind: 'tls-alpn-01' }>>();
  readonly #nowMs: () => number;
  /** Whether there are any: nothing is looked at where there are none. */
  any = false;

  /** `nowMs` monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** From now on these are shown. */
  show(challenges: readonly ServedChallenge[]): void {
    this.#answers.clear();
    this.#certificates.clear();
    this.any = challenges.length > 0;
    for (const each of challenges) {
      if (each.kind === 'http-01')
        this.#answers.set(
          each.token,
          standingAnswer('acme-challenge', 200, each.authorization, this.#nowMs()),
        );
      else this.#certificates.set(each.host, each);
    }
  }

  /** The answer to a request for a token; undefined for all others, also for tokens of somebody else. */
  answerTo({ bytes, targetStart, targetEnd }: Head): RunningDestination | undefined {
    const start = targetStart + prefix.length;
    if (targetEnd <= start || bytes.compare(prefix, 0, prefix.length, targetStart, start) !== 0)
      return undefined;
    return this.#answers.get(bytes.toString('latin1', start, targetEnd));
  }

  /** What TLS is ended with for a server that looks at `host`; undefined for everybody else. */
  contextFor(host: string, hello: Buffer): SecureContext | undefined {
    const found = this.#certificates.get(host);
    if (found === undefined) return undefined;
    const read = readClientHello(hello);
    if (read.kind !== 'hello' || !read.protocols.includes(ACME_TLS)) return undefined;
    try {
      return createSecureContext({ cert: found.chain, key: found.privateKey });
    } catch {
      // What is no certificate shows nothing: the server sees the host's own, and says so.
      return undefined;
    }
  }
}
