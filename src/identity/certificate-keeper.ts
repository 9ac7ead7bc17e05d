import { errorMessage, WeftError } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { readRoots, rootFingerprint } from './chain.ts';
import { clockSkewWarning } from './clock-skew.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import {
  expiredNotice,
  expiringNotice,
  failureNotice,
  type KeeperNotice,
  type KeeperReport,
  obtainedNotice,
  reportOf,
} from './keeper-report.ts';
import {
  begin,
  fail,
  fallDue,
  type Held,
  heldBy,
  isSeeking,
  type KeeperState,
  lapse,
  obtain,
  stop,
  trustOthers,
} from './keeper-state.ts';
import { attemptLimit, renewAfter, retryAfter } from './keeper-timing.ts';
import { writePem } from './pem.ts';
import { attemptSigning, type Sign, type Signed } from './sign-attempt.ts';

/** What subscribers are told: new credentials, or the same certificate with other roots. */
export type CredentialsListener = (credentials: Credentials, change: 'certificate' | 'roots') => void;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly sign: Sign;
  /** Whose certificate this is, a SPIFFE id; one for anybody else is refused. Undefined: whatever the authority says. */
  readonly principal?: string;
  /** Whether `found` is that id under another name of the trust domain; where this says nothing, it is not. */
  readonly isPrincipal?: (found: string) => boolean;
  /** Names beside the SPIFFE id that the request repeats; see CsrNames. */
  readonly dnsNames?: readonly string[];
  readonly notice?: (notice: KeeperNotice) => void;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** A waiting keeper looks at the clocks this often, so that a suspended machine renews soon after it wakes. */
const longestSleepMs = 60_000;

/** Within this a certificate under another root than the one in use is renewed. */
const longestChangeMs = 60_000;

/**
 * Keeps a workload's certificate fresh: obtains the first, renews at half life with a new key each time, keeps the old while
 * renewal fails, and tells subscribers of new credentials and of new roots. Does nothing until `start`.
 *
 * Lives are measured with the clock of who signed (its `nowMs` comes with every answer), so that a wrong clock on this machine
 * neither delays a renewal nor refuses a fresh certificate.
 */
