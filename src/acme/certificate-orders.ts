import { errorMessage, WeftError } from '../errors/index.ts';
import { issuerKey, type Problem, problem } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { AcmeFailure } from './failure.ts';
import { dnsSolver, gatewaySolver } from './gateway-solver.ts';
import { IssuingServer, secretText, serverId } from './issuing-server.ts';
import { CertificateOrder, type ChallengeSolver, type ObtainedCertificate } from './order.ts';
import { pause } from './pause.ts';
import { certificateId, renewalWindow } from './renewal-info.ts';
import type { SecretStore, StoredSecret } from './secret-store.interface.ts';
import {
  backOffMs,
  type CertificateWish,
  failedSecret,
  issuedSecret,
  type Standing,
  standingOf,
} from './standing.ts';

/** What became of a certificate. */
export interface CertificateNews {
  readonly wish: CertificateWish;
  readonly what: 'issued' | 'failed';
  /** Of a failure. */
  readonly code?: string;
  readonly message: string;
}

export interface CertificateOrdersOptions {
  readonly store: SecretStore;
  readonly clock: Clock;
  /** How long it takes until every gateway shows what is in a new Secret. */
  readonly spreadMs: number;
  readonly heard: (news: CertificateNews) => void;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

interface Tended {
  wish: CertificateWish;
  nextMs: number;
  /** When the server would have it renewed, of which certificate, and when it is asked again. */
  window: { readonly of: string; readonly atMs: number; readonly askAtMs: number } | undefined;
  problem: Problem | undefined;
  /** When the server's window last had one replaced; 0 for never. */
  windowedMs: number;
  /** When it was last put down; 0 for never. */
  keptMs: number;
}

/** So many orders are under way at once. */
const atOnce = 4;
const longestRestMs = 60_000;
/** What cannot be read or written is tried again so soon. */
const storeAgainMs = 30_000;
const foreignAgainMs = 600_000;
/** So long is tried to put down what was obtained, with growing waits: servers give only so many a week. */
const keepWaitsMs = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000];
/** A server whose windows have always passed would have a new certificate replaced as soon as it is there. */
const windowsApartMs = 3_600_000;

/**
 * Gets certificates and keeps them fresh, in Secrets: for each wish, one that is missing, is for other names or runs out is
 * ordered. What fails waits longer each time, and the Secret says so, whoever leads next. One that was good stays.
 */
export class CertificateOrders {
  readonly #options: CertificateOrdersOptions;
  readonly #random: () => number;
  readonly #tended = new Map<string, Tended>();
  readonly #servers = new Map<string, IssuingServer>();
  /** Keys of those that somebody works at. */
  readonly #busy = new Set<string>();
  #wake: () => void = () => {};

  constructor(options: CertificateOrdersOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** From now on these certificates are wanted. */
  wish(all: readonly CertificateWish[]): void {
    const keys = new Set(all.map(keyOf));
    for (const key of this.#tended.keys()) if (!keys.has(key)) this.#tended.delete(key);
    for (const wish of all) {
      const known = this.#tended.get(keyOf(wish));
      if (known === undefined)
        this.#tended.set(keyOf(wish), {
          ...{ wish, nextMs: 0, window: undefined, problem: undefined },
          ...{ windowedMs: 0, keptMs: 0 },
        });
      else if (JSON.stringify(known.wish) !== JSON.stringify(wish)) {
        known.wish = wish;
        known.nextMs = 0;
      }
    }
    this.#wake();
  }

  problems(): readonly Problem[] {
    return [...this.#tended.values()].flatMap(each => each.problem ?? []);
  }

  /** Works until the signal aborts. Only one at a time may, of all that share the store. Never rejects. */
  async lead(signal: AbortSignal): Promise<void> {
    // What was known when somebody else led may be old.
    for (const each of this.#tended.values()) each.nextMs = 0;
    const underWay = new Set<Promise<void>>();
    while (!signal.aborted) {
      // Whoever is slow has a place, and keeps nobody else waiting as long as there are others.
      for (const each of this.#due()) {
        if (underWay.size >= atOnce) break;
        const key = keyOf(each.wish);
        this.#busy.add(key);
        const work = this.#tendSafely(each, signal).finally(() => {
          this.#busy.delete(key);
          underWay.delete(work);
          this.#wake();
        });
        underWay.add(work);
      }
      await this.#rest(signal, underWay.size < atOnce);
    }
    await Promise.all(underWay);
    for (const each of this.#servers.values()) each.connection.close();
    this.#servers.clear();
  }

  #due(): readonly Tended[] {
    const nowMs = this.#options.clock.now();
    return [...this.#tended.values()].filter(each => this.#isFree(each) && each.nextMs <= nowMs);
  }

  /** One that was wished anew while somebody works at what it was has the same Secret. */
  #isFree({ wish }: Tended): boolean {
    return !this.#busy.has(keyOf(wish));
  }

