import { WeftError } from '../errors/index.ts';
import { isRecord } from '../plain/index.ts';

/** What the API server answers instead of what was asked (apimachinery Status), as far as it matters. */
export interface ApiFailure {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Kubernetes' machine-readable reason: `AlreadyExists`, `Expired`; '' when there is none. */
  readonly reason: string;
  /** How long the server asks to stay away; two minutes at most. */
  readonly retryAfterMs?: number;
}

/**
 * A call of the Kubernetes API that did not succeed. Codes: api-unreachable (no answer), api-unauthorized, api-forbidden,
 * api-not-found, api-already-exists, api-conflict, api-gone, api-invalid, api-busy, api-failing, api-unreadable.
 */
export class ApiError extends WeftError {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, failure: ApiFailure, cause?: unknown) {
    super(code, message, { source: 'internal', ...(cause !== undefined && { cause }) });
    this.status = failure.status;
    this.reason = failure.reason;
    this.retryAfterMs = failure.retryAfterMs;
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const codes: Readonly<Record<number, string>> = {
  400: 'api-invalid',
  401: 'api-unauthorized',
  403: 'api-forbidden',
  404: 'api-not-found',
  409: 'api-conflict',
  410: 'api-gone',
  422: 'api-invalid',
  429: 'api-busy',
};

/** The error of an answer with this status; `body` is what came with it. */
export function errorOfAnswer(server: string, status: number, body: string, retryAfter?: string): ApiError {
  const said = statusOf(body);
  const failure: ApiFailure = {
    status,
    reason: said.reason,
    ...(retryAfterMs(retryAfter) !== undefined && { retryAfterMs: retryAfterMs(retryAfter)! }),
  };
  const code = said.reason === 'AlreadyExists' ? 'api-already-exists' : (codes[status] ?? 'api-failing');
  const words = said.message === '' ? `status ${status}` : said.message;
  if (status === 401) {
    const why = `the Kubernetes API server at ${server} does not accept these credentials (${words}); renew them, or give others with --kubeconfig`;
    return new ApiError(code, why, failure);
  }
  return new ApiError(code, words, failure);
}

/** The error of a Status object that came as an event of a watch. */
export function errorOfStatus(server: string, body: unknown): ApiError {
  const code = isRecord(body) && typeof body.code === 'number' ? body.code : 500;
  return errorOfAnswer(server, code, JSON.stringify(body));
}

/** No answer at all. */
export function unreachable(server: string, cause: unknown): ApiError {
  const why = `the Kubernetes API server at ${server} cannot be reached (${causeOf(cause)}); check its address, the network, and the network policies between`;
  return new ApiError('api-unreachable', why, { status: 0, reason: '' }, cause);
}

/** An answer that is not what the API promises. */
export function unreadable(server: string, what: string): ApiError {
  const why = `the Kubernetes API server at ${server} sent ${what}; check that this is the address of a Kubernetes API`;
  return new ApiError('api-unreadable', why, { status: 502, reason: '' });
}

function causeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return causeOf(cause.errors[0]);
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return code !== undefined && !cause.message.includes(code) ? `${code}: ${cause.message}` : cause.message;
}

function statusOf(body: string): { readonly reason: string; readonly message: string } {
  try {
    const said = JSON.parse(body) as unknown;
    if (isRecord(said)) {
      return {
        reason: typeof said.reason === 'string' ? said.reason : '',
        message: typeof said.message === 'string' ? said.message.slice(0, 1000) : '',
      };
    }
  } catch {
    // Proxies before the API server answer with text of their own.
  }
  return { reason: '', message: body.slice(0, 200).replace(/\s+/g, ' ').trim() };
}

/** However long a server asks to stay away: one that says a day is a mistake, and a mesh would stand still for it. */
const longestAwayMs = 120_000;

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header.trim())) return undefined;
  return Math.min(longestAwayMs, Number(header) * 1000);
}

/**
 * How long to stay away when the server asked for `askedMs`: never less, and up to a half and a quarter of a second more, so that
 * those whom it sent away together do not come back together. `random` in [0, 1).
 */
export function awayMs(askedMs: number, random: number): number {
  return askedMs + random * (askedMs / 2 + 250);
}
