import type { KubeObject } from './object.ts';

/** A Pod: what should run (spec) and what does (status). */
export interface Pod extends KubeObject {
  readonly kind: 'Pod';
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

/** What a pod consists of. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly restartPolicy?: RestartPolicy;
  readonly serviceAccountName?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly nodeName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly activeDeadlineSeconds?: number;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly shareProcessNamespace?: boolean;
  readonly securityContext?: PodSecurityContext;
  readonly hostAliases?: readonly { readonly ip: string; readonly hostnames?: readonly string[] }[];
}

/** When a container that ended starts again. */
export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** One container; the sandbox runs `command` and `args` as a process and ignores `image`, unless it is Weft's own. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly EnvFrom[];
  readonly ports?: readonly ContainerPort[];
  readonly volumeMounts?: readonly VolumeMount[];
  readonly resources?: { readonly limits?: ResourceList; readonly requests?: ResourceList };
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler };
  readonly securityContext?: SecurityContext;
  /** Only for init containers: `Always` makes it a sidecar that runs beside the pod's containers. */
  readonly restartPolicy?: RestartPolicy;
}

/** Quantities by resource name, as Kubernetes writes them (`100m`, `128Mi`). */
export type ResourceList = Readonly<Record<string, string | number>>;

/** A port that a container says it listens on. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

/** Who the containers of a pod run as unless they say otherwise, and which groups they and their volumes belong to. */
export interface PodSecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  /** Owns the volumes, and every container is in it. */
  readonly fsGroup?: number;
  readonly supplementalGroups?: readonly number[];
}

/** Who a container runs as, and which capabilities it has. */
export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly privileged?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
}

/** One environment variable: a value, or where to find it. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: {
      readonly containerName?: string;
      readonly resource: string;
      readonly divisor?: string | number;
    };
    readonly configMapKeyRef?: KeyRef;
    readonly secretKeyRef?: KeyRef;
  };
}

/** One key of a ConfigMap or Secret. */
export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

/** All keys of a ConfigMap or Secret as environment variables. */
export interface EnvFrom {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
}

/** Where a container sees a volume. */
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

/** Key of the source and the file that shows it. */
export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

/** A ConfigMap or Secret as files. */
export interface NamedFiles {
  readonly name?: string;
  readonly secretName?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
  /** Permission bits of files whose item names none; 0644 unless given. */
  readonly defaultMode?: number;
}

/** Pod fields as files. */
export interface DownwardFiles {
  readonly items?: readonly {
    readonly path: string;
    readonly mode?: number;
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly containerName?: string; readonly resource: string };
  }[];
  readonly defaultMode?: number;
}

/** One part of a projected volume. */
export interface Projection {
  readonly configMap?: NamedFiles;
  readonly secret?: NamedFiles;
  readonly downwardAPI?: DownwardFiles;
  readonly serviceAccountToken?: {
    readonly path: string;
    readonly audience?: string;
    readonly expirationSeconds?: number;
  };
}

/** A volume: a folder that containers of a pod share. */
export interface Volume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly configMap?: NamedFiles;
  readonly secret?: NamedFiles;
  readonly downwardAPI?: DownwardFiles;
  readonly projected?: { readonly sources?: readonly Projection[]; readonly defaultMode?: number };
  readonly hostPath?: { readonly path: string };
  /** A folder of the sandbox that outlives the pod. */
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** How to find out about a container's health. */
export interface Probe {
  readonly httpGet?: HttpGet;
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly exec?: { readonly command?: readonly string[] };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** An HTTP request of a probe or hook. */
export interface HttpGet {
  readonly path?: string;
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: 'HTTP' | 'HTTPS';
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

/** What runs after a container started or before it is stopped. */
export interface Handler {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: HttpGet;
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly sleep?: { readonly seconds: number };
}

/** The stage of a pod's life. */
export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** What the kubelet reports of a pod. */
export interface PodStatus {
  readonly phase: PodPhase;
  readonly reason?: string;
  readonly message?: string;
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly conditions?: readonly PodCondition[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

/** One condition of a pod, such as Ready. */
export interface PodCondition {
  readonly type: 'Initialized' | 'Ready' | 'ContainersReady' | 'PodScheduled';
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** What one container does now, and how it ended the time before. */
export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  /** Of the sandbox: the id of the running process on this machine. */
  readonly pid?: number;
  /** Of the sandbox: why the startup or readiness probe is not content. */
  readonly complaint?: string;
}

/** Exactly one of the three; all absent as `lastState` of a container that never ended. */
export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly signal?: string;
    readonly reason: string;
    /** The last lines of the log when it failed. */
    readonly message?: string;
    readonly startedAt: string;
    readonly finishedAt: string;
  };
}

/** Whether the pod's Ready condition holds. */
export function isPodReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ?? false;
}

/** Whether the pod has ended for good. */
export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether somebody asked for the pod to go. */
export function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}