export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #random: () => number;
  readonly #listeners = new Set<CredentialsListener>();
  #state: KeeperState = { phase: 'idle' };
  #clockAheadMs: number | undefined;
  #warnedOfSkew = false;
  #warnedOfExpiry = false;
  /** The last attempt was given up for want of an answer in time. */
  #wasTooShort = false;
  #wake: (() => void) | undefined;
  /** Fingerprint of the root that a certificate should lead to; '' where any will do. */
  #wantedRoot = '';
  #cancelChange: Cancel = () => {};

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Starts obtaining; ends with the signal. May be called once. */
  start(signal: AbortSignal): void {
    if (this.#state.phase !== 'idle')
      throw new WeftError('keeper-started', 'a certificate keeper starts once');
    this.#state = begin();
    void this.#run(signal);
  }

  get state(): KeeperState {
    return this.#state;
  }

  /** What is in use now; undefined before the first certificate. Stays after it has run out: peers refuse it, not we. */
  get credentials(): Credentials | undefined {
    return heldBy(this.#state)?.credentials;
  }

  /** Calls `listener` with what is in use, if anything, and with every change, until the returned function is called. */
  subscribe(listener: CredentialsListener): () => void {
    this.#listeners.add(listener);
    const current = this.credentials;
    if (current) this.#tell(listener, current, 'certificate');
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the first credentials, at once when there are any; rejects with a WeftError when `signal` aborts before. */
  obtained(signal: AbortSignal): Promise<Credentials> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#listeners.delete(arrived);
        reject(new WeftError('certificate-not-obtained', this.#whyNone()));
      };
      const arrived = (credentials: Credentials): void => {
        this.#listeners.delete(arrived);
        signal.removeEventListener('abort', giveUp);
        resolve(credentials);
      };
      const current = this.credentials;
      if (current) resolve(current);
      else if (signal.aborted) giveUp();
      else {
        this.#listeners.add(arrived);
        signal.addEventListener('abort', giveUp, { once: true });
      }
    });
  }

  /**
   * Puts other roots to use with the certificate that is held. When that certificate leads to none of them, as at the end of a
   * root rotation that missed this proxy, a new one is asked for at once. Returns why the roots were refused, else undefined.
   * Before the first certificate nothing is kept: roots come with it.
   */
  trust(roots: readonly string[]): WeftError | undefined {
    const certificates = readRoots(roots);
    if (certificates instanceof WeftError) return certificates;
    const held = heldBy(this.#state);
    const pems = certificates.map(root => writePem('CERTIFICATE', root.raw));
    if (!held || sameSet(pems, held.credentials.roots)) return undefined;
    this.#state = trustOthers(this.#state, pems);
    this.#notice({
      severity: 'info',
      code: 'roots-changed',
      message: `now trusting ${pems.length} root certificates`,
    });
    this.#tellAll('roots');
    const checked = readCredentials({ ...held.credentials, roots: pems }, this.#signerNow(held));
    if (checked instanceof WeftError) this.renew();
    return undefined;
  }

  /**
   * Certificates are issued under this root now (see fingerprintOf): one that leads to another is renewed within a tenth of its
   * life, a minute at most, at random, so that proxies do not all come at once.
   */
  leadTo(root: string): void {
    this.#wantedRoot = root;
    this.#changeRoot();
  }

  /** Asks for a new certificate now instead of at half life. Keeps the old one until it is there. */
  renew(): void {
    this.#state = fallDue(this.#state);
    this.#wake?.();
  }

  /** How it stands. */
  report(): KeeperReport {
    const held = heldBy(this.#state);
    return reportOf(this.#state, held ? this.#elapsed(held) : 0, this.#clockAheadMs);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#state.phase === 'valid') await this.#waitUntilDue(this.#state.held, signal);
      else await this.#attempt(signal);
    }
    this.#cancelChange();
    this.#state = stop(this.#state);
  }

  async #waitUntilDue(held: Held, signal: AbortSignal): Promise<void> {
    const leftMs = held.renewAfterMs - this.#elapsed(held);
    if (leftMs <= 0) this.#state = fallDue(this.#state);
    else await this.#sleep(Math.min(leftMs, longestSleepMs), signal);
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { clock, sign, principal, isPrincipal, dnsNames } = this.#options;
    const held = this.#state.phase === 'renewing' ? this.#state.held : undefined;
    const limitMs = attemptLimit(held && Math.max(0, held.lifeMs - this.#elapsed(held)), this.#wasTooShort);
    const outcome = await attemptSigning({ clock, sign, principal, isPrincipal, dnsNames, limitMs }, signal);
    if (signal.aborted) return;
    this.#wasTooShort = outcome instanceof WeftError && outcome.code === 'sign-timeout';
    if (outcome instanceof WeftError) {
      await this.#sleep(this.#failed(outcome), signal);
      this.#lapseIfOver();
    } else {
      this.#succeeded(outcome);
    }
  }

  #succeeded({ credentials, lifeMs, clockAheadMs }: Signed): void {
    const { clock } = this.#options;
    const before = this.#state;
    const held: Held = {
      credentials,
      atMs: clock.now(),
      atMonotonicMs: clock.monotonic(),
      lifeMs,
      renewAfterMs: renewAfter(lifeMs, this.#random()),
    };
    this.#state = obtain(held);
    this.#warnedOfExpiry = false;
    this.#notice(obtainedNotice(held, !heldBy(before), isSeeking(before) ? before.failures : 0));
    this.#compareClocks(clockAheadMs);
    this.#tellAll('certificate');
    this.#changeRoot();
  }

  /** Notes a failed attempt and says how long to wait before the next. */
  #failed(error: WeftError): number {
    if (!isSeeking(this.#state)) return 0;
    const state = fail(this.#state, error);
    this.#state = state;
    const held = state.phase === 'renewing' ? state.held : undefined;
    const leftMs = held && Math.max(0, held.lifeMs - this.#elapsed(held));
    const notice = failureNotice(state.failures, leftMs, error);
    if (notice) this.#notice(notice);
    if (held && leftMs! < held.lifeMs / 4 && !this.#warnedOfExpiry) {
      this.#warnedOfExpiry = true;
      this.#notice(expiringNotice(held, leftMs!, error));
    }
    return Math.min(
      retryAfter(state.failures, held?.lifeMs, leftMs, this.#random()),
      leftMs ?? Number.POSITIVE_INFINITY,
    );
  }

  #lapseIfOver(): void {
    const state = this.#state;
    if (state.phase !== 'renewing' || this.#elapsed(state.held) < state.held.lifeMs) return;
    this.#state = lapse(state);
    this.#notice(expiredNotice(state.held, state.lastError));
  }

  #compareClocks(aheadMs: number): void {
    this.#clockAheadMs = aheadMs;
    const warning = clockSkewWarning(this.#options.principal ?? 'this proxy', 'the control plane', aheadMs);
    if (warning && !this.#warnedOfSkew) {
      this.#notice({ severity: 'warning', code: 'clock-skew', message: warning });
    }
    this.#warnedOfSkew = warning !== undefined;
  }

  #changeRoot(): void {
    this.#cancelChange();
    const held = heldBy(this.#state);
    if (this.#wantedRoot === '' || this.#state.phase !== 'valid' || !held) return;
    const { chainPem, roots } = held.credentials;
    if (rootFingerprint(chainPem, roots, this.#signerNow(held)) === this.#wantedRoot) return;
    const withinMs = Math.min(longestChangeMs, held.lifeMs / 10);
    this.#cancelChange = this.#options.clock.after(Math.ceil(withinMs * this.#random()), () => this.renew());
  }

  /** The later of two clocks: the monotonic one misses the time a machine was suspended, the other may be set back. */
  #elapsed(held: Held): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonic() - held.atMonotonicMs, clock.now() - held.atMs);
  }

  /** The time now by the clock of who signed. */
  #signerNow(held: Held): number {
    return held.credentials.notAfterMs - held.lifeMs + this.#elapsed(held);
  }

  /** Whole milliseconds, rounded up: a rest of a nanosecond would be slept again and again. */
  #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.#options.clock.after(Math.ceil(delayMs), done);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  #whyNone(): string {
    const { failures, lastError } = this.report();
    const why = lastError ?? 'no attempt has failed, the answer is outstanding';
    return `no certificate after ${failures} failed attempts: ${why}`;
  }

  #tellAll(change: 'certificate' | 'roots'): void {
    const credentials = this.credentials;
    if (credentials) for (const listener of [...this.#listeners]) this.#tell(listener, credentials, change);
  }

  #tell(listener: CredentialsListener, credentials: Credentials, change: 'certificate' | 'roots'): void {
    try {
      listener(credentials, change);
    } catch (thrown) {
      const message = `new credentials could not be put to use: ${errorMessage(thrown)}`;
      this.#notice({ severity: 'error', code: 'subscriber-failed', message });
    }
  }

  #notice(notice: KeeperNotice): void {
    this.#options.notice?.(notice);
  }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every(item => b.includes(item));
}
