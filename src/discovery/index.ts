// discovery: how resources get from the mesh to proxies. In: a Mesh with the facts that changed (Hub.update), proxies'
// subscriptions. Out: resources into the proxy's ResourceSink: over TLS (server.ts in the control plane, client.ts in the
// proxy, protocol.ts between them) or without a wire (in-process.ts). Only node: modules, because every sidecar loads it.

export type { AnswerSink, QuestionHandler, ResourceSink, ResourceStream } from './client.interface.ts';
export { DiscoveryClient, type DiscoveryClientOptions } from './client.ts';
export type { ControlPlane } from './control-plane-connection.ts';
export { beatEveryMs } from './heartbeat.ts';
export { Hub, type TrustTerms, type Watch } from './hub.ts';
export { type InProcessOptions, InProcessStream } from './in-process.ts';
export { type AskMessage, MAX_QUESTION_LENGTH, MAX_QUESTIONS, type Question } from './protocol.ts';
export { type RemoteSignerOptions, remoteSigner } from './remote-signer.ts';
export {
  type ArrivingMachine,
  type AskableProxies,
  type AskableProxy,
  type CredentialSource,
  DEFAULT_LIMITS,
  type DiscoveryLimits,
  type DiscoveryObserver,
  type DiscoveryServerOptions,
  type MachineArrivals,
  type MachinePresence,
  type QuestionListener,
  type ResourceStatus,
  type Signer,
  type StreamStatus,
} from './server.interface.ts';
export { DiscoveryServer } from './server.ts';
export { Snapshot, type SnapshotOptions } from './snapshot.ts';
