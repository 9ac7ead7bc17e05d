import { Authenticator, type FetchKeys, KeyStore, TokenCounts } from '../../authentication/index.ts';
import { equal, type JwtRule } from '../../model/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Clock } from '../../time/index.ts';

const none: readonly JwtRule[] = [];

/** Who verifies the tokens of requests to this pod: one for all of its ports, so that they share what is known of tokens. */
export class PortAuthentication {
  readonly counts: TokenCounts;
  readonly #clock: Clock;
  readonly #keys: KeyStore;
  #rules: readonly JwtRule[] = none;
  #authenticator: Authenticator | undefined;

  constructor(clock: Clock, log: Log, fetch: FetchKeys, counts: TokenCounts = new TokenCounts()) {
    this.#clock = clock;
    this.counts = counts;
    this.#keys = new KeyStore({
      clock,
      fetch,
      watcher: {
        onKeys(uri, isNew) {
          counts.fetched('ok');
          if (isNew) log.info({ uri }, 'the keys of an issuer of tokens came');
        },
        onFailure(uri, why, hasKeys) {
          counts.fetched('failed');
          const meanwhile = hasKeys
            ? 'those that came before hold on'
            : 'until they come, tokens that need them are refused (401); see docs/authentication.md';
          log.warn({ uri, why }, `the keys of an issuer of tokens could not be had: ${why}; ${meanwhile}`);
        },
      },
    });
  }

  /** Takes rules over. What is known of keys and tokens stays where the rules are the same. */
  apply(rules: readonly JwtRule[] = none): void {
    if (equal(rules, this.#rules)) return;
    this.#rules = rules;
    this.#authenticator =
      rules.length === 0 ? undefined : new Authenticator(rules, this.#keys, this.#clock, this.counts);
    this.#keys.keepOnly(rules);
  }

  /** Undefined where no rule says anything of tokens. */
  get authenticator(): Authenticator | undefined {
    return this.#authenticator;
  }

  close(): void {
    this.#keys.close();
  }
}
