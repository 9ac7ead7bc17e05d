import { createPrivateKey, X509Certificate } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';
import { readCertificates } from '../identity/index.ts';
import type { AcmeChallengeKind, CertificateKeyType } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import type { Clock } from '../time/index.ts';
import type { AcmeAccount } from './account.ts';
import type { Challenge } from './challenge.ts';
import { type AcmeAnswer, type AcmeConnection, problemWords } from './connection.ts';
import { AcmeFailure } from './failure.ts';
import { keyAndRequest } from './key-and-request.ts';
import { pause } from './pause.ts';

/** A certificate that is wanted. */
export interface OrderTerms {
  readonly names: readonly string[];
  readonly challenge: AcmeChallengeKind;
  readonly keyType: CertificateKeyType;
  readonly preferredChain?: string;
  /** Of the one that is replaced (RFC 9773 section 5); told only to servers that know of it. */
  readonly replaces?: string;
}

/** Shows that names are ours. */
export interface ChallengeSolver {
  /** Resolves when a server may look; with why it cannot. */
  present(challenges: readonly Challenge[]): Promise<WeftError | undefined>;
  /** Never rejects. */
  cleanUp(challenges: readonly Challenge[]): Promise<void>;
}

/** A certificate and its key, PEM. */
export interface ObtainedCertificate {
  readonly chain: string;
  readonly privateKey: string;
}

/** How long a server may take to look at challenges, or to sign. */
const patienceMs = 300_000;
const firstLookMs = 500;
const longestLookMs = 10_000;

const remedies: Readonly<Record<AcmeChallengeKind, (host: string) => string>> = {
  'http-01': host => `let port 80 of ${host} lead to this gateway, past no proxy that answers itself`,
  'tls-alpn-01': host => `let port 443 of ${host} lead to this gateway, past nobody who ends TLS`,
  'dns-01': host => `see what the service of dnsWebhook did to _acme-challenge.${host}`,
};

