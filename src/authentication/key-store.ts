import type { JwtRule } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { KeySet } from './key-set.ts';
import { type FetchKeys, type KeysWatcher, RemoteKeys } from './remote-keys.ts';

/** As in Istio, where a rule does not say. */
const DEFAULT_TIMEOUT_MS = 5_000;

/** The keys of one rule, wherever they come from. */
export interface RuleKeys {
  readonly keys: KeySet | undefined;
  /** Why there are none. */
  readonly why: string;
  /** Differs whenever the keys do. */
  readonly version: number;
  /** See RemoteKeys.renew; undefined for keys that stand in the rule. */
  readonly renew?: () => Promise<void>;
}

/** What a store of keys needs. */
export interface KeyStoreOptions {
  readonly clock: Clock;
  readonly fetch: FetchKeys;
  readonly watcher: KeysWatcher;
  readonly random?: () => number;
}

/** The keys of all rules of a proxy. Rules that name one address share what is fetched there. */
export class KeyStore {
  readonly #options: KeyStoreOptions;
  readonly #remote = new Map<string, RemoteKeys>();

  constructor(options: KeyStoreOptions) {
    this.#options = options;
  }

  /** The keys of a rule; begins to fetch those of an address that is new. */
  of({ jwks, jwksUri, discoveryUri, timeoutMs = DEFAULT_TIMEOUT_MS }: JwtRule): RuleKeys {
    const uri = jwksUri ?? discoveryUri;
    if (uri === undefined || jwks !== undefined) return inlineKeys(jwks ?? '');
    let remote = this.#remote.get(uri);
    if (remote === undefined) {
      const { clock, watcher, random = Math.random } = this.#options;
      const fetch = jwksUri === undefined ? discovering(this.#options.fetch) : this.#options.fetch;
      remote = new RemoteKeys({ uri, timeoutMs, clock, fetch, watcher, random });
      this.#remote.set(uri, remote);
      remote.start();
    }
    const keys = remote;
    return {
      get keys() {
        return keys.keys;
      },
      get why() {
        return `the keys at ${uri} could not be had: ${keys.why}`;
      },
      get version() {
        return keys.version;
      },
      renew: () => keys.renew(),
    };
  }

  /** Lets go of the addresses that none of these rules names. */
  keepOnly(rules: readonly JwtRule[]): void {
    const named = new Set(rules.map(each => each.jwksUri ?? each.discoveryUri));
    for (const [uri, remote] of this.#remote) {
      if (named.has(uri)) continue;
      remote.close();
      this.#remote.delete(uri);
    }
  }

  close(): void {
    this.keepOnly([]);
  }
}

/** OpenID Connect Discovery 1.0, section 4: what is fetched says where the keys are. */
function discovering(fetch: FetchKeys): FetchKeys {
  return async (uri, timeoutMs) => {
    const { text } = await fetch(uri, timeoutMs);
    let found: unknown;
    try {
      found = (JSON.parse(text) as { readonly jwks_uri?: unknown } | null)?.jwks_uri;
    } catch {
      throw new Error('the answer is no JSON; write jwksUri');
    }
    if (typeof found !== 'string' || !/^https?:\/\//.test(found) || !URL.canParse(found))
      throw new Error('the answer names no jwks_uri; write jwksUri');
    return fetch(found, timeoutMs);
  };
}

function inlineKeys(text: string): RuleKeys {
  const keys = KeySet.read(text);
  if (typeof keys !== 'string') return { keys, why: '', version: 0 };
  return { keys: undefined, why: `its jwks ${keys}`, version: 0 };
}
