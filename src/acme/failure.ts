import { WeftError } from '../errors/index.ts';

/**
 * Why a certificate could not be had. Codes: acme-unreachable, acme-refused, acme-rate-limited, acme-challenge-failed,
 * acme-timeout.
 */
export class AcmeFailure extends WeftError {
  /** How long the server asks to stay away. */
  readonly retryAfterMs: number | undefined;
  /** The problem's type without its namespace (RFC 8555 section 6.7): `rateLimited`; '' where the server said none. */
  readonly type: string;
  /** Whether it is about the server or the account, so that no other certificate could be had either. */
  readonly concernsAll: boolean;

  constructor(
    code: string,
    message: string,
    {
      retryAfterMs,
      type = '',
      concernsAll = false,
    }: { readonly retryAfterMs?: number; readonly type?: string; readonly concernsAll?: boolean } = {},
  ) {
    super(code, message, { source: 'upstream' });
    this.retryAfterMs = retryAfterMs;
    this.type = type;
    this.concernsAll = concernsAll;
  }
}
