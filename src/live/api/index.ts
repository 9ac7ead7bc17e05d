// live/api: people's questions to running proxies, over HTTP, served by the control plane. In: requests with a proof of who asks.
// Out: JSON lines of what the proxies say, from all replicas, and refusals that name the right that is missing.
//
// To serve another kind of question: a row in main/live-routes.ts with `askRoute`. Anything else is a LiveRoute of its own.
export {
  type Access,
  type AccessDenied,
  type Caller,
  type Proof,
  type Right,
  rightText,
} from './access.interface.ts';
export { type AskKind, askRoute, type LiveLine, type LivePlace } from './ask-route.ts';
export { ClusterAccess, type ClusterAccessOptions, isIssuedByAny, type Review } from './cluster-access.ts';
export type { LineStream } from './line-stream.ts';
export { askPeer, type Peer, type PeerCredentials } from './peers.ts';
export {
  CLIENT_HEADER,
  type LiveAnswer,
  type LiveRequest,
  type LiveRoute,
  type LiveServerOptions,
  type LiveTls,
  startLiveServer,
} from './server.ts';
export { tapKind } from './tap-kind.ts';
export { podsMeant } from './targets.ts';
export { TokenAccess } from './token-access.ts';
