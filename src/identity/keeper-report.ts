import type { WeftError } from '../errors/index.ts';
import { type Held, heldBy, isSeeking, type KeeperState } from './keeper-state.ts';

/** How a CertificateKeeper stands, for readiness, metrics and the admin page. */
export interface KeeperReport {
  readonly phase: KeeperState['phase'];
  readonly principal?: string;
  readonly serial?: string;
  readonly notAfterMs?: number;
  /** Until the certificate runs out, by the clock of who signed it; negative when it has. */
  readonly expiresInMs?: number;
  readonly renewsInMs?: number;
  /** How long the certificate lasts from when it came. */
  readonly lifeMs?: number;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly lastError?: string;
  /** How far this clock is ahead of the control plane's, as of the last answer. */
  readonly clockAheadMs?: number;
}

/** Something a keeper has to say, worth a line in the process log. */
export interface KeeperNotice {
  readonly severity: 'info' | 'warning' | 'error';
  /** Stable: certificate-obtained, certificate-renewed, certificate-attempt-failed, certificate-expiring,
   *  certificate-expired, clock-skew, roots-changed, subscriber-failed. */
  readonly code: string;
  readonly message: string;
}

/** `elapsedMs`: since the held certificate came. */
export function reportOf(state: KeeperState, elapsedMs: number, clockAheadMs?: number): KeeperReport {
  const held = heldBy(state);
  return {
    phase: state.phase,
    principal: held?.credentials.principal,
    serial: held?.credentials.serial,
    notAfterMs: held?.credentials.notAfterMs,
    expiresInMs: held && held.lifeMs - elapsedMs,
    renewsInMs: held && Math.max(0, held.renewAfterMs - elapsedMs),
    lifeMs: held?.lifeMs,
    failures: isSeeking(state) ? state.failures : 0,
    lastError: isSeeking(state) ? state.lastError?.message : undefined,
    clockAheadMs,
  };
}

/** A certificate came; `failures` attempts before it did not bring one. */
export function obtainedNotice(held: Held, first: boolean, failures: number): KeeperNotice {
  const { principal, serial } = held.credentials;
  const after = failures > 0 ? `, after ${failures} failed attempts` : '';
  return {
    severity: 'info',
    code: first ? 'certificate-obtained' : 'certificate-renewed',
    message: `certificate ${serial} of ${principal} is good for ${span(held.lifeMs)}${after}`,
  };
}

/**
 * An attempt failed, `leftMs` before the current certificate runs out (undefined: there is none). Undefined unless the number
 * of failures is a power of two: a control plane that is away for a night fills no log.
 */
export function failureNotice(
  failures: number,
  leftMs: number | undefined,
  error: WeftError,
): KeeperNotice | undefined {
  if (!Number.isInteger(Math.log2(failures))) return undefined;
  const left = leftMs === undefined ? 'there is no valid one' : `the current one lasts ${span(leftMs)} more`;
  const message = `attempt ${failures} to get a certificate failed, ${left}: ${error.message}`;
  return { severity: 'warning', code: 'certificate-attempt-failed', message };
}

/** Little of the certificate's life is left and it could not be renewed. */
export function expiringNotice(held: Held, leftMs: number, error: WeftError): KeeperNotice {
  const message =
    `the certificate of ${held.credentials.principal} runs out in ${span(leftMs)} and could not be renewed; ` +
    `mend the control plane before that: ${error.message}`;
  return { severity: 'error', code: 'certificate-expiring', message };
}

/** The certificate has run out. */
export function expiredNotice(held: Held, error: WeftError | undefined): KeeperNotice {
  const message =
    `the certificate of ${held.credentials.principal} has run out and peers will refuse it; ` +
    `attempts go on: ${error?.message ?? 'none was made yet'}`;
  return { severity: 'error', code: 'certificate-expired', message };
}

function span(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
