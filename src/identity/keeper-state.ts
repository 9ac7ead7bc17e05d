import type { WeftError } from '../errors/index.ts';
import type { Credentials } from './credentials.ts';

/** Credentials in use and when they are due, counted from when they came: no clock's absolute time is relied on. */
export interface Held {
  readonly credentials: Credentials;
  /** The proxy's clock when they came. */
  readonly atMs: number;
  /** The monotonic clock when they came. */
  readonly atMonotonicMs: number;
  /** How long they last from then on, measured with the clock of who signed them. */
  readonly lifeMs: number;
  /** How long after they came they are to be renewed. */
  readonly renewAfterMs: number;
}

/** Where a CertificateKeeper stands. Only the transitions of this file lead from one to another. */
export type KeeperState =
  | { readonly phase: 'idle' }
  /** No certificate yet. */
  | { readonly phase: 'obtaining'; readonly failures: number; readonly lastError?: WeftError }
  /** Nothing to do until renewal is due. */
  | { readonly phase: 'valid'; readonly held: Held }
  /** Renewal is due; the old certificate is still good. */
  | {
      readonly phase: 'renewing';
      readonly held: Held;
      readonly failures: number;
      readonly lastError?: WeftError;
    }
  /** The old certificate has run out; attempts go on. */
  | {
      readonly phase: 'expired';
      readonly held: Held;
      readonly failures: number;
      readonly lastError?: WeftError;
    }
  | { readonly phase: 'stopped'; readonly held?: Held };

/** The states in which attempts are made. */
export type SeekingState = Extract<KeeperState, { readonly failures: number }>;

/** Started without a certificate. */
export function begin(): KeeperState {
  return { phase: 'obtaining', failures: 0 };
}

/** An attempt brought a certificate. */
export function obtain(held: Held): KeeperState {
  return { phase: 'valid', held };
}

/** Its time has come, or somebody asked for a new one. */
export function fallDue(state: KeeperState): KeeperState {
  return state.phase === 'valid' ? { phase: 'renewing', held: state.held, failures: 0 } : state;
}

/** An attempt failed. */
export function fail(state: SeekingState, error: WeftError): SeekingState {
  return { ...state, failures: state.failures + 1, lastError: error };
}

/** The certificate's time ran out before a new one came. */
export function lapse(state: KeeperState): KeeperState {
  return state.phase === 'renewing' ? { ...state, phase: 'expired' } : state;
}

/** Other roots with the same certificate. Nothing changes where no certificate is in use. */
export function trustOthers(state: KeeperState, roots: readonly string[]): KeeperState {
  switch (state.phase) {
    case 'valid':
    case 'renewing':
    case 'expired': {
      const credentials = { ...state.held.credentials, roots };
      return { ...state, held: { ...state.held, credentials } };
    }
    default:
      return state;
  }
}

/** No more attempts; what is held stays usable for connections that drain. */
export function stop(state: KeeperState): KeeperState {
  return { phase: 'stopped', held: heldBy(state) };
}

/** What a state holds, if anything. */
export function heldBy(state: KeeperState): Held | undefined {
  return 'held' in state ? state.held : undefined;
}

/** Whether attempts are being made in this state. */
export function isSeeking(state: KeeperState): state is SeekingState {
  return state.phase === 'obtaining' || state.phase === 'renewing' || state.phase === 'expired';
}
