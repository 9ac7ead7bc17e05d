// authentication: whom a request comes from by the token that it brings (JSON Web Tokens, RFC 7519). In: rules of policies and a
// request's head; out: what its token says, or why it is refused. Knows no proxy: proxy/filters/tokens.ts asks it.
export {
  type Accepted,
  Authenticator,
  type Judgement,
  type Refused,
  type RunningRule,
} from './authenticator.ts';
export { TokenClaims } from './claims.ts';
export { keyFetcher, MAX_KEYS_BYTES } from './fetch-keys.ts';
export { KeySet } from './key-set.ts';
export { KeyStore } from './key-store.ts';
export type { FetchedKeys, FetchKeys, KeysWatcher } from './remote-keys.ts';
export { TokenCounts } from './token-counts.ts';
export { MAX_TOKEN_BYTES, type TokenFault } from './verify.ts';
