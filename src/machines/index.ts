// machines: the WorkloadEntries of machines outside of the cluster, written from a WorkloadGroup when one connects, kept while it
// is there, with its health in their status, and taken away when it has been away for long. In: what connects, groups, entries.
// Out: calls of the Kubernetes API.

export { isRegistered, WORKLOAD_ENTRY } from './entry.ts';
export { MachineRegistrar, type RegistrarOptions } from './registrar.ts';
