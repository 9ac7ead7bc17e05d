// The annotation `weft.dev/status`: what inject did to a pod, in enough detail to undo it exactly.
import { ANNOTATIONS } from '../../src/config/index.ts';
import { type Handler, isMap, type Metadata, type PodTemplate } from './pod.ts';

/** Written by inject, read by uninject, by source/ (its presence says that the pod is meshed) and by people. */
export interface InjectionStatus {
  readonly version: string;
  /** Of the control plane whose proxy it is; absent: the default's. */
  readonly revision?: string;
  /** How the proxy runs: as a native sidecar, or as the first ordinary container. */
  readonly mode: 'native' | 'classic';
  readonly image: string;
  /** Names of what was added. */
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  /** Annotations that were set: the value now, and the one before if there was one. */
  readonly annotations: Readonly<Record<string, { readonly now: string; readonly was?: string }>>;
  /** Original handlers of rewritten probes and hooks, by the path that the kubelet now asks. */
  readonly probes?: Readonly<Record<string, Handler>>;
  /** Containers whose command was wrapped. */
  readonly wrapped?: readonly string[];
  /** Containers that were told of the proxy by variables. */
  readonly named?: readonly string[];
  /** Containers that were given a preStop hook. */
  readonly preStop?: readonly string[];
  /** Fields that inject had to create: missing before, or null. */
  readonly created: Readonly<Record<string, 'absent' | 'null'>>;
}

/** The text of the annotation: one line of JSON. */
export function formatStatus(status: InjectionStatus): string {
  return JSON.stringify(status);
}

/** The status of an injected pod, undefined when it has none, `unreadable` when the annotation is not one of inject's. */
export function readStatus(pod: PodTemplate): InjectionStatus | 'unreadable' | undefined {
  const text = statusText(pod.metadata);
  if (text === undefined) return undefined;
  try {
    const status: unknown = JSON.parse(text);
    return isStatus(status) ? status : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

function statusText(metadata: Metadata | null | undefined): string | undefined {
  return metadata?.annotations?.[ANNOTATIONS.status];
}

function isStatus(value: unknown): value is InjectionStatus {
  if (!isMap(value)) return false;
  const {
    version,
    initContainers,
    containers,
    volumes,
    annotations,
    created,
    probes,
    wrapped,
    named,
    preStop,
  } = value;
  if (typeof version !== 'string') return false;
  if (![initContainers, containers, volumes, wrapped ?? [], named ?? [], preStop ?? []].every(isNames))
    return false;
  if (!isMap(annotations) || !isMap(created)) return false;
  if (!Object.values(annotations).every(isChange)) return false;
  return probes === undefined || (isMap(probes) && Object.values(probes).every(isMap));
}

function isChange(value: unknown): boolean {
  return (
    isMap(value) &&
    typeof value.now === 'string' &&
    (value.was === undefined || typeof value.was === 'string')
  );
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(name => typeof name === 'string');
}
