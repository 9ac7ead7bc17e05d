// Paths that no request has once it is normalised.
import type { Mesh, ObjectRef, PathMatch, RuleMatch } from '../model/index.ts';
import { PathNormalizer } from '../routing/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { objectOf, tablesOf } from './routed.ts';

/** Findings about conditions that ask for a path as no proxy shows it to them. */
export function pathFindings({ mesh }: AnalysisContext): readonly Finding[] {
  return tablesOf(mesh).flatMap(table =>
    table.http.flatMap(rule =>
      rule.matches.flatMap(match =>
        findingOf(match, mesh, { object: objectOf(table, rule), path: rule.path }),
      ),
    ),
  );
}

function findingOf(
  { request }: RuleMatch,
  mesh: Mesh,
  at: { readonly object: ObjectRef; readonly path: string },
): readonly Finding[] {
  const path = request?.path;
  const normal = path && normalForm(path, mesh);
  if (path === undefined || normal === undefined || normal === path.value) return [];
  const mode = mesh.pathNormalization;
  const reason =
    `no request matches ${path.value}: paths are normalised before rules look at them ` +
    `(pathNormalization ${mode}), and this one becomes ${normal}`;
  return [finding('path-not-normal', { ...at, reason })];
}

/** What a request that the condition means would come to; undefined where that is not known. */
function normalForm({ kind, value }: PathMatch, mesh: Mesh): string | undefined {
  // What follows a prefix may make something else of its end: `/.` is the beginning of `/.well-known`.
  if (kind === 'regex' || !value.startsWith('/') || value.includes('?')) return undefined;
  const more = kind === 'prefix' ? 'x' : '';
  const given = Buffer.from(value + more, 'utf8');
  const normal = PathNormalizer.of(mesh.pathNormalization).normalizeTarget(given)?.toString('utf8');
  return normal?.endsWith(more) ? normal.slice(0, normal.length - more.length) : normal;
}
