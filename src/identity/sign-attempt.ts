import { errorMessage, WeftError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { createKeyAndCsr } from './signing-request.ts';

/** What the certificate authority is asked; a `sign` message of the discovery protocol without its proof. */
export interface SignRequest {
  /** PEM. */
  readonly csr: string;
  /** The proxy's clock. */
  readonly nowMs: number;
}

/** What it answers; a `signed` message of the discovery protocol. */
export interface SignAnswer {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM of every root that is good now. */
  readonly roots: readonly string[];
  /** The clock of who signed. */
  readonly nowMs: number;
}

/** Gets a request signed; throws (a WeftError where it can) when that failed. `signal` ends it when it takes too long. */
export type Sign = (request: SignRequest, signal: AbortSignal) => Promise<SignAnswer>;

/** What an attempt brought. */
export interface Signed {
  readonly credentials: Credentials;
  /** What is left of the certificate's life by the clock of who signed it. */
  readonly lifeMs: number;
  /** How far this clock is ahead of the signer's, to within half the time the answer took. */
  readonly clockAheadMs: number;
}

export interface SignAttempt {
  readonly clock: Clock;
  readonly sign: Sign;
  /** The SPIFFE id that the certificate must be for; undefined: any. */
  readonly principal?: string;
  /** Whether `found` is that id under another name of the trust domain; where this says nothing, it is not. */
  readonly isPrincipal?: (found: string) => boolean;
  readonly dnsNames?: readonly string[];
  readonly limitMs: number;
}

/** Makes a fresh key, has it certified, and checks what came back by the clock of who signed. Never throws. */
export async function attemptSigning(options: SignAttempt, signal: AbortSignal): Promise<Signed | WeftError> {
  const { clock, principal, isPrincipal, dnsNames = [] } = options;
  const { keyPem, csrPem } = createKeyAndCsr(
    principal === undefined ? undefined : { uri: principal, dnsNames },
  );
  const askedMs = clock.now();
  const answer = await signInTime(options, { csr: csrPem, nowMs: askedMs }, signal);
  if (answer instanceof WeftError) return answer;
  const clockAheadMs = Math.round((askedMs + clock.now()) / 2 - answer.nowMs);
  const parts = { keyPem, chainPem: answer.chain, roots: answer.roots };
  const credentials = readCredentials(parts, answer.nowMs);
  if (credentials instanceof WeftError) return credentials;
  const found = credentials.principal;
  if (principal !== undefined && found !== principal && isPrincipal?.(found) !== true) {
    return new WeftError(
      'certificate-wrong-identity',
      `asked for a certificate of ${principal} and got one of ${found}; ` +
        "check the pod's ServiceAccount and the token that is mounted",
    );
  }
  return { credentials, lifeMs: credentials.notAfterMs - answer.nowMs, clockAheadMs };
}

async function signInTime(
  { clock, sign, limitMs }: SignAttempt,
  request: SignRequest,
  signal: AbortSignal,
): Promise<SignAnswer | WeftError> {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort();
  signal.addEventListener('abort', abort, { once: true });
  const cancel = clock.after(limitMs, abort);
  const over = new Promise<WeftError>(resolve => {
    const message = `no answer to the signing request within ${Math.round(limitMs / 100) / 10} s; is the control plane reachable?`;
    const late = (): void => resolve(new WeftError('sign-timeout', message));
    attempt.signal.addEventListener('abort', late, { once: true });
  });
  try {
    // The race, because a signer that ignores its signal must not stop renewals for good.
    const answer = await Promise.race([sign(request, attempt.signal), over]);
    return answer instanceof WeftError || isAnswer(answer) ? answer : malformed();
  } catch (thrown) {
    if (thrown instanceof WeftError) return thrown;
    return new WeftError('sign-failed', `the signing request failed: ${errorMessage(thrown)}`, {
      cause: thrown,
    });
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

/** Answers come off the wire; what the types promise is checked here, once. */
function isAnswer(answer: SignAnswer): boolean {
  const { chain, roots, nowMs } = answer ?? {};
  return (
    typeof chain === 'string' &&
    Array.isArray(roots) &&
    roots.every(root => typeof root === 'string') &&
    Number.isFinite(nowMs)
  );
}

function malformed(): WeftError {
  return new WeftError(
    'sign-malformed',
    'the answer to the signing request lacks chain, roots or nowMs; do proxy and control plane speak the same version?',
  );
}
