import type { Identity } from './identity.ts';
import type { Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { InboundAccess } from './server-policy.ts';
import type { Protocol } from './service.ts';
import type { Site } from './site.ts';

/** A port that a workload's containers declare. */
export interface WorkloadPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: Protocol;
}

/** `skip`: all but these ports are intercepted. `only`: these and no others. `skip` wins. Ranges, both ends included. */
export interface InboundBypass {
  readonly skip: readonly (readonly [first: number, last: number])[];
  readonly only?: readonly (readonly [first: number, last: number])[];
}

/** Whether the workload's proxy sees inbound connections to this port. */
export function interceptsPort(workload: Workload, port: number): boolean {
  const { bypass } = workload;
  if (!bypass) return true;
  const within = ([first, last]: readonly [number, number]): boolean => first <= port && port <= last;
  return !bypass.skip.some(within) && (bypass.only?.some(within) ?? true);
}

/** A container that has ended, and how. It may be started again when the pod restarts what fails. */
export interface EndedContainer {
  readonly container: string;
  readonly exitCode: number;
}

/** One running instance: a pod, or a machine outside of the cluster. */
export interface Workload extends Site {
  readonly namespace: string;
  /** The pod's name, or machineName. */
  readonly name: string;
  /** Its own addresses; empty while it has none, and with the host's network, whose addresses many share. */
  readonly addresses: readonly string[];
  /** It has a node and will have an address of its own, which nobody has told yet: it may be calling already. */
  readonly awaitsAddress?: true;
  readonly identity: Identity;
  readonly labels: Labels;
  /** What the pod belongs to, for the metric label `*_workload`: the Deployment's name, not its ReplicaSet's. */
  readonly owner: { readonly kind: string; readonly name: string };
  /** Istio's canonical names: labels `service.istio.io/canonical-name`, `app.kubernetes.io/name`, `app`, else the owner. */
  readonly app: string;
  /** `service.istio.io/canonical-revision`, `app.kubernetes.io/version`, `version`, else `latest`. */
  readonly version: string;
  readonly ports: readonly WorkloadPort[];
  /** Whether a Weft proxy runs in it (annotation `weft.dev/status`), so that peers speak mesh TLS to it. */
  readonly meshed: boolean;
  readonly ready: boolean;
  /**
   * Not ready, and it has said so itself: its kubelet, or the proxy of its machine, has asked the app. Undefined where others
   * have judged, as of a node that is away.
   */
  readonly ill?: true;
  /** Inbound ports that its proxy does not see, so that nobody speaks mesh TLS to them; undefined: it sees all. */
  readonly bypass?: InboundBypass;
  /** Where its proxy takes mesh TLS for all of its ports, when its inbound traffic is not redirected; else undefined. */
  readonly tunnelPort?: number;
  /** Of a meshed pod that is meant to end (a Job's): the containers that have; undefined when none has. */
  readonly ended?: readonly EndedContainer[];
  /** Whom it lets in on ports that no Server selects; undefined where it says nothing. */
  readonly inboundAccess?: InboundAccess;
  /** Paths of probes over HTTP that are made at the app's own ports: not those that its proxy makes. */
  readonly probes?: readonly { readonly port: number; readonly path: string }[];
  /** Node.name, in the same cluster. */
  readonly node?: string;
  readonly zone?: string;
  /** Of a machine outside of the cluster: its share among equals, 1 unless told. */
  readonly weight?: number;
  /** `region/zone/subzone` where the pod itself says so (label istio-locality); otherwise it follows from zone and node. */
  readonly locality?: string;
  /** When it last became ready, milliseconds since the epoch; undefined while it is not, or when nobody says. */
  readonly readySinceMs?: number;
  readonly from: ObjectRef;
}

/** A machine that pods run on, and where it stands. */
export interface Node extends Pick<Site, 'cluster'> {
  readonly name: string;
  readonly region?: string;
  readonly zone?: string;
  readonly subzone?: string;
}
