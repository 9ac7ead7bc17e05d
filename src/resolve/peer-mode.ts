import { type MtlsMode, matchesLabels, type PeerPolicy, type Workload } from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';

/** Which connections a workload accepts, and who said so; nobody: both plaintext and mesh TLS. */
export interface PeerMode {
  readonly mode: MtlsMode;
  readonly policy?: PeerPolicy;
}

/** The modes of one workload: in general, and for single ports. */
export interface PeerModes {
  readonly general: PeerMode;
  /** Ports that have a mode of their own. */
  readonly ports: ReadonlyMap<number, PeerMode>;
}

/**
 * Istio's order (PeerAuthentication reference): of each scope only the oldest policy counts; a port of the workload's policy,
 * then that policy, then the namespace's, then the mesh's; what is unset is left to the next.
 */
export function peerModes(reader: MeshReader, workload: Workload): PeerModes {
  const own = reader.policies('peerPolicies', workload.namespace);
  const selected = own.find(({ selector }) => selector && matchesLabels(selector, workload.labels));
  const namespaced = own.find(({ selector }) => !selector);
  const meshWide = reader.policies('peerPolicies', '').find(({ selector }) => !selector);
  const deciding = [selected, namespaced, meshWide].find(policy => policy?.mode !== undefined);
  const general: PeerMode = deciding ? { mode: deciding.mode!, policy: deciding } : { mode: 'permissive' };
  const ports = new Map<number, PeerMode>();
  for (const [port, mode] of selected?.portModes ?? []) ports.set(port, { mode, policy: selected! });
  return { general, ports };
}

/** The mode of one port of the workload. */
export function peerMode(reader: MeshReader, workload: Workload, port: number): PeerMode {
  const modes = peerModes(reader, workload);
  return modes.ports.get(port) ?? modes.general;
}