/** Orders a certificate and waits for it (RFC 8555 section 7.4). Failures are returned. */
export class CertificateOrder {
  readonly #connection: AcmeConnection;
  readonly #account: AcmeAccount;
  readonly #terms: OrderTerms;
  readonly #solver: ChallengeSolver;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(
    connection: AcmeConnection,
    account: AcmeAccount,
    terms: OrderTerms,
    solver: ChallengeSolver,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ) {
    this.#connection = connection;
    this.#account = account;
    this.#terms = terms;
    this.#solver = solver;
    this.#clock = clock;
    this.#signal = signal;
  }

  async obtain(): Promise<ObtainedCertificate | WeftError> {
    const order = await this.#newOrder();
    if (order instanceof AcmeFailure) return order;
    const pending = await this.#pending(order);
    if (pending instanceof AcmeFailure) return pending;
    const shown = pending.map(each => each.challenge);
    if (pending.length > 0) {
      try {
        const wrong = await this.#solver.present(shown);
        if (wrong !== undefined) return wrong;
        for (const { url } of pending) {
          const answer = await this.#post(url, {});
          if (answer instanceof AcmeFailure) return answer;
        }
        for (const { authorization, challenge } of pending) {
          const wrong = await this.#validated(authorization, challenge);
          if (wrong !== undefined) return wrong;
        }
      } finally {
        await this.#solver.cleanUp(shown);
      }
    }
    return this.#finish(order.location);
  }

  async #newOrder(): Promise<AcmeAnswer | AcmeFailure> {
    const directory = await this.#connection.directory();
    if (directory instanceof AcmeFailure) return directory;
    const { names, replaces } = this.#terms;
    const plain = { identifiers: names.map(value => ({ type: 'dns', value })) };
    if (replaces === undefined || directory.renewalInfo === undefined)
      return this.#post(directory.newOrder, plain);
    const answer = await this.#post(directory.newOrder, { ...plain, replaces });
    // It is replaced already, or of another account: the order is good without saying so.
    const refused =
      answer instanceof AcmeFailure && /^(alreadyReplaced|malformed|conflict)$/.test(answer.type);
    return refused ? this.#post(directory.newOrder, plain) : answer;
  }

  /** What has still to be shown; what was shown lately is not asked for again. */
  async #pending(
    order: AcmeAnswer,
  ): Promise<
    | readonly { readonly authorization: string; readonly url: string; readonly challenge: Challenge }[]
    | AcmeFailure
  > {
    const urls = fieldAt(order.body, 'authorizations');
    const pending = [];
    for (const url of Array.isArray(urls) ? urls.map(String) : []) {
      const answer = await this.#post(url, undefined);
      if (answer instanceof AcmeFailure) return answer;
      const host = String(fieldAt(answer.body, 'identifier', 'value') ?? '').toLowerCase();
      const status = fieldAt(answer.body, 'status');
      if (status === 'valid') continue;
      const offered = recordsOf(fieldAt(answer.body, 'challenges'));
      const found = offered.find(each => each.type === this.#terms.challenge);
      if (status !== 'pending') return failed(this.#terms.challenge, host, answer.body);
      if (found === undefined) {
        const kinds = offered.map(each => each.type).join(', ');
        const wildcard = fieldAt(answer.body, 'wildcard') === true ? '*.' : '';
        return new AcmeFailure(
          'acme-challenge-failed',
          `the ACME server does not offer ${this.#terms.challenge} for ${wildcard}${host}, but ${kinds || 'nothing'}; say challenge: ${offered[0]?.type ?? 'dns-01'}`,
        );
      }
      const token = String(found.token ?? '');
      // It becomes part of a path, and of what is shown (RFC 8555 section 8.3).
      if (!/^[A-Za-z0-9_-]{1,256}$/.test(token))
        return new AcmeFailure(
          'acme-refused',
          `the ACME server gives a token that is none: '${token.slice(0, 40)}'`,
        );
      pending.push({
        authorization: url,
        url: String(found.url ?? ''),
        challenge: {
          ...{ kind: this.#terms.challenge, host, token },
          authorization: this.#account.key.authorizationOf(token),
        },
      });
    }
    return pending;
  }

  async #validated(url: string, { kind, host }: Challenge): Promise<AcmeFailure | undefined> {
    const answer = await this.#until(url, status => status !== 'pending', `to look at ${host}`);
    if (answer instanceof AcmeFailure) return answer;
    return fieldAt(answer.body, 'status') === 'valid' ? undefined : failed(kind, host, answer.body);
  }

  async #finish(url: string): Promise<ObtainedCertificate | WeftError> {
    const ready = await this.#until(url, status => status !== 'pending', 'to be ready to sign');
    if (ready instanceof AcmeFailure) return ready;
    const { keyPem, request } = await keyAndRequest(this.#terms.names, this.#terms.keyType);
    let order: AcmeAnswer | AcmeFailure = ready;
    if (fieldAt(ready.body, 'status') === 'ready') {
      const finalize = String(fieldAt(ready.body, 'finalize') ?? '');
      const sent = await this.#post(finalize, { csr: request.toString('base64url') });
      if (sent instanceof AcmeFailure) return sent;
      order = await this.#until(url, status => status !== 'processing' && status !== 'ready', 'to sign');
      if (order instanceof AcmeFailure) return order;
    }
    const certificate = fieldAt(order.body, 'certificate');
    if (fieldAt(order.body, 'status') !== 'valid' || typeof certificate !== 'string') {
      const words =
        problemWords(fieldAt(order.body, 'error')) || `the order is ${String(fieldAt(order.body, 'status'))}`;
      return new AcmeFailure('acme-refused', `the ACME server did not sign: ${words}`);
    }
    const chain = await this.#download(certificate);
    if (chain instanceof WeftError) return chain;
    const fault = faultOf(chain, keyPem, this.#terms.names, this.#clock.now());
    return fault === undefined ? { chain, privateKey: keyPem } : new AcmeFailure('acme-refused', fault);
  }

  /** The chain, or that of several which leads to whom is preferred. */
  async #download(url: string): Promise<string | WeftError> {
    const first = await this.#post(url, undefined);
    if (first instanceof AcmeFailure) return first;
    const { preferredChain } = this.#terms;
    if (preferredChain === undefined || leadsTo(first.text, preferredChain)) return first.text;
    for (const alternate of first.alternates) {
      const other = await this.#post(alternate, undefined);
      if (!(other instanceof AcmeFailure) && leadsTo(other.text, preferredChain)) return other.text;
    }
    return first.text;
  }

  /** Asks again and again, as often as the server likes. */
  async #until(
    url: string,
    done: (status: unknown) => boolean,
    what: string,
  ): Promise<AcmeAnswer | AcmeFailure> {
    const endMs = this.#clock.monotonic() + patienceMs;
    for (let waitMs = firstLookMs; ; waitMs = Math.min(longestLookMs, waitMs * 1.5)) {
      const answer = await this.#post(url, undefined);
      if (answer instanceof AcmeFailure) return answer;
      if (done(fieldAt(answer.body, 'status'))) return answer;
      if (this.#signal.aborted || this.#clock.monotonic() >= endMs)
        return new AcmeFailure(
          'acme-timeout',
          `the ACME server took longer than ${patienceMs / 1000} s ${what}; it is asked again later`,
        );
      // As late as it asks, but no sooner than we would: `Retry-After: 0` is no leave to ask without end.
      const leftMs = endMs - this.#clock.monotonic();
      await pause(
        this.#clock,
        Math.min(leftMs, Math.max(firstLookMs, answer.retryAfterMs ?? waitMs)),
        this.#signal,
      );
    }
  }

  #post(url: string, payload: unknown): Promise<AcmeAnswer | AcmeFailure> {
    return this.#connection.post(url, this.#account.key, { kid: this.#account.url }, payload);
  }
}

