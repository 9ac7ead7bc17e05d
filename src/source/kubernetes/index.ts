// source/kubernetes: Services, endpoints, Pods, Namespaces, Nodes and the policies that dialects read, from the API server.
// In: a KubeClient. Out: pruned objects in the registry, and problems with reading them. Not part of source/index.ts,
// because loading it loads the Kubernetes client: whoever wants it imports this file when it is wanted.

export { KubernetesSource, type KubernetesSourceOptions } from './kubernetes-source.ts';
export { type Prune, pruneOf } from './prune.ts';
