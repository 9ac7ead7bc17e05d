import type { Account } from './account.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-host.ts';
import type { RequestSoFar } from './request-so-far.ts';
import type { StreamInfo } from './stream-info.ts';
import type { TimeLimits } from './time-limits.ts';
import type { Tries } from './tries.ts';

/** What the parts of an exchange share. Made once for a stream, and taken apart by whoever is made of it. */
export interface ExchangeParts {
  readonly services: ExchangeServices;
  readonly host: ExchangeHost;
  readonly request: RequestSoFar;
  readonly info: StreamInfo;
  readonly tries: Tries;
  readonly limits: TimeLimits;
  readonly account: Account;
}
