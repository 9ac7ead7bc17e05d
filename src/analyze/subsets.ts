// Subsets that nobody defines, or that no pod is in.
import type { Mesh, Subset } from '../model/index.ts';
import { isPlaceLabel } from '../resolve/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { servicesOf } from './known-hosts.ts';
import { unlessMade } from './pod-makers.ts';
import { type Destined, destinedOf, shortHost } from './routed.ts';
import { endpointsOfTarget, isIn, subsetsNamed } from './target-endpoints.ts';

/** Findings about subsets. */
export function subsetFindings(context: AnalysisContext): readonly Finding[] {
  const { mesh, knowsServices, knowsWorkloads } = context;
  const destined = destinedOf(mesh).filter(each => each.target.subset !== undefined);
  return [
    ...destined.flatMap(each => undefinedFindings(each, mesh, knowsServices)),
    ...(knowsWorkloads
      ? [...mesh.subsets.values()].flat().flatMap(each => emptyFindings(each, destined, context))
      : []),
  ];
}

/** Of policies alone, those that define subsets may stand elsewhere. */
function undefinedFindings(
  { object, path, target, mirror }: Destined,
  mesh: Mesh,
  isWhole: boolean,
): readonly Finding[] {
  const { host, subset, weight } = target;
  if (subsetsNamed(host, subset!, mesh).length > 0) return [];
  const known = [...new Set((mesh.subsets.get(host) ?? []).map(each => each.name))];
  const has = known.length > 0 ? ` (there are: ${known.join(', ')})` : ' (it has none)';
  const outcome = mirror || weight === 0 ? '' : ': their share of the requests is answered with 503';
  const reason = `nobody defines subset ${subset} of ${shortHost(host, mesh)}${has}${outcome}`;
  const severity = isWhole || known.length > 0 ? 'error' : 'warning';
  return [finding('subset-undefined', { object, path, reason, severity })];
}

function emptyFindings(
  subset: Subset,
  destined: readonly Destined[],
  context: AnalysisContext,
): readonly Finding[] {
  const { mesh } = context;
  const { host, name, from } = subset;
  // Nobody knows on which nodes pods of a folder of YAML will run.
  if (context.expectPods && keysOf(subset).some(isPlaceLabel)) return [];
  const services = servicesOf(host, mesh).filter(each => each.externalName === undefined && !each.external);
  const all = services.length === 0 ? [] : endpointsOfTarget({ host }, mesh);
  if (services.length === 0 || all.some(each => isIn(subset, each, mesh))) return [];
  const users = destined.filter(
    ({ target, mirror }) => target.host === host && target.subset === name && !mirror && target.weight > 0,
  );
  const labels = Object.entries(subset.labels).map(([key, value]) => `${key}=${value}`);
  const what = `subset ${name} (${labels.join(', ') || 'by expressions'}) selects none of the ${new Set(all.map(each => each.address)).size} pods of ${shortHost(host, mesh)}`;
  const [user] = users;
  const told = (found: Finding): Finding =>
    unlessMade(
      found,
      services.map(each => each.namespace),
      context,
    );
  if (!user)
    return [
      told(finding('subset-empty', { object: from, reason: `${what}; no rule sends anything to it yet` })),
    ];
  const reason = `${what}, and ${user.object.kind} ${user.object.name} ${user.path} sends requests to it: they are answered with 503`;
  return [told(finding('subset-empty', { object: from, reason, severity: 'error' }))];
}

function keysOf({ labels, expressions = [] }: Subset): readonly string[] {
  return [...Object.keys(labels), ...expressions.map(({ key }) => key)];
}
