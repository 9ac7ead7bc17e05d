import type { X509Certificate } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { errorMessage, WeftError } from '../errors/index.ts';
import {
  fingerprintOf,
  followChain,
  principalOf,
  readCertificates,
  readRoots,
  writePem,
} from '../identity/index.ts';
import { formatSpiffe, type Identity, type Problem, problem } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import type { Authority, AuthorityChange } from './authority.interface.ts';
import { type AuthorityExpiry, alarmsOf } from './authority-expiry.ts';
import { DEFAULT_LIFETIME_MS, type SignedChain, type SignOptions } from './certificate-authority.ts';
import { fingerprintsOf, splitRoots } from './rotation.ts';
import { readSigningRequest, refusedNames } from './signing-request.ts';

/** What a remote issuer is asked for. */
export interface RemoteSignRequest {
  /** PKCS#10, its key and signature checked. */
  readonly csrPem: string;
  /** The SPIFFE id that the certificate must have as its only URI. */
  readonly uri: string;
  readonly dnsNames: readonly string[];
  readonly lifetimeMs: number;
}

/** Who is asked over the network: VaultIssuer, CertManagerIssuer. Whatever it answers is checked by RemoteAuthority. */
export interface RemoteIssuer {
  /** For people: `Vault at https://vault:8200, pki/sign/weft`. */
  readonly name: string;
  /** Whether it takes names from the request itself, so that they must be those that were proven. */
  readonly signsNamesOfRequest: boolean;
  /** PEM of the roots that it issues under now, or soon. */
  roots(signal: AbortSignal): Promise<readonly string[] | WeftError>;
  /** PEM, leaf first, with or without the root. */
  sign(request: RemoteSignRequest, signal: AbortSignal): Promise<string | WeftError>;
}

/** What a RemoteAuthority is made of. */
export interface RemoteAuthorityOptions {
  readonly issuer: RemoteIssuer;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For one answer; 8 s unless told, less than a proxy waits. */
  readonly limitMs?: number;
  /** How often roots are asked for; a minute unless told. */
  readonly rootsEveryMs?: number;
  /** How long a root is trusted before a certificate under it is handed out, the first root aside; 10 s unless told. */
  readonly announceMs?: number;
}

/** So long an issuer that was told to stop has for saying why. */
const lastWordMs = 200;

/**
 * An authority whose key is elsewhere. Nothing is signed here and no key is held: what comes back is checked as if it came from a
 * stranger, and roots are asked for again and again, so that a new one is trusted before anything leads to it.
 */
export class RemoteAuthority implements Authority {
  readonly distrusted: readonly string[] = [];
  readonly isElsewhere = true;
  readonly #options: RemoteAuthorityOptions;
  readonly #listeners = new Set<(change: AuthorityChange) => void>();
  #own: readonly string[] = [];
  #others: readonly string[] = [];
  #roots: readonly string[] = [];
  #issuerRoot = '';
  /** Since when roots are trusted, by fingerprint, on the monotonic clock. */
  readonly #since = new Map<string, number>();
  #chain: readonly X509Certificate[] = [];
  #failed: WeftError | undefined;

  private constructor(options: RemoteAuthorityOptions) {
    this.#options = options;
  }

  /** Waits for the issuer's roots as long as that takes; `failed` hears why they are not there. Undefined when aborted before. */
  static async open(
    options: RemoteAuthorityOptions,
    failed: (error: WeftError) => void,
  ): Promise<RemoteAuthority | undefined> {
    const authority = new RemoteAuthority(options);
    const { clock, signal, rootsEveryMs = 60_000 } = options;
    for (;;) {
      const error = await authority.refresh();
      if (signal.aborted) return undefined;
      if (error === undefined) break;
      failed(error);
      await new Promise<void>(resolve => clock.after(2_000, resolve));
    }
    const stop = clock.every(rootsEveryMs, () => void authority.refresh());
    signal.addEventListener('abort', stop, { once: true });
    return authority;
  }

