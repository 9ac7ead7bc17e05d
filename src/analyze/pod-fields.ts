// Fields of pods that Kubernetes has not: kubectl refuses them, or the API server drops them without a word, and a probe is none.
import { pathText } from '../../webhook/inject/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { fieldAt, isRecord } from './plain.ts';
import { isLivePod, templatesOf } from './pod-templates.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** v1 PodSpec, Container (and EphemeralContainer) and their parts as of Kubernetes 1.34 (kubernetes.io/docs/reference/kubernetes-api). */
const podSpec = words(`
  activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks ephemeralContainers
  hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName nodeSelector os
  overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName
  schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain
  terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes`);
const container = words(`
  args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources restartPolicy
  restartPolicyRules securityContext startupProbe stdin stdinOnce targetContainerName terminationMessagePath terminationMessagePolicy tty
  volumeDevices volumeMounts workingDir`);
const handler = words('exec grpc httpGet tcpSocket');
const probe = [
  ...handler,
  ...words(
    'failureThreshold initialDelaySeconds periodSeconds successThreshold terminationGracePeriodSeconds timeoutSeconds',
  ),
];
const parts: Readonly<Record<string, readonly string[]>> = {
  readinessProbe: probe,
  livenessProbe: probe,
  startupProbe: probe,
  lifecycle: words('postStart preStop stopSignal'),
  ports: words('containerPort hostIP hostPort name protocol'),
  env: words('name value valueFrom'),
  volumeMounts: words('mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr'),
  resources: words('claims limits requests'),
  securityContext:
    words(`allowPrivilegeEscalation appArmorProfile capabilities privileged procMount readOnlyRootFilesystem runAsGroup
    runAsNonRoot runAsUser seLinuxOptions seccompProfile windowsOptions`),
};

/** Findings about fields of pod templates that are none. Knative's and others' own templates have a few more, and are left alone. */
export function podFieldFindings({ objects }: AnalysisContext): readonly Finding[] {
  const templates = objects.filter(each => !isLivePod(each)).flatMap(templatesOf);
  return templates.flatMap(({ owner, path, template }) => {
    if (owner.object.apiVersion.includes('.') && !owner.object.apiVersion.includes('.k8s.io/')) return [];
    const base = path.length === 0 ? 'spec' : `${pathText(path)}.spec`;
    const unknown = [...unknownIn(template.spec, podSpec, base, 'a pod')];
    for (const list of ['containers', 'initContainers']) {
      const all = fieldAt(template.spec, list);
      if (Array.isArray(all))
        for (const [index, each] of all.entries())
          unknown.push(...inContainer(each, `${base}.${list}[${index}]`));
    }
    return unknown.map(({ path, reason }) =>
      finding('pod-field-unknown', { object: owner.ref, path, reason }),
    );
  });
}

interface Unknown {
  readonly path: string;
  readonly reason: string;
}

function inContainer(value: unknown, path: string): readonly Unknown[] {
  const found = [...unknownIn(value, container, path, 'a container')];
  for (const [name, known] of Object.entries(parts)) {
    const part = fieldAt(value, name);
    const at = `${path}.${name}`;
    if (Array.isArray(part))
      for (const [index, each] of part.entries())
        found.push(...unknownIn(each, known, `${at}[${index}]`, name));
    else found.push(...unknownIn(part, known, at, name));
  }
  return found;
}

function unknownIn(value: unknown, known: readonly string[], path: string, what: string): readonly Unknown[] {
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap(name => {
    if (known.includes(name)) return [];
    const near = known.find(each => isNear(each.toLowerCase(), name.toLowerCase()));
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    return [{ path: `${path}.${name}`, reason: `${name} is no field of ${what}, and has no effect${meant}` }];
  });
}

/** Whether one becomes the other by at most two changed, missing or exchanged letters. */
function isNear(left: string, right: string): boolean {
  if (Math.abs(left.length - right.length) > 2) return false;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...left].entries()) {
    const next = [index + 1];
    for (const [at, other] of [...right].entries())
      next.push(Math.min(row[at + 1]! + 1, next[at]! + 1, row[at]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[right.length]! <= 2;
}
