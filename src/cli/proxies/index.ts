// proxies: finds the pods that have a proxy, in a cluster or in a sandbox, and asks each what its port 15020 or its admin
// endpoint tells. In: flags. Out: pods, and text or the reason why there is none. What it means is for the command.
export { type AdminEndpoint, adminAddress, adminAt } from './admin.ts';
export {
  type Answered,
  askAll,
  choosePod,
  choosePods,
  openMesh,
  type PodFlags,
  type ProxyFlags,
  podFlags,
  proxyFlags,
} from './ask.ts';
export { readExposition, type Sample } from './exposition.ts';
export type { LogWish, Mesh, MeshEvent, MeshPod, RunningMesh } from './mesh.interface.ts';
