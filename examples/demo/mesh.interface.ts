import type { Duplex } from 'node:stream';

/** A pod of the demo, as it is now. */
export interface DemoPod {
  readonly name: string;
  readonly namespace: string;
  /** Unlike the name, never used again. */
  readonly uid: string;
  /** The Deployment or StatefulSet it belongs to. */
  readonly workload: string;
  /** Its `app` and `version` labels. */
  readonly app: string;
  readonly version: string;
  readonly address: string;
  /** Whether it has a proxy. */
  readonly meshed: boolean;
  readonly ready: boolean;
}

/** What the demo needs of whatever runs the mesh; the sandbox stands behind it, see sandbox-mesh.ts. */
export interface DemoMesh {
  /** Whether the pods' traffic is intercepted. False where root or iptables are missing: the apps then know a proxy address. */
  readonly transparent: boolean;
  pods(): Promise<readonly DemoPod[]>;
  /** A connection to a port of a pod, from outside the mesh. */
  dial(pod: DemoPod, port: number): Promise<Duplex>;
  /** An address on this machine where a port of a Service answers, for a browser; undefined when it cannot be opened. */
  open(service: string, port: number): Promise<string | undefined>;
  /** The address of the dashboard, for a browser on this machine; undefined when it cannot be opened. */
  dashboard(): Promise<string | undefined>;
  /** The pod's proxy and app die at once, without a goodbye; they are started again like after any crash. */
  kill(pod: DemoPod): Promise<void>;
  /** A rolling restart; resolves when the new pods are ready and the old ones gone. */
  restart(namespace: string, workload: string): Promise<void>;
  /** Puts Kubernetes objects (YAML) in force, or takes them back. */
  apply(name: string, yaml: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** What the pod's containers printed, those of pods that are gone included. */
  logs(pod: { readonly namespace: string; readonly name: string }): Promise<string>;
  /** Everything the mesh made goes away; what could not be removed, in words. */
  down(): Promise<readonly string[]>;
}
