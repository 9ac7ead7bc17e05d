// Puts proxy and init container into a pod that has neither, and records how to take them out again.
import { ANNOTATIONS, DEFAULT_REVISION, type ExitWithApp } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import { mergeMetrics } from './metrics.ts';
import { namedProxyAnnotations, namedProxyWarnings, nameProxy, told } from './named-proxy.ts';
import { CONTAINERS, FOREIGN_ANNOTATIONS, MOUNTS, RUN_APP, VOLUMES } from './names.ts';
import type { InjectOptions } from './options.ts';
import { addedVolumes, initContainer, proxyContainer, runAppContainer } from './parts.ts';
import type { Container, PodSpec, PodTemplate } from './pod.ts';
import { addPreStop, hooked } from './pre-stop.ts';
import { type RewrittenProbes, rewriteProbes } from './probes.ts';
import type { PodSettings } from './settings.ts';
import { formatStatus, type InjectionStatus } from './status.ts';

/** A pod with the mesh in it. */
export interface Built {
  readonly pod: PodTemplate;
  readonly status: InjectionStatus;
  readonly warnings: readonly Problem[];
}

/** Injects unconditionally; `pod` must have been through every check, and have no injection in it. Never changes `pod`. */
export function build(
  pod: PodTemplate,
  settings: PodSettings,
  options: InjectOptions,
  object?: ObjectRef,
): Built {
  const { spec } = pod;
  const native = isNative(spec, options);
  const rewritten = options.rewriteProbes ? rewriteProbes(spec, object) : unchangedProbes(spec);
  const metrics = options.mergePrometheus ? mergeMetrics(pod, object) : { annotations: {}, warnings: [] };
  const job = native ? { wrapped: [], warnings: [] } : followApp(spec, options, object);
  const facts = { probes: rewritten.probes, appMetrics: metrics.appMetrics, exitWithApp: job.exitWithApp };
  const proxy = proxyContainer(facts, settings, options, native);
  const init = settings.redirection === 'init' ? [initContainer(settings, options)] : [];
  const isNamed = settings.redirection === 'none';
  const named = isNamed ? told(spec) : [];
  const withRunApp = job.wrapped.length > 0;
  const addedInit = native
    ? [...init, proxy]
    : withRunApp
      ? [runAppContainer(settings, options), ...init]
      : init;
  const volumes = addedVolumes(options, withRunApp);
  const preStop = hooked(spec);
  const containers = rewritten.containers.map(entry => {
    let result = entry;
    if (named.includes(entry.name)) result = nameProxy(result);
    if (preStop.includes(entry.name)) result = addPreStop(result, spec);
    return job.wrapped.includes(entry.name) ? wrap(result) : result;
  });
  const annotations = {
    ...metrics.annotations,
    ...settings.inboundAnnotations,
    ...(isNamed ? namedProxyAnnotations : {}),
    ...(native ? {} : defaultContainer(pod, spec.containers[0]!.name)),
  };
  const status: InjectionStatus = {
    version: options.version,
    ...(options.revision !== DEFAULT_REVISION && { revision: options.revision }),
    mode: native ? 'native' : 'classic',
    image: settings.image,
    initContainers: addedInit.map(({ name }) => name),
    containers: native ? [] : [CONTAINERS.proxy],
    volumes: volumes.map(({ name }) => name),
    annotations: recordAnnotations(pod, annotations),
    ...(Object.keys(rewritten.originals).length > 0 ? { probes: rewritten.originals } : {}),
    ...(withRunApp ? { wrapped: job.wrapped } : {}),
    ...(named.length > 0 && { named }),
    ...(preStop.length > 0 && { preStop }),
    created: createdFields(pod, {
      volumeMounts: job.wrapped,
      env: named,
      lifecycle: preStop,
    }),
  };
  const newSpec: PodSpec = {
    ...spec,
    initContainers: native
      ? [...addedInit, ...rewritten.initContainers]
      : [...rewritten.initContainers, ...addedInit],
    containers: native ? containers : [proxy, ...containers],
    volumes: [...(spec.volumes ?? []), ...volumes],
  };
  const warnings = [
    ...rewritten.warnings,
    ...metrics.warnings,
    ...job.warnings,
    ...(isNamed ? namedProxyWarnings(spec, object) : []),
  ];
  return { pod: { ...pod, metadata: annotate(pod, annotations, status), spec: newSpec }, status, warnings };
}

