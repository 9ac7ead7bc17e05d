import type { ObjectRef, Problem } from '../../model/index.ts';
import type { ObjectStatus } from '../../translate/index.ts';
import type { PageObject, PagePolicy, PageProblem, Standing } from '../contract.ts';
import type { KnownFinding } from './view.ts';

/** An object as the page names it. */
export function objectOf({ kind, namespace, name, origin }: ObjectRef): PageObject {
  return { kind, namespace, name, ...(origin !== undefined && { origin }) };
}

/** A problem as the page tells it; without its object where it stands beside it anyway. */
export function problemOf({ severity, code, message, path, object }: Problem, beside = false): PageProblem {
  return {
    ...{ severity, code, message },
    ...(path !== undefined && { path }),
    ...(object && !beside && { object: objectOf(object) }),
  };
}

/** Policies by name, each with what became of it and what the analyzer found about it. */
export function policiesOf(
  statuses: readonly ObjectStatus[],
  findings: readonly KnownFinding[],
): readonly PagePolicy[] {
  const byObject = Map.groupBy(findings, ({ object }) => idOf(object));
  return statuses
    .map(({ ref, effect, problems }) => {
      const own = problems.map(each => problemOf(each, true));
      const all = [...own, ...newOf(byObject.get(idOf(ref)) ?? [], own)];
      return { ...objectOf(ref), group: ref.apiVersion, standing: standingOf(effect, all), problems: all };
    })
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** The analyzer says what translation found, too; of that there is one line. */
function newOf(findings: readonly KnownFinding[], own: readonly PageProblem[]): readonly PageProblem[] {
  return findings
    .filter(({ code, path }) => !own.some(each => each.code === code && each.path === path))
    .map(({ object: _, ...rest }) => rest);
}

function standingOf(effect: ObjectStatus['effect'], problems: readonly PageProblem[]): Standing {
  if (effect === 'none') return 'error';
  return effect === 'part' || problems.some(({ severity }) => severity !== 'info') ? 'warning' : 'ok';
}

const idOf = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace}/${name}`;

const nameOf = ({ namespace, name, kind }: PageObject): string => `${namespace}/${name} ${kind}`;
