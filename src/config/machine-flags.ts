import { WeftError } from '../errors/index.ts';
import {
  canonicalAddress,
  type MachineClaim,
  machineClaimFault,
  machineEntryName,
  machineName,
} from '../model/index.ts';

/** A machine outside of the cluster that gets its WorkloadEntry from a WorkloadGroup when it connects. */
export interface MachineConfig {
  readonly claim: MachineClaim;
  /** Whether the group may have programs run here to find out how the app is. */
  readonly execProbes: boolean;
}

/** What of a proxy's configuration a machine follows from. */
export interface MachineFlags {
  /** Name of the WorkloadGroup; '' for none. */
  readonly group: string;
  /** `--pod-name` as it was given; undefined where it was not. */
  readonly podName: string | undefined;
  readonly addresses: readonly string[];
  /** Where mesh TLS is taken for all ports; undefined where traffic is redirected. */
  readonly tunnelPort: number | undefined;
  readonly execProbes: boolean;
}

/**
 * The machine and the name of its pod, which follows from group and address; undefined where it names no group. Throws the
 * WeftError `bad-configuration`.
 */
export function readMachine({
  group,
  podName,
  addresses,
  tunnelPort,
  execProbes,
}: MachineFlags): { readonly machine: MachineConfig; readonly podName: string } | undefined {
  if (group === '') return undefined;
  const [given] = addresses;
  if (given === undefined)
    throw bad('--workload-group needs --pod-ips with the address of this machine at which its app is called');
  const claim = {
    group,
    address: canonicalAddress(given),
    ...(tunnelPort !== undefined && { tunnelPort }),
  };
  const fault = machineClaimFault(claim);
  if (fault !== undefined) throw bad(`--workload-group or --pod-ips: ${fault}`);
  const name = machineName(machineEntryName(group, claim.address));
  if (podName !== undefined && podName !== name)
    throw bad(`--pod-name is '${podName}', and with --workload-group it is ${name}; leave it out`);
  return { machine: { claim, execProbes }, podName: name };
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
