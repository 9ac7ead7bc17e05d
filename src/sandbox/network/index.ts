// network: where pods get their addresses, and how Service addresses work without a mesh. In: pods, Services,
// EndpointSlices. Out: network namespaces and packet rules, or addresses of 127.0.0.0/8 where there is no root.
export { LoopbackNetwork } from './loopback.ts';
export { NamespaceNetwork, NETWORK } from './namespaces.ts';
export { namespacesWith, processesIn } from './netns.ts';
export type { PodLink, PodNetwork } from './pod-network.interface.ts';
export { ServiceProxy } from './service-proxy.ts';
export { readyTargets } from './service-rules.ts';
