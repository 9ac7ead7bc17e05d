import { isIpAddress } from './address.ts';
import type { Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';

/**
 * The name in Mesh.workloads of a machine outside of the cluster, whose WorkloadEntry is called `name`; its proxy is told it as
 * --pod-name. No pod can be called so.
 */
export function machineName(name: string): string {
  return `vm~${name}`;
}

/** What the name of an object may have. */
const LONGEST_NAME = 253;

/** The name of the WorkloadEntry that a machine of `group` gets: as Istio forms it, `billing-192.0.2.10`. */
export function machineEntryName(group: string, address: string): string {
  const name = `${group}-${address.replaceAll(':', '-')}`;
  return name.slice(-LONGEST_NAME).replace(/^[^a-z0-9]+|[^a-z0-9]+$/gi, '');
}

/** How it is found out whether the app of a machine is well; times in milliseconds, defaults filled in. */
export interface MachineProbe {
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  /** So many successes, or failures, in a row turn it. */
  readonly successThreshold: number;
  readonly failureThreshold: number;
  readonly check: MachineCheck;
}

/** One check, made on the machine. Without a host: at the machine's own address. */
export type MachineCheck =
  | {
      readonly kind: 'http';
      readonly host?: string;
      readonly port: number;
      readonly path: string;
      readonly scheme: 'HTTP' | 'HTTPS';
      readonly headers: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly kind: 'tcp'; readonly host?: string; readonly port: number }
  | { readonly kind: 'grpc'; readonly port: number; readonly service?: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

/** A WorkloadGroup: what the WorkloadEntries of machines that join under its name are made from. */
export interface MachineGroup {
  readonly namespace: string;
  readonly name: string;
  /** Of the object, '' where nobody says; its entries name it as their owner. */
  readonly uid: string;
  /** Of the object as it stands, for the owner reference: `networking.istio.io/v1`. */
  readonly apiVersion: string;
  /** Of the metadata of entries. */
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly template: {
    readonly serviceAccount: string;
    readonly labels: Labels;
    readonly ports: Readonly<Record<string, number>>;
    readonly weight?: number;
    readonly locality?: string;
    readonly network?: string;
  };
  /** Ranges in which the addresses of its machines lie; undefined: anywhere. */
  readonly addresses?: readonly string[];
  readonly probe?: MachineProbe;
  readonly from: ObjectRef;
}

/** What a machine says of itself when its proxy connects. */
export interface MachineClaim {
  /** Name of the WorkloadGroup in the machine's namespace. */
  readonly group: string;
  /** An IP address of the machine at which its app is called. */
  readonly address: string;
  /** Where its proxy takes mesh TLS for all ports, where nothing is redirected. */
  readonly tunnelPort?: number;
}

/** Why that is no claim; undefined where it is one. */
export function machineClaimFault({ group, address, tunnelPort }: MachineClaim): string | undefined {
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(group))
    return `'${group}' is no name of a WorkloadGroup`;
  if (!isIpAddress(address)) return `'${address}' is no IP address`;
  if (tunnelPort !== undefined && !(tunnelPort >= 1 && tunnelPort <= 65_535))
    return `'${tunnelPort}' is no port`;
  return undefined;
}
