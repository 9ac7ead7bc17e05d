// sandbox: the whole mesh on one Linux machine, without a cluster. In: a folder of ordinary Kubernetes YAML. Out: its pods
// as processes, each in a network namespace of its own, with init containers, probes, Services, DNS, injected proxies,
// and a control plane; or, without root, on loopback addresses.
//
//   client     what the command line and programs use: start, ask, take down
//   agent      the background process of a sandbox, its API, the mesh in it, the way in from outside
//   kube       typed objects, the store that holds them, applying what users wrote
//   controllers  Deployments, StatefulSets, Jobs … to pods; Services to EndpointSlices: pure functions and one loop
//   kubelet    the life of pods and containers: order, probes, restarts, hooks, volumes
//   runtime    containers as processes: mount namespaces, users, logs
//   network    namespaces and links, Service addresses; or loopback addresses
//   dns        the cluster's name server
//   host       what a sandbox leaves on the machine, and how all of it is found again
//
// State: objects live in the agent's memory; everything that must be found after a crash is in the kernel (namespaces,
// processes) or in the sandbox's folder below /run/weft-sandbox.
export {
  type ContainerView,
  type Forward,
  OPEN,
  type PodView,
  runAgent,
  runGate,
  type SandboxView,
  type ServiceView,
  type WorkloadView,
} from './agent/index.ts';
export {
  describePod,
  type FetchOptions,
  type FetchResult,
  followFile,
  type LogFile,
  logFiles,
  missingLines,
  podsWithLogs,
  Sandbox,
  takeDown,
  type UpOptions,
  type WaitOptions,
} from './client/index.ts';
export { defaultName, machineCapabilities, SandboxFolder, sandboxNames } from './host/index.ts';
export {
  choosePod,
  inNamespace,
  type KubeObject,
  parseTarget,
  type SandboxEvent,
  type Target,
} from './kube/index.ts';
