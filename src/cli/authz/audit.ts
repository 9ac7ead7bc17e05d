// weft authz audit: which policies hold for which workload, and what is wrong with those of authorization.
import { analyze, type Finding, type ObjectMesh } from '../../analyze/index.ts';
import { formatRef, type WorkloadAuthorization } from '../../model/index.ts';
import type { AuthzFlags } from '../authz.ts';
import { type Cell, type Screen, table } from '../table.ts';
import { gatewaysOf } from './gateways.ts';
import { workloadsOf } from './workloads.ts';

/** What holds for one workload. */
export interface AuditedWorkload {
  readonly name: string;
  readonly policies: readonly string[];
  /** Policies that decide nothing yet. */
  readonly tried: readonly string[];
  /** Whom it takes in where none of the policies refuses. */
  readonly otherwise: 'everybody' | 'everybody in the mesh' | 'nobody else';
}

/** All of it. */
export interface Audit {
  readonly workloads: readonly AuditedWorkload[];
  readonly findings: readonly Finding[];
}

/** Of all dialects. */
const KINDS: ReadonlySet<string> = new Set([
  'AuthorizationPolicy',
  'ServiceIntentions',
  'Server',
  'ServerAuthorization',
  'MeshTLSAuthentication',
  'NetworkAuthentication',
]);

/** Reads it off the mesh. */
export function auditOf(mesh: ObjectMesh, { namespace }: AuthzFlags): Audit {
  const called = [...workloadsOf(mesh, undefined, namespace), ...gatewaysOf(mesh, undefined, namespace)];
  const workloads = called.map(({ name, inbound }): AuditedWorkload => {
    const { authorization = [], defaultMtls } = inbound;
    const enforced = authorization.filter(({ dryRun }) => !dryRun);
    const hasAllow = enforced.some(({ action }) => action === 'allow');
    return {
      name,
      policies: enforced.map(words),
      tried: authorization.filter(({ dryRun }) => dryRun).map(words),
      otherwise: hasAllow ? 'nobody else' : defaultMtls === 'strict' ? 'everybody in the mesh' : 'everybody',
    };
  });
  const findings = analyze(mesh).filter(
    ({ object }) =>
      object !== undefined &&
      KINDS.has(object.kind) &&
      (namespace === undefined || object.namespace === namespace),
  );
  return { workloads, findings };
}

function words({ action, from }: WorkloadAuthorization): string {
  return `${action.toUpperCase()} ${formatRef(from).replace(/^AuthorizationPolicy /, '')}`;
}

/** As a table, and the findings below. */
export function auditText({ workloads, findings }: Audit, screen: Screen): readonly string[] {
  const rows = workloads.map(({ name, policies, tried, otherwise }): Cell[] => [
    name,
    [...policies, ...tried.map(each => `(tried) ${each}`)].join(', ') || 'none',
    otherwise === 'everybody' ? { text: otherwise, colour: 'yellow' } : otherwise,
  ]);
  const lines = table(['WORKLOAD', 'POLICIES', 'LETS IN BESIDE'], rows, screen);
  for (const { severity, code, object, path = '', reason, remedy } of findings)
    lines.push(
      '',
      `${severity} ${code}: ${object === undefined ? '' : formatRef(object)} ${path}`.trimEnd(),
      `  ${reason}`,
      `  remedy: ${remedy}`,
    );
  return lines;
}