  get name(): string {
    return this.#options.issuer.name;
  }

  get roots(): readonly string[] {
    return this.#roots;
  }

  get ownRoots(): readonly string[] {
    return this.#own;
  }

  get issuerRoot(): string {
    return this.#issuerRoot;
  }

  /** Asks for the roots anew. What the issuer no longer names stays trusted for as long as others keep it. */
  async refresh(): Promise<WeftError | undefined> {
    const found = await this.#limited(signal => this.#options.issuer.roots(signal));
    const read = found instanceof WeftError ? found : readRoots(found);
    if (read instanceof WeftError) {
      this.#failed = read;
      return read;
    }
    if (this.#failed?.code === 'issuer-roots') this.#failed = undefined;
    this.#own = read.map(root => writePem('CERTIFICATE', root.raw));
    this.#setRoots();
    return undefined;
  }

  async sign(
    csrPem: string,
    identity: Identity,
    { lifetimeMs = DEFAULT_LIFETIME_MS, dnsNames = [] }: SignOptions = {},
  ): Promise<SignedChain | WeftError> {
    const key = readSigningRequest(csrPem);
    if (key instanceof WeftError) return key;
    const { issuer } = this.#options;
    const uri = formatSpiffe(identity);
    const wrong = issuer.signsNamesOfRequest ? refusedNames(csrPem, uri, dnsNames) : undefined;
    if (wrong) return wrong;
    const request = { csrPem, uri, dnsNames, lifetimeMs };
    const answer = await this.#limited(signal => issuer.sign(request, signal));
    if (answer instanceof WeftError) {
      this.#failed = answer;
      return answer;
    }
    let checked = this.#check(answer, key, uri, lifetimeMs);
    if (checked instanceof WeftError && checked.code === 'certificate-foreign') {
      // Another root than it had named: it may name it by now.
      await this.refresh();
      checked = this.#check(answer, key, uri, lifetimeMs);
    }
    this.#failed = checked instanceof WeftError ? checked : undefined;
    return checked;
  }

  expiries(): readonly AuthorityExpiry[] {
    const nowMs = this.#options.clock.now();
    const roots = splitRoots(this.#roots).flatMap(pem => {
      const found = readCertificates(pem, 'a root');
      return found instanceof WeftError ? [] : found;
    });
    const of = (role: AuthorityExpiry['role'], each: X509Certificate, active: boolean): AuthorityExpiry => ({
      ...{ role, active, subject: each.subject.replaceAll('\n', ', '), serial: each.serialNumber },
      ...{ notBeforeMs: each.validFromDate.getTime(), notAfterMs: each.validToDate.getTime() },
      expiresInMs: each.validToDate.getTime() - nowMs,
    });
    return [
      ...this.#chain.map(each => of('issuer', each, true)),
      ...roots.map(each => of('root', each, fingerprintOf(each) === this.#issuerRoot)),
    ];
  }

  alarms(): readonly Problem[] {
    return alarmsOf(this.expiries(), this.name);
  }

  problems(): readonly Problem[] {
    return this.#failed ? [problem(this.#failed.code, `${this.name}: ${this.#failed.message}`)] : [];
  }

  trustAlso(pems: readonly string[]): void {
    this.#others = splitRoots(pems);
    this.#setRoots();
  }

  subscribe(listener: (change: AuthorityChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What came back is for this key and identity alone, and leads to a root that is trusted. */
  #check(pem: string, key: Buffer, uri: string, lifetimeMs: number): SignedChain | WeftError {
    const nowMs = this.#options.clock.now();
    const all = readCertificates(pem, `the answer of ${this.name}`);
    if (all instanceof WeftError) return all;
    const chain = all.filter((each, at) => at === 0 || !each.checkIssued(each));
    const leaf = chain[0]!;
    const sameKey = createPublicKey({ key, format: 'der', type: 'spki' }).equals(leaf.publicKey);
    const found = principalOf(leaf);
    if (!sameKey || found !== uri || leaf.ca) {
      const what = !sameKey ? 'another key' : leaf.ca ? 'an authority' : (found ?? 'no identity');
      return refuse(
        'issuer-wrong-certificate',
        `asked for a certificate of ${uri}, and it is one of ${what}; let the issuer sign the names that it is asked for, as docs/certificates.md says`,
      );
    }
    const roots = readRoots(this.#roots);
    if (roots instanceof WeftError) return roots;
    const root = followChain(chain, roots, nowMs);
    if (root instanceof WeftError) return root;
    const fingerprint = fingerprintOf(root);
    const early = this.#tooEarly(fingerprint, lifetimeMs);
    if (early) return early;
    this.#chain = chain.slice(1);
    this.#issuedUnder(fingerprint);
    const notAfterMs = Math.min(...chain.map(each => each.validToDate.getTime()));
    return {
      chainPem: chain.map(each => writePem('CERTIFICATE', each.raw)).join(''),
      serial: leaf.serialNumber,
      notBeforeMs: leaf.validFromDate.getTime(),
      notAfterMs,
      shortened: notAfterMs < nowMs + lifetimeMs - 1_000,
    };
  }

  /** A certificate under a root that not every proxy can have heard of yet would be refused by its peers. */
  #tooEarly(root: string, lifetimeMs: number): WeftError | undefined {
    const { clock } = this.#options;
    // Lives of seconds leave no ten for it.
    const announceMs = Math.min(this.#options.announceMs ?? 10_000, lifetimeMs / 4);
    if (this.#issuerRoot === '' || root === this.#issuerRoot) return undefined;
    const ageMs = clock.monotonic() - (this.#since.get(root) ?? 0);
    if (ageMs >= announceMs) return undefined;
    return refuse(
      'issuer-root-new',
      `it signs under the root ${root.slice(0, 16)}, which proxies are being told of; certificates under it are handed out in ${Math.ceil((announceMs - ageMs) / 1000)} s`,
    );
  }

  #issuedUnder(root: string): void {
    if (root === this.#issuerRoot) return;
    const first = this.#issuerRoot === '';
    this.#issuerRoot = root;
    this.#tell(first ? 'roots' : 'issuer');
  }

  #setRoots(): void {
    const roots = [...new Set([...this.#own, ...this.#others])];
    if (roots.length === this.#roots.length && roots.every((each, at) => each === this.#roots[at])) return;
    this.#others = [...new Set([...this.#others, ...this.#roots])];
    this.#roots = [...new Set([...roots, ...this.#roots])];
    for (const each of fingerprintsOf(this.#roots))
      if (!this.#since.has(each)) this.#since.set(each, this.#options.clock.monotonic());
    this.#tell('roots');
  }

  #tell(change: AuthorityChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** Calls the issuer, for so long at most; whatever goes wrong is a WeftError. */
  async #limited<T>(call: (signal: AbortSignal) => Promise<T | WeftError>): Promise<T | WeftError> {
    const { clock, limitMs = 8_000, signal } = this.#options;
    const limit = new AbortController();
    const cancelLimit = clock.after(limitMs, () => limit.abort());
    let cancelOver = (): void => {};
    // Who was asked may know why there is none yet, and hears first that the time is over.
    const over = new Promise<WeftError>(resolve => {
      const error = refuse('issuer-unreachable', `no answer within ${limitMs / 1000} s; is it up?`);
      cancelOver = clock.after(limitMs + lastWordMs, () => resolve(error));
    });
    try {
      return await Promise.race([call(AbortSignal.any([signal, limit.signal])), over]);
    } catch (thrown) {
      if (thrown instanceof WeftError) return thrown;
      return refuse('issuer-unreachable', `${errorMessage(thrown)}; check its address and that it is up`);
    } finally {
      cancelLimit();
      cancelOver();
    }
  }
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'internal' });
}
