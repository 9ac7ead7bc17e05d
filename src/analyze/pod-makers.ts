// Objects whose operator may make pods that nobody sees in a folder of YAML: a Prometheus, a Kafka, an Application. Where there
// is one, the absence of pods shows nothing.
import { formatRef, type ObjectRef } from '../model/index.ts';
import type { Stored } from '../registry/index.ts';
import { kindOf } from '../registry/index.ts';
import { policyKinds } from '../translate/index.ts';
import type { AnalysisContext } from './context.ts';
import type { Finding } from './finding.ts';
import { templatesOf } from './pod-templates.ts';

/** Groups of Kubernetes and of meshes, and of things that are settings and make no pods. */
const groupsWithout =
  /(^|\.)(k8s\.io|istio\.io|linkerd\.io|consul\.hashicorp\.com|smi-spec\.io|weft\.dev|cert-manager\.io|external-secrets\.io|bitnami\.com|kyverno\.io|gatekeeper\.sh|traefik\.io|traefik\.containo\.us|openshift\.io|kustomize\.config\.k8s\.io)$/;
const kindsWithout: readonly string[] = [
  'ServiceMonitor',
  'PodMonitor',
  'Probe',
  'PrometheusRule',
  'AlertmanagerConfig',
  'ScrapeConfig',
  'ScaledObject',
  'TriggerAuthentication',
  'AppProject',
  'AnalysisTemplate',
  'GitRepository',
  'HelmRepository',
  'OCIRepository',
];
/** These make pods wherever they are told to. */
const anywhere =
  /^(Application|ApplicationSet)\.argoproj\.io$|\.(helm|kustomize)\.toolkit\.fluxcd\.io$|\.helm\.cattle\.io$/;

/** Every object of a kind that may make pods and is not a workload itself. */
export function podMakers(objects: readonly Stored[]): readonly Stored[] {
  return objects.filter(stored => {
    const { apiVersion, kind } = stored.object;
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    if (!group.includes('.') || groupsWithout.test(group) || kindsWithout.includes(kind)) return false;
    if (policyKinds.includes(kindOf(apiVersion, kind))) return false;
    return templatesOf(stored).length === 0;
  });
}

/** One that may make pods of the namespace. */
export function makerFor(namespace: string, makers: readonly Stored[]): ObjectRef | undefined {
  const found = makers.find(
    ({ object, ref }) =>
      ref.namespace === namespace ||
      object.metadata.namespace === undefined ||
      anywhere.test(kindOf(object.apiVersion, object.kind)),
  );
  return found?.ref;
}

/** The finding that rests on the absence of pods, as a hint where somebody may make them. */
export function unlessMade(found: Finding, namespaces: readonly string[], context: AnalysisContext): Finding {
  const maker = namespaces.map(each => makerFor(each, context.makers)).find(each => each !== undefined);
  if (maker === undefined) return found;
  const reason = `${found.reason}, unless ${formatRef(maker)} makes some: analysis does not know what its kind makes`;
  return {
    ...found,
    severity: 'info',
    reason,
    remedy: `look at the cluster itself (weft analyze), or: ${found.remedy}`,
  };
}
