// Where a namespace's Pod Security level forbids the init container that writes packet rules, the API server refuses the pod
// after injection, in words about capabilities of a container that its author never wrote. Injection says beforehand what to do.
import { ANNOTATIONS } from '../../src/config/index.ts';
import { type Problem, problem } from '../../src/model/index.ts';
import type { InjectContext } from './decide.ts';
import { CONTAINERS } from './names.ts';
import type { PodSettings } from './settings.ts';

/** The label of namespaces whose value is the level. */
export const POD_SECURITY_ENFORCE = 'pod-security.kubernetes.io/enforce';

/**
 * Whether pods with packet rules are refused in a namespace of this level
 * (kubernetes.io/docs/concepts/security/pod-security-standards).
 */
export function forbidsPacketRules(level: string | undefined): boolean {
  return level === 'baseline' || level === 'restricted';
}

/** A warning and no refusal: the API server may exempt the pod's runtime class or its author from the level. */
export function podSecurityProblems(
  { namespace, namespaceLabels = {}, object }: InjectContext,
  settings: PodSettings | undefined,
): readonly Problem[] {
  const level = namespaceLabels[POD_SECURITY_ENFORCE];
  if (settings === undefined || settings.redirection === 'none' || !forbidsPacketRules(level)) return [];
  const message = `namespace ${namespace} enforces the Pod Security level ${level}, which refuses ${CONTAINERS[settings.redirection]} (NET_ADMIN, NET_RAW): write ${ANNOTATIONS.redirection}: none into the pod template, or label the namespace ${POD_SECURITY_ENFORCE}=privileged`;
  return [problem('pod-security', message, { object, severity: 'warning' })];
}
