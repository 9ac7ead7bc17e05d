// machines/health: in the proxy of a machine outside of the cluster, how its app is: asked as its WorkloadGroup says, and told
// the control plane, which writes it into the machine's entry. Loaded only by machines that join a group.

export { MachineHealth, type MachineHealthOptions } from './machine-health.ts';
