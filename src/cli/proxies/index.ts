// proxies: finds the pods that have a proxy, in a cluster or in a sandbox, and asks each what its port 15020 tells. In: flags.
// Out: pods, and text or the reason why there is none. What it means is for the command.
export { type Answered, askAll, choosePods, openMesh, type ProxyFlags, proxyFlags } from './ask.ts';
export { readExposition, type Sample } from './exposition.ts';
export { labelSelector } from './label-selector.ts';
export type { Mesh, MeshPod } from './mesh.interface.ts';
