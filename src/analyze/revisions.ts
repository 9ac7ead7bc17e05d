// Which control plane a namespace and its pods belong to: one that there is, and one alone. What there is follows from the
// webhook configurations and Deployments of control planes among the objects; where there are none, labels alone are looked at.
import { chosenRevision, isAccepted } from '../../webhook/inject/index.ts';
import { LABELS, revisionNames, revisionOfInjector } from '../config/index.ts';
import { keyOf, type Stored } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { injectionOf } from './expected-pods.ts';
import { type Finding, finding } from './finding.ts';
import type { ObjectMesh } from './mesh-of-objects.ts';
import { isLivePod, templatesOf } from './pod-templates.ts';

type Labels = Readonly<Record<string, string>>;

/** A name that labels may have, and what it leads to. */
export interface RevisionClaim {
  /** A revision or a tag. */
  readonly name: string;
  readonly revision: string;
  readonly webhook: Stored;
}

/** What of control planes is among the objects. */
export interface KnownRevisions {
  readonly claims: readonly RevisionClaim[];
  /** Those that have a Deployment; undefined where no Deployment of a control plane is among the objects. */
  readonly deployed: ReadonlySet<string> | undefined;
}

/** Undefined where nothing of a control plane is among the objects. */
export function revisionsOfObjects(objects: readonly Stored[]): KnownRevisions | undefined {
  const claims: RevisionClaim[] = [];
  const deployed = new Set<string>();
  for (const stored of objects) {
    const { kind, metadata } = stored.object;
    const { [PART_OF]: part, [LABELS.revision]: revision, [LABELS.tag]: tag } = metadata.labels ?? {};
    if (part !== 'weft' || revision === undefined) continue;
    if (kind === 'MutatingWebhookConfiguration')
      claims.push({ name: tag ?? revision, revision, webhook: stored });
    if (kind === 'Deployment' && revisionOfInjector(metadata.name) === revision) deployed.add(revision);
  }
  if (claims.length === 0) return undefined;
  return { claims, deployed: deployed.size > 0 ? deployed : undefined };
}

const PART_OF = 'app.kubernetes.io/part-of';

/** Which control plane labels lead to, in words, and whether there is one. */
export interface ControlPlaneChoice {
  /** The revision; undefined where none is of the name. */
  readonly revision: string | undefined;
  /** `revision canary (namespace label weft.dev/rev=prod)` */
  readonly words: string;
}

/** Undefined where nothing is known of control planes. */
export function controlPlaneOf(
  { objects, inject }: Pick<ObjectMesh, 'objects' | 'inject'>,
  pod: Labels,
  namespace: Labels,
): ControlPlaneChoice | undefined {
  const known = revisionsOfObjects(objects);
  if (!known) return undefined;
  const { name, by } = chosenRevision(pod, namespace, isAccepted('istio', inject));
  const revision = meant(known, name);
  const how = by === undefined ? 'no label names another' : by;
  return {
    revision,
    words:
      revision === undefined ? `none: ${missing(known, name)} (${how})` : `revision ${revision} (${how})`,
  };
}

function meant({ claims, deployed }: KnownRevisions, name: string): string | undefined {
  const claim = claims.find(each => each.name === name);
  return claim && (deployed?.has(claim.revision) ?? true) ? claim.revision : undefined;
}

function missing({ claims, deployed }: KnownRevisions, name: string): string {
  const claim = claims.find(each => each.name === name);
  if (claim && deployed)
    return `${name} leads to revision ${claim.revision}, which has no Deployment ${revisionNames(claim.revision).injector}`;
  const names = [...new Set(claims.map(each => each.name))].sort().join(', ');
  return `no control plane or tag is called ${name}; there ${claims.length === 1 ? 'is' : 'are'} ${names}`;
}

/** Findings about labels that lead nowhere, or to two. */
export function revisionFindings(context: AnalysisContext): readonly Finding[] {
  const known = revisionsOfObjects(context.objects);
  return [
    ...(known ? doubleClaims(known) : []),
    ...context.objects.flatMap(stored => namespaceFindings(stored, context, known)),
    ...(known ? templateFindings(context, known) : []),
  ];
}

/** Of two configurations for one name the API server calls both, in the order of their names. */
function doubleClaims({ claims }: KnownRevisions): readonly Finding[] {
  return claims.flatMap(({ name, revision, webhook }): Finding[] => {
    const other = claims.find(each => each.name === name && each.revision !== revision);
    if (!other) return [];
    const reason = `it injects for ${name} by revision ${revision}, and MutatingWebhookConfiguration ${other.webhook.ref.name} does so by revision ${other.revision}: which of them a pod gets is chance`;
    return [finding('revision-claimed-twice', { object: webhook.ref, reason })];
  });
}

function namespaceFindings(
  { object, ref }: Stored,
  { injection }: AnalysisContext,
  known: KnownRevisions | undefined,
): readonly Finding[] {
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return [];
  const { labels = {} } = object.metadata;
  const istio = isAccepted('istio', injection.inject) && injection.inject.acceptedMeshes !== undefined;
  const { name, by = '' } = chosenRevision({}, labels, istio);
  const keys = [LABELS.revision, ...(istio ? [LABELS.istioRevision] : [])];
  const others = keys.filter(key => labels[key] !== undefined && labels[key] !== name);
  const isDisabled = ['disabled', 'false'].includes(labels[LABELS.inject] ?? '');
  const found: Finding[] = [];
  if (others.length > 0 && !isDisabled) {
    const words = others.map(key => `${key}=${labels[key]}`).join(' and ');
    const reason = `${by.replace('namespace label ', '')} leads to ${name} and goes over ${words}, which is not heard`;
    found.push(finding('revision-contradiction', { object: ref, reason }));
  }
  const isNamed = keys.some(key => by.includes(key));
  if (known && isNamed && !isDisabled && meant(known, name) === undefined)
    found.push(unknown(ref, `${by.replace('namespace label', 'label')}: ${missing(known, name)}`));
  return found;
}

/** Templates whose own label names a revision: that of their namespace is the namespace's finding. */
function templateFindings(context: AnalysisContext, known: KnownRevisions): readonly Finding[] {
  const templates = context.objects.filter(each => !isLivePod(each)).flatMap(templatesOf);
  const istio = isAccepted('istio', context.injection.inject);
  return templates.flatMap((template): Finding[] => {
    const { labels } = template;
    const { name, by = '' } = chosenRevision(labels, {}, istio);
    if (!by.startsWith('pod label') || meant(known, name) !== undefined) return [];
    // What is left out of the mesh on purpose is injected by nobody anyway.
    if (injectionOf(template, context.injection).kind === 'skipped' && labels[LABELS.inject] !== undefined)
      return [];
    return [unknown(template.owner.ref, `${by}: ${missing(known, name)}`)];
  });
}

function unknown(object: Stored['ref'], what: string): Finding {
  return finding('revision-unknown', { object, reason: `${what}: its pods start without a proxy` });
}

/** Labels of a namespace among the objects. */
export function namespaceLabels(objects: readonly Stored[], name: string): Labels {
  const found = objects.find(
    ({ object }) =>
      object.kind === 'Namespace' && object.apiVersion === 'v1' && object.metadata.name === name,
  );
  return found?.object.metadata.labels ?? {};
}

/** Labels of a pod among the objects. */
export function podLabels(objects: readonly Stored[], namespace: string, name: string): Labels {
  const key = `${namespace}/${name}`;
  const found = objects.find(({ object }) => object.kind === 'Pod' && keyOf(object.metadata) === key);
  return found?.object.metadata.labels ?? {};
}
