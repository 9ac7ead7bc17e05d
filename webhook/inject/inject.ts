import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../src/model/index.ts';
import { build } from './build.ts';
import { conflicts } from './conflicts.ts';
import { type Decision, decide, type InjectContext } from './decide.ts';
import { readForeign } from './foreign/read.ts';
import type { InjectOptions } from './options.ts';
import { type PodTemplate, shapeProblems } from './pod.ts';
import { podSecurityProblems } from './pod-security.ts';
import { readSettings } from './settings.ts';
import { readStatus } from './status.ts';
import { uninject } from './uninject.ts';

/** What came of `inject`. */
export type InjectResult =
  | {
      readonly kind: 'injected';
      readonly pod: PodTemplate;
      /** In words, for reports: `container weft-proxy`, `volume weft-token`, `probe /app-health/app/readyz`. */
      readonly added: readonly string[];
      /** What is injected, but may not do what its author thinks. */
      readonly warnings: readonly Problem[];
    }
  | Extract<Decision, { kind: 'skipped' }>
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/**
 * Injects the proxy into a pod or pod template. Pure: no I/O, and `pod` is not changed; the result may share parts with it.
 *
 * - `injected`: the new pod. An earlier injection is taken out first, so injecting twice equals injecting once, and a new
 *   version or new options replace the old.
 * - `skipped`: leave the pod as it is; `reason` is for its author. `already-injected` when injecting again changes nothing.
 * - `refused`: injecting would break the pod, or it asks for something unreadable; `problems` are all of its errors.
 */
export function inject(pod: PodTemplate, context: InjectContext, options: InjectOptions): InjectResult {
  const { object } = context;
  const malformed = shapeProblems(pod, object);
  if (malformed.length > 0) return { kind: 'refused', problems: malformed };
  const decision = decide(pod, context, options);
  if (decision.kind !== 'inject') return withLeftovers(decision, pod);
  const bare = uninject(pod, object);
  if (bare.kind === 'refused') return bare;
  const before = bare.kind === 'uninjected' ? bare.pod : pod;
  const foreign = readForeign(before, context, options);
  const { settings, problems: own } = readSettings(before, options, object, foreign);
  const problems = [...foreign.problems, ...own];
  const found = [
    ...problems,
    ...conflicts(before.spec, settings, object),
    ...podSecurityProblems(context, settings),
  ];
  const errors = found.filter(({ severity }) => severity === 'error');
  if (!settings || errors.length > 0) return { kind: 'refused', problems: errors };
  const built = build(before, settings, { ...options, ...foreign.options }, object);
  if (isDeepStrictEqual(built.pod, pod)) {
    return { kind: 'skipped', code: 'already-injected', reason: `Weft ${options.version} is in it already` };
  }
  const { status } = built;
  const added = [
    ...status.initContainers.map(name => `init container ${name}`),
    ...status.containers.map(name => `container ${name}`),
    ...status.volumes.map(name => `volume ${name}`),
    ...Object.keys(status.probes ?? {}).map(path => `probe ${path}`),
    ...(status.wrapped ?? []).map(name => `command of ${name}`),
  ];
  return { kind: 'injected', pod: built.pod, added, warnings: [...found, ...built.warnings] };
}

/** Says so when a pod that is to be left alone carries an injection from before. */
function withLeftovers(
  decision: Exclude<ReturnType<typeof decide>, { kind: 'inject' }>,
  pod: PodTemplate,
): InjectResult {
  if (decision.kind === 'refused' || readStatus(pod) === undefined) return decision;
  return {
    ...decision,
    reason: `${decision.reason}; an earlier injection is still in it, weft uninject takes it out`,
  };
}
