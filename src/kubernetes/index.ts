// kubernetes: the Kubernetes API as the rest of Weft uses it. In: a kubeconfig or the pod's own account. Out: calls whose
// failures are results (KubeClient), objects of a kind kept current (Reflector), what the server serves (discover), and
// who of several replicas does what must be done once (LeaderElection).
//
// Loading this room loads @kubernetes/client-node, which costs some 27 MB: a sidecar imports it only when it is asked to talk
// to the API server itself.

export { ApiError, type ApiFailure } from './api-error.ts';
export {
  type ApiCall,
  type ApiObject,
  type ClientProof,
  KubeClient,
  type KubeClientOptions,
} from './client.ts';
export { type Discovered, discover } from './discover.ts';
export { isInCluster, type KubeconfigChoice } from './kubeconfig.ts';
export { LeaderElection, type LeaderElectionOptions } from './leader-election.ts';
export { ListStreams } from './list-streams.ts';
export { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts';
export {
  apiVersionOf,
  collectionPath,
  FIELD_MANAGER,
  groupKindOf,
  objectPath,
  type ResourceType,
  resourceName,
  TYPES,
} from './resource-type.ts';
export { rest } from './rest.ts';
export { Turns } from './turns.ts';
