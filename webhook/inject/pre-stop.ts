// The kubelet tells app and proxy at the same moment to stop. An app that goes at once drops what is under way, and refuses what
// others send it until they know. So an app that has no preStop hook gets one, which the proxy answers when traffic to it has
// ended; only then is the app told.
import { PATHS, PORTS } from '../../src/config/index.ts';
import type { Container, Handler, PodSpec } from './pod.ts';

/** Kubernetes' own default. */
const defaultGraceSeconds = 30;
/** More than this is not needed for others to hear of it. */
const longestSeconds = 10;

/** The hook, which waits for at most a third of the pod's grace period: the rest is the app's. */
function hookOf(spec: PodSpec): Handler | undefined {
  const given = spec.terminationGracePeriodSeconds;
  const graceSeconds = typeof given === 'number' ? given : defaultGraceSeconds;
  const seconds = Math.min(longestSeconds, Math.floor(graceSeconds / 3));
  if (seconds < 1) return undefined;
  return { httpGet: { path: `${PATHS.drained}?seconds=${seconds}`, port: PORTS.health, scheme: 'HTTP' } };
}

/** Names of the containers that get the hook: of pods that serve, and without a hook of their own. */
export function hooked(spec: PodSpec): readonly string[] {
  const serves = spec.restartPolicy === undefined || spec.restartPolicy === 'Always';
  if (!serves || hookOf(spec) === undefined) return [];
  return spec.containers.filter(({ lifecycle }) => lifecycle?.preStop == null).map(({ name }) => name);
}

/** Adds the hook. */
export function addPreStop(container: Container, spec: PodSpec): Container {
  return { ...container, lifecycle: { ...container.lifecycle, preStop: hookOf(spec)! } };
}

/** Whether a hook is the one that was added; one that somebody has put there since is left alone. */
export function isOwnPreStop(hook: Handler | null | undefined): boolean {
  return hook?.httpGet?.port === PORTS.health && hook.httpGet.path?.split('?')[0] === PATHS.drained;
}
