import { authorizationFindings } from './authorization.ts';
import { canaryFindings } from './canary.ts';
import { coalescingFindings } from './coalescing.ts';
import { conflictFindings } from './conflicts.ts';
import { AnalysisContext } from './context.ts';
import { exportFindings } from './export-to.ts';
import { fieldFindings } from './fields.ts';
import type { Finding, FindingSeverity } from './finding.ts';
import { foreignFindings } from './foreign-words.ts';
import { grpcPortFindings } from './grpc-ports.ts';
import { hostFindings } from './hosts.ts';
import { injectionFindings } from './injection.ts';
import type { ObjectMesh } from './mesh-of-objects.ts';
import { outlierFindings } from './outlier.ts';
import { pathFindings } from './paths.ts';
import { portFindings } from './ports.ts';
import { protocolFindings } from './protocols.ts';
import { proxyRefusalFindings } from './proxy-refusals.ts';
import { retryFindings } from './retries.ts';
import { revisionFindings } from './revisions.ts';
import { gatewayTargetFindings, selectorFindings } from './selectors.ts';
import { serverFindings } from './servers.ts';
import { shadowFindings } from './shadowed.ts';
import { sidecarFindings } from './sidecars.ts';
import { type ProxyUses, sizeFindings } from './sizes.ts';
import { strictFindings } from './strict.ts';
import { subsetFindings } from './subsets.ts';
import { translationFindings } from './translation.ts';

/** Every family of findings. */
const families: readonly ((context: AnalysisContext) => readonly Finding[])[] = [
  translationFindings,
  proxyRefusalFindings,
  injectionFindings,
  revisionFindings,
  foreignFindings,
  fieldFindings,
  strictFindings,
  canaryFindings,
  outlierFindings,
  hostFindings,
  subsetFindings,
  shadowFindings,
  pathFindings,
  conflictFindings,
  protocolFindings,
  grpcPortFindings,
  coalescingFindings,
  authorizationFindings,
  sidecarFindings,
  serverFindings,
  exportFindings,
  selectorFindings,
  gatewayTargetFindings,
  retryFindings,
  portFindings,
];

const order: readonly FindingSeverity[] = ['error', 'warning', 'info'];

/**
 * Everything that is wrong with the objects and the mesh that they make: errors first, then in order of their place. With `uses`
 * also what is wrong with the sizes of the sidecars that they are of.
 */
export function analyze(input: ObjectMesh, uses?: ProxyUses): readonly Finding[] {
  const context = new AnalysisContext(input);
  const once = new Map<string, Finding>();
  const found = [
    ...families.flatMap(family => family(context)),
    ...(uses === undefined ? [] : sizeFindings(context, uses)),
  ];
  // An object with several hosts says the same about each of them.
  for (const each of found) once.set(idOf(each), once.get(idOf(each)) ?? each);
  return [...once.values()].sort(
    (left, right) =>
      order.indexOf(left.severity) - order.indexOf(right.severity) || compare(placeOf(left), placeOf(right)),
  );
}

function idOf({ code, object, path, reason }: Finding): string {
  const { kind, namespace, name } = object ?? {};
  return JSON.stringify([code, kind, namespace, name, path, reason]);
}

/** Lines in order of their number. */
function placeOf({ object, code, path, reason }: Finding): string {
  const origin = (object?.origin ?? '').replace(/\d+$/, line => line.padStart(8, '0'));
  return [origin, object?.namespace, object?.kind, object?.name, path, code, reason].join('\n');
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
