import { createHash } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { formatSpiffe, parseSpiffe } from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import type { Clock } from '../time/index.ts';
import { TOKEN_AUDIENCE, type TokenProof, type TokenVerifier } from './token-verifier.ts';

/** `status` of a TokenReview (authentication.k8s.io/v1), unchecked. */
export type ReviewStatus = Readonly<Record<string, unknown>>;

/** What a verifier is made of. */
export interface TokenReviewOptions {
  /** Asks the API server about the token; an Error when there was no answer or a refusal. */
  readonly review: (token: string, audiences: readonly string[]) => Promise<ReviewStatus | Error>;
  readonly trustDomain: string;
  readonly clock: Clock;
  /** Default `weft`. */
  readonly audience?: string;
  /** How long an answer is believed, 10 s unless told: a ServiceAccount that was deleted gets nothing for longer. */
  readonly keptMs?: number;
  /** How many answers are kept; 5,000 unless told. */
  readonly kept?: number;
}

/** Kubernetes' tokens have some 1,200 bytes. */
const maxTokenBytes = 16_384;
/** A refusal is kept for less: another API server may know the pod a moment later. */
const refusedMs = 2_000;
const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const podName = 'authentication.kubernetes.io/pod-name';
const podUid = 'authentication.kubernetes.io/pod-uid';

interface Kept {
  readonly answer: Promise<TokenProof | WeftError>;
  untilMs: number;
}

/**
 * Asks the Kubernetes API whom a token speaks for (TokenReview): that knows of deleted ServiceAccounts and pods, which the
 * signature alone does not. Only tokens for our audience that are bound to a pod are taken. When the API is away nothing
 * is taken, with words to try again.
 */
export class TokenReviewVerifier implements TokenVerifier {
  readonly #options: TokenReviewOptions;
  /** By hash, so that memory holds no token; in order of age. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: TokenReviewOptions) {
    this.#options = options;
  }

  async verify(token: string): Promise<TokenProof | WeftError> {
    const trimmed = token.trim();
    if (trimmed.length > maxTokenBytes || !tokenPattern.test(trimmed)) {
      return refuse('token-malformed', 'the token is not a signed JWT; send a ServiceAccount token');
    }
    const { clock, keptMs = 10_000, kept = 5_000 } = this.#options;
    const hash = createHash('sha256').update(trimmed).digest('base64');
    const known = this.#kept.get(hash);
    if (known && clock.monotonic() < known.untilMs) return known.answer;
    const entry: Kept = { answer: this.#ask(trimmed), untilMs: clock.monotonic() + keptMs };
    this.#kept.delete(hash);
    this.#kept.set(hash, entry);
    if (this.#kept.size > kept) this.#kept.delete(this.#kept.keys().next().value!);
    const answer = await entry.answer;
    // That nobody could be asked says nothing about the token; and no answer outlives its token.
    const expiresInMs = (expiryMs(trimmed) ?? 0) - clock.now();
    const refused = answer instanceof WeftError;
    const longestMs = !refused ? expiresInMs : answer.source === 'internal' ? 0 : refusedMs;
    entry.untilMs = Math.min(entry.untilMs, clock.monotonic() + longestMs);
    return answer;
  }

  async #ask(token: string): Promise<TokenProof | WeftError> {
    const { review, audience = TOKEN_AUDIENCE, trustDomain, clock } = this.#options;
    let status: ReviewStatus | Error;
    try {
      status = await review(token, [audience]);
    } catch (thrown) {
      status = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    if (status instanceof Error) {
      return new WeftError(
        'token-review-unavailable',
        `the token could not be checked because the Kubernetes API did not answer (${status.message}); try again`,
        { source: 'internal', cause: status },
      );
    }
    if (status.authenticated !== true) return explain(token, status.error, audience, clock.now());
    return proofOf(status, audience, trustDomain);
  }
}

function proofOf(status: ReviewStatus, audience: string, trustDomain: string): TokenProof | WeftError {
  // A server that knows no audiences says nothing here, and then the token may be meant for anybody.
  if (!Array.isArray(status.audiences) || !status.audiences.includes(audience))
    return wrongAudience(audience);
  const user = recordOf(status.user);
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(user.username));
  if (!match) {
    return refuse(
      'token-not-a-workload',
      `the token speaks for '${String(user.username)}', which is no ServiceAccount; mount a projected ServiceAccount token`,
    );
  }
  const extra = recordOf(user.extra);
  const first = (values: unknown): unknown => (Array.isArray(values) ? values[0] : undefined);
  const [pod, uid] = [first(extra[podName]), first(extra[podUid])];
  if (typeof pod !== 'string' || pod === '') {
    return refuse(
      'token-not-a-pod',
      'the token is not bound to a pod; mount a projected one (volume source serviceAccountToken)',
    );
  }
  const identity = { trustDomain, namespace: match[1]!, serviceAccount: match[2]! };
  if (parseSpiffe(formatSpiffe(identity)))
    return { identity, pod, ...(typeof uid === 'string' && uid !== '' && { podUid: uid }) };
  return refuse(
    'token-claims',
    'the token names a namespace or ServiceAccount that is not a Kubernetes name',
  );
}

/** Why the API server refused the token, from what it says and from what the token says of itself. */
function explain(token: string, said: unknown, audience: string, nowMs: number): WeftError {
  const claims = claimsOf(token);
  const audiences = typeof claims?.aud === 'string' ? [claims.aud] : claims?.aud;
  if (Array.isArray(audiences) && !audiences.includes(audience)) return wrongAudience(audience);
  const expiresMs = expiryMs(token);
  if (expiresMs !== undefined && expiresMs <= nowMs) {
    return refuse(
      'token-expired',
      'the token has expired; send a fresh one, kubelet renews projected tokens by itself',
    );
  }
  const words = typeof said === 'string' && said !== '' ? ` (${said.slice(0, 300)})` : '';
  return refuse(
    'token-refused',
    `the Kubernetes API does not accept the token${words}; it must come from this cluster, and its ServiceAccount and pod must still exist`,
  );
}

function wrongAudience(audience: string): WeftError {
  return refuse(
    'token-wrong-audience',
    `the token is not for the audience '${audience}'; mount a projected token with that audience`,
  );
}

/** What the token says of itself; unproven, for words and for shortening only. */
function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    return recordOf(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

function expiryMs(token: string): number | undefined {
  const exp = claimsOf(token)?.exp;
  return typeof exp === 'number' ? exp * 1000 : undefined;
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
