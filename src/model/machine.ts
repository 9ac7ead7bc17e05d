/**
 * The name in Mesh.workloads of a machine outside of the cluster, whose WorkloadEntry is called `name`; its proxy is told it as
 * --pod-name. No pod can be called so.
 */
export function machineName(name: string): string {
  return `vm~${name}`;
}
