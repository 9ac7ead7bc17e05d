/** A pod, as far as these commands need it. */
export interface MeshPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `Running`, `Pending`, … */
  readonly phase: string;
  /** The version of its proxy as inject wrote it; undefined for a pod without proxy. */
  readonly proxyVersion?: string;
}

/** A cluster or a sandbox. */
export interface Mesh {
  /** The words that show a proxy's log. */
  logCommand(pod: MeshPod): string;
  /** The words that restart the workload of a pod. */
  restartCommand(pod: MeshPod): string;
  /** The words that tell how the control plane is. */
  readonly checkCommand: string;
  /** Every pod of a namespace, or of all. Rejects with a WeftError when they cannot be listed. */
  pods(namespace?: string): Promise<readonly MeshPod[]>;
  /** The pods of the control plane. */
  controlPlanes(): Promise<readonly MeshPod[]>;
  /** GET of a port of a pod. Rejects with a WeftError that says why there is no text. */
  read(pod: MeshPod, port: number, path: string): Promise<string>;
}
