import type { LabelSelector } from '../../model/index.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import type { Pod, PodSpec } from './pod.ts';

/** What the pods of a workload are made from. */
export interface PodTemplate {
  readonly metadata?: Partial<Omit<ObjectMeta, 'name' | 'namespace'>>;
  readonly spec: PodSpec;
}

/** A number of pods, or a percentage of them (`25%`). */
export type IntOrPercent = number | string;

/** A Deployment. */
export interface Deployment extends KubeObject {
  readonly kind: 'Deployment';
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: LabelSelector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate';
      readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent };
    };
  };
}

/** A ReplicaSet: one version of a Deployment's pods. */
export interface ReplicaSet extends KubeObject {
  readonly kind: 'ReplicaSet';
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: LabelSelector;
    readonly template: PodTemplate;
  };
}

/** A StatefulSet: pods with a number and a name of their own. */
export interface StatefulSet extends KubeObject {
  readonly kind: 'StatefulSet';
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly podManagementPolicy?: 'OrderedReady' | 'Parallel';
    readonly updateStrategy?: {
      readonly type?: 'RollingUpdate' | 'OnDelete';
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
    readonly template: PodTemplate;
  };
}

/** A DaemonSet: one pod on every node, and the sandbox has one node. */
export interface DaemonSet extends KubeObject {
  readonly kind: 'DaemonSet';
  readonly spec: { readonly template: PodTemplate };
}

/** A Job: pods that run until enough of them succeeded. */
export interface Job extends KubeObject {
  readonly kind: 'Job';
  readonly spec: {
    readonly completions?: number;
    readonly parallelism?: number;
    readonly backoffLimit?: number;
    readonly suspend?: boolean;
    readonly ttlSecondsAfterFinished?: number;
    readonly template: PodTemplate;
  };
  readonly status?: JobStatus;
}

/** How far a Job is. */
export interface JobStatus {
  readonly active?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly {
    readonly type: 'Complete' | 'Failed';
    readonly status: 'True';
    readonly reason?: string;
    readonly message?: string;
  }[];
}

/** A CronJob: makes a Job whenever its schedule says so. */
export interface CronJob extends KubeObject {
  readonly kind: 'CronJob';
  readonly spec: {
    readonly schedule: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: { readonly metadata?: PodTemplate['metadata']; readonly spec: Job['spec'] };
  };
}

/**
 * A Pod as a folder holds it. The sandbox keeps it apart from the live Pod that is made from it, so that bare pods are
 * made, admitted and replaced like those of any other workload. Never leaves the sandbox.
 */
export interface BarePod extends KubeObject {
  readonly kind: 'BarePod';
  readonly spec: { readonly template: PodTemplate };
}

/** The BarePod that a written Pod means. */
export function barePod(pod: Pod): BarePod {
  const { labels, annotations, name, namespace } = pod.metadata;
  return {
    apiVersion: 'sandbox.weft.dev/v1',
    kind: 'BarePod',
    metadata: { name, namespace, labels },
    spec: { template: { metadata: { labels, annotations }, spec: pod.spec } },
  };
}