function isNative({ initContainers, restartPolicy }: PodSpec, { nativeSidecar }: InjectOptions): boolean {
  const before = initContainers ?? [];
  if (nativeSidecar === true || before.some(each => each.restartPolicy === 'Always')) return true;
  return nativeSidecar === 'needed' && (before.length > 0 || (restartPolicy ?? 'Always') !== 'Always');
}

function unchangedProbes(spec: PodSpec): RewrittenProbes {
  const { containers, initContainers } = spec;
  return { containers, initContainers: initContainers ?? [], probes: {}, originals: {}, warnings: [] };
}

/** Without native sidecars nobody ends the proxy of a pod that is meant to end, so it has to follow the app. */
function followApp(
  spec: PodSpec,
  options: InjectOptions,
  object?: ObjectRef,
): { exitWithApp?: ExitWithApp; wrapped: readonly string[]; warnings: readonly Problem[] } {
  const { restartPolicy } = spec;
  if (restartPolicy !== 'Never' && restartPolicy !== 'OnFailure') return { wrapped: [], warnings: [] };
  const exitWithApp = { restartPolicy, containers: spec.containers.map(({ name }) => name) } as const;
  if (!options.wrapJobCommands) return { exitWithApp, wrapped: [], warnings: [] };
  const hasCommand = ({ command }: Container) => (command ?? []).length > 0;
  const warnings = spec.containers
    .filter(container => !hasCommand(container))
    .map(({ name }) =>
      problem(
        'job-command-unknown',
        `container ${name} has no command of its own, so it cannot be wrapped; the pod ends a second later than it could. ` +
          "Write the image's entrypoint into command to end it at once",
        { object, path: `spec.containers.${name}.command`, severity: 'warning' },
      ),
    );
  return { exitWithApp, wrapped: spec.containers.filter(hasCommand).map(({ name }) => name), warnings };
}

function wrap(container: Container): Container {
  const mount = { name: VOLUMES.runApp, mountPath: MOUNTS.runApp, readOnly: true };
  return {
    ...container,
    command: [RUN_APP, '--', ...(container.command ?? [])],
    volumeMounts: [...(container.volumeMounts ?? []), mount],
  };
}

/** So that `kubectl logs` and `kubectl exec` still mean the app although the proxy comes first. */
function defaultContainer(pod: PodTemplate, name: string): Record<string, string> {
  const given = pod.metadata?.annotations ?? {};
  const chosen =
    given[FOREIGN_ANNOTATIONS.defaultContainer] ?? given[FOREIGN_ANNOTATIONS.defaultLogsContainer];
  const wanted: Record<string, string> = {};
  for (const key of [FOREIGN_ANNOTATIONS.defaultContainer, FOREIGN_ANNOTATIONS.defaultLogsContainer]) {
    if (given[key] === undefined) wanted[key] = chosen ?? name;
  }
  return wanted;
}

function recordAnnotations(
  pod: PodTemplate,
  set: Readonly<Record<string, string>>,
): Record<string, { now: string; was?: string }> {
  const given = pod.metadata?.annotations ?? {};
  const entries = Object.entries(set).map(
    ([key, now]) => [key, given[key] === undefined ? { now } : { now, was: given[key] }] as const,
  );
  return Object.fromEntries(entries);
}

function createdFields(
  pod: PodTemplate,
  changed: Readonly<Record<'volumeMounts' | 'env' | 'lifecycle', readonly string[]>>,
): Record<string, 'absent' | 'null'> {
  const created: Record<string, 'absent' | 'null'> = {};
  const look = (name: string, value: unknown) => {
    if (value == null) created[name] = value === undefined ? 'absent' : 'null';
  };
  look('metadata', pod.metadata);
  look('annotations', pod.metadata?.annotations);
  look('initContainers', pod.spec.initContainers);
  look('volumes', pod.spec.volumes);
  for (const container of pod.spec.containers) {
    for (const [field, names] of Object.entries(changed))
      if (names.includes(container.name)) look(`${container.name}.${field}`, container[field]);
  }
  return created;
}

function annotate(
  pod: PodTemplate,
  set: Readonly<Record<string, string>>,
  status: InjectionStatus,
): PodTemplate['metadata'] {
  const annotations = { ...pod.metadata?.annotations, ...set, [ANNOTATIONS.status]: formatStatus(status) };
  return { ...pod.metadata, annotations };
}
