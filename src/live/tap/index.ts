// live/tap: live requests. In the proxy: what a tap watches, which requests it tells, and what of them. In the control plane and
// the command line: the question, and names for the ends of a request. In: ObservedRequests. Out: TapItems; never a body, never
// a secret header.
export { itemOfRequest, withoutSecrets } from './describe.ts';
export type { TapEnd, TapItem } from './item.ts';
export { TapMatch } from './match.ts';
export {
  DEFAULT_TAP_RPS,
  isSensitive,
  MAX_TAP_RPS,
  readTapQuestion,
  type TapDestination,
  type TapQuestion,
} from './question.ts';
export { tapAnswerer, type Watchable } from './tap.ts';
