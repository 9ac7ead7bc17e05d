// dns: the wire of DNS, and the responder of a machine outside of the cluster. In: questions over UDP and TCP, what the mesh says
// of names, and the machine's own servers of names. Out: answers: those of the mesh made here, all others passed on as they came.

export { type Carried, overTcp, overUdp } from './carry.ts';
export { Forwarder } from './forwarder.ts';
export { type AnswerDns, DnsListener, type DnsVia } from './listener.ts';
export { MeshNames, type MeshNamesOptions } from './mesh-names.ts';
export { MachineResolvers } from './resolvers.ts';
export { Responder, type ResponderCounts, type ResponderOptions } from './responder.ts';
export { isOwnNetwork, RoutedAddresses } from './routed.ts';
export { readVirtualRange, VirtualAddresses } from './virtual-addresses.ts';
