import type { AdminEndpoint } from './admin.ts';

/** A pod, as far as these commands need it. */
export interface MeshPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `Running`, `Pending`, … */
  readonly phase: string;
  /** What it belongs to: the Deployment's name, not its ReplicaSet's; undefined for a pod of nobody's. */
  readonly workload?: string;
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

/** Which lines of a log. */
export interface LogWish {
  /** Those of the last so many seconds; undefined for all. */
  readonly sinceSeconds?: number;
  /** At most so many from the end; undefined for all. */
  readonly tail?: number;
  /** Goes on as more is written. */
  readonly follow: boolean;
}

/** Something that happened to an object, as Kubernetes tells it. */
export interface MeshEvent {
  /** Since the epoch. */
  readonly atMs: number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** `Pod`, `Deployment`, … */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly message: string;
  /** How often. */
  readonly count: number;
  /** Who says so: `weft-injector`, `kubelet`; '' where nobody is named. */
  readonly from: string;
}

/** A mesh whose pods are reached beside what they answer on ports: admin endpoint, logs, events. */
export interface RunningMesh extends Mesh {
  /** The admin endpoint of a pod's proxy; to be closed. Rejects with a WeftError where it cannot be reached. */
  admin(pod: MeshPod): Promise<AdminEndpoint>;
  /** Hands each line of a proxy's log to `onLine`. Resolves when there are no more; rejects with a WeftError that says why. */
  log(pod: MeshPod, wish: LogWish, onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** Every event of a namespace or of all that is still kept, the oldest first. */
  events(namespace?: string): Promise<readonly MeshEvent[]>;
}