  /** Until the next is due and has a place, one is done, or something is wished. */
  async #rest(signal: AbortSignal, hasPlace: boolean): Promise<void> {
    const { clock } = this.#options;
    const waiting = [...this.#tended.values()].filter(each => hasPlace && this.#isFree(each));
    const nextMs = Math.min(...waiting.map(each => each.nextMs), Number.POSITIVE_INFINITY);
    const waitMs = Math.min(longestRestMs, nextMs - clock.now());
    if (waitMs <= 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await pause(clock, waitMs, AbortSignal.any([signal, woken.signal]));
    this.#wake = () => {};
  }

  async #tendSafely(tended: Tended, signal: AbortSignal): Promise<void> {
    const { wish } = tended;
    const { clock } = this.#options;
    // What is wished meanwhile sets it to 0 again.
    tended.nextMs = clock.now() + storeAgainMs;
    const setMs = tended.nextMs;
    let nextMs: number;
    try {
      nextMs = await this.#tend(tended, wish, signal);
    } catch (thrown) {
      nextMs = this.#trouble(tended, new WeftError('acme-refused', errorMessage(thrown)));
    }
    if (tended.nextMs === setMs) tended.nextMs = nextMs;
  }

  /** When to look again. */
  async #tend(tended: Tended, wish: CertificateWish, signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#options;
    const { namespace, name } = wish.secret;
    const secret = await store.read(namespace, name);
    if (secret instanceof WeftError) return this.#trouble(tended, secret);
    const standing = standingOf(secret, wish, clock.now(), tended.window);
    switch (standing.is) {
      case 'foreign': {
        const why = `it holds a certificate that Weft did not put there, and is not touched; delete it, or take the annotation ${issuerKey(wish.issuer)} away`;
        const code = 'acme-foreign-secret';
        tended.problem = this.#problemOf(wish, code, why);
        return clock.now() + foreignAgainMs;
      }
      case 'good':
        tended.problem = undefined;
        return this.#askWindow(tended, standing);
      case 'waiting':
        tended.problem ??= this.#problemOf(wish, standing.code, standing.why);
        return standing.untilMs;
      case 'due': {
        const notBeforeMs = this.#notBefore(tended, standing);
        return notBeforeMs > clock.now() ? notBeforeMs : this.#order(tended, wish, standing, signal);
      }
    }
  }

  /**
   * Where what was just put down is due again at once, a clock is wrong, and another certificate would be no better: half its
   * life is waited. What the server's window says goes before that.
   */
  #notBefore({ keptMs, window }: Tended, { replaces }: Extract<Standing, { is: 'due' }>): number {
    if (keptMs === 0 || replaces === undefined || window?.of === replaces.fingerprint256) return 0;
    const lifeMs = Date.parse(replaces.validTo) - Date.parse(replaces.validFrom);
    return keptMs + Math.min(lifeMs / 2, 86_400_000);
  }

  /** Asks the server when it would have a good certificate renewed. */
  async #askWindow(
    tended: Tended,
    { certificate, renewAtMs }: Extract<Standing, { is: 'good' }>,
  ): Promise<number> {
    const { issuer } = tended.wish;
    const nowMs = this.#options.clock.now();
    if (issuer.renewBeforeMs !== undefined) return renewAtMs;
    const of = certificate.fingerprint256;
    const known = tended.window?.of === of ? tended.window : undefined;
    if (known !== undefined && known.askAtMs > nowMs) return Math.min(renewAtMs, known.askAtMs);
    const server = this.#serverOf(tended.wish);
    if (server.heldUntilMs > nowMs) return Math.min(renewAtMs, server.heldUntilMs);
    const window = await renewalWindow(server.connection, certificate);
    if (window === undefined) return renewAtMs;
    if (window instanceof AcmeFailure) {
      // An hour, as section 4.3.3 has it: the certificate itself is good.
      return Math.min(renewAtMs, nowMs + Math.max(3_600_000, window.retryAfterMs ?? 0));
    }
    // The same moment of the window for the same certificate, whoever leads.
    const share = Number.parseInt(of.slice(0, 5).replace(':', ''), 16) / 0x1_0000;
    const pickedMs = window.startMs + share * (window.endMs - window.startMs);
    const atMs = Math.max(pickedMs, tended.windowedMs + windowsApartMs);
    tended.window = { of, atMs, askAtMs: nowMs + window.askAgainAfterMs };
    return Math.min(atMs, tended.window.askAtMs);
  }

  async #order(
    tended: Tended,
    wish: CertificateWish,
    { failures, replaces }: Extract<Standing, { is: 'due' }>,
    signal: AbortSignal,
  ): Promise<number> {
    const { clock } = this.#options;
    const server = this.#serverOf(wish);
    if (server.heldUntilMs > clock.now()) return server.heldUntilMs;
    const obtained = await this.#obtain(server, wish, replaces && certificateId(replaces), signal);
    if (signal.aborted) return clock.now();
    if (!(obtained instanceof WeftError)) {
      server.worked();
      if (replaces !== undefined && tended.window?.of === replaces.fingerprint256)
        tended.windowedMs = clock.now();
      return this.#keep(tended, wish, obtained, signal);
    }
    const failure = obtained instanceof AcmeFailure ? obtained : undefined;
    if (failure?.type === 'accountDoesNotExist') server.forgetAccount();
    if (failure === undefined) return this.#trouble(tended, obtained);
    if (failure.concernsAll) {
      server.hold(failure.retryAfterMs);
      this.#failed(tended, wish, failure, server.heldUntilMs);
      return server.heldUntilMs;
    }
    // Whose limit it is cannot be told: the others come one by one, too.
    if (failure.code === 'acme-rate-limited') server.hold();
    const nextMs = clock.now() + Math.max(failure.retryAfterMs ?? 0, backOffMs(failures, this.#random));
    this.#failed(tended, wish, failure, nextMs);
    await this.#write(wish, before =>
      failedSecret(before, wish, {
        code: failure.code,
        why: failure.message,
        failures: failures + 1,
        nextMs,
      }),
    );
    return nextMs;
  }

  async #obtain(
    server: IssuingServer,
    wish: CertificateWish,
    replaces: string | undefined,
    signal: AbortSignal,
  ): Promise<ObtainedCertificate | WeftError> {
    const { clock } = this.#options;
    const { challenge, keyType, preferredChain } = wish.issuer;
    const account = await server.account();
    if (account instanceof WeftError) return account;
    const solver = await this.#solverOf(wish, signal);
    if (solver instanceof WeftError) return solver;
    const terms = {
      ...{ names: wish.names, challenge, keyType },
      ...(preferredChain !== undefined && { preferredChain }),
      ...(replaces !== undefined && { replaces }),
    };
    return new CertificateOrder(server.connection, account, terms, solver, { clock, signal }).obtain();
  }

  async #solverOf(
    { issuer, secret }: CertificateWish,
    signal: AbortSignal,
  ): Promise<ChallengeSolver | WeftError> {
    const { store, clock, spreadMs } = this.#options;
    if (issuer.challenge !== 'dns-01' || issuer.dnsWebhook === undefined)
      return gatewaySolver({ store, clock, signal, spreadMs }, secret);
    const { url, secret: name, timeoutMs } = issuer.dnsWebhook;
    const token = name === undefined ? undefined : await secretText(store, issuer.namespace, name, 'token');
    if (token instanceof WeftError) return token;
    return dnsSolver({ url, timeoutMs, ...(token !== undefined && { token }) }, { clock, signal });
  }

  async #keep(
    tended: Tended,
    wish: CertificateWish,
    obtained: ObtainedCertificate,
    signal: AbortSignal,
  ): Promise<number> {
    const { clock, heard } = this.#options;
    for (const waitMs of [...keepWaitsMs, 0]) {
      const wrong = await this.#write(wish, before => issuedSecret(before, wish, obtained));
      if (wrong === undefined) {
        tended.problem = undefined;
        tended.keptMs = clock.now();
        const message = `certificate ${keyOf(wish)} for ${wish.names.join(', ')} was issued by ${wish.issuer.server}`;
        heard({ wish, what: 'issued', message });
        return clock.now();
      }
      tended.problem = this.#problemOf(wish, wrong.code, wrong.message);
      if (signal.aborted) break;
      // Who was only quicker has written by now.
      if (wrong.code !== 'api-conflict') await pause(clock, waitMs, signal);
    }
    return clock.now() + storeAgainMs;
  }

  async #write(
    { secret: { namespace, name } }: CertificateWish,
    make: (before: StoredSecret | undefined) => Omit<StoredSecret, 'version'>,
  ): Promise<WeftError | undefined> {
    const { store } = this.#options;
    const before = await store.read(namespace, name);
    if (before instanceof WeftError) return before;
    return store.write(namespace, name, make(before), before?.version);
  }

  #serverOf({ issuer }: CertificateWish): IssuingServer {
    const id = serverId(issuer);
    const known = this.#servers.get(id);
    if (known !== undefined) return known;
    const { store, clock } = this.#options;
    const made = new IssuingServer(issuer, store, clock);
    this.#servers.set(id, made);
    return made;
  }

  #trouble(tended: Tended, error: WeftError): number {
    const nextMs = this.#options.clock.now() + storeAgainMs;
    this.#failed(tended, tended.wish, error, nextMs);
    return nextMs;
  }

  #failed(tended: Tended, wish: CertificateWish, { code, message }: WeftError, nextMs: number): void {
    const why = `${message}; tried again at ${new Date(nextMs).toISOString()}`;
    tended.problem = this.#problemOf(wish, code, why);
    this.#options.heard({ wish, what: 'failed', code, message: tended.problem.message });
  }

  #problemOf(wish: CertificateWish, code: string, why: string): Problem {
    const message = `no certificate for ${wish.names.join(', ')} in Secret ${keyOf(wish)}: ${why}`;
    return problem(code, message, { object: wish.from, severity: 'warning' });
  }
}

function keyOf({ secret: { namespace, name } }: CertificateWish): string {
  return `${namespace}/${name}`;
}