function failed(kind: AcmeChallengeKind, host: string, authorization: unknown): AcmeFailure {
  const errors = recordsOf(fieldAt(authorization, 'challenges')).map(each => problemWords(each.error));
  const words = errors.filter(each => each !== '').join('; ');
  const status = String(fieldAt(authorization, 'status'));
  return new AcmeFailure(
    'acme-challenge-failed',
    `the ACME server does not believe that ${host} is ours (${kind}): ${words || `the authorization is ${status}`}; ${remedies[kind](host)}`,
  );
}

function leadsTo(chain: string, name: string): boolean {
  const certificates = readCertificates(chain, 'the chain');
  if (certificates instanceof WeftError) return false;
  return certificates.some(each => new RegExp(`(?:^|\\n)CN=${escaped(name)}(?:\\n|$)`).test(each.issuer));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What is wrong with what a server gave: put down, it would be shown to clients, or be ordered again at once. */
function faultOf(chain: string, keyPem: string, names: readonly string[], nowMs: number): string | undefined {
  try {
    const leaf = new X509Certificate(chain);
    const has = (leaf.subjectAltName ?? '').split(', ');
    const missing = names.find(name => !has.includes(`DNS:${name}`));
    if (missing !== undefined) return `the ACME server signed a certificate without ${missing}`;
    if (!leaf.checkPrivateKey(createPrivateKey(keyPem)))
      return 'the ACME server signed a certificate for another key than was asked for';
    if (Date.parse(leaf.validTo) <= nowMs)
      return `the ACME server signed a certificate that ends ${leaf.validTo}, which is over; is the clock of this machine right?`;
    return undefined;
  } catch (thrown) {
    return `the ACME server gave what is no certificate: ${errorMessage(thrown)}`;
  }
}
