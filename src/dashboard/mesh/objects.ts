import type { ObjectRef, Problem } from '../../model/index.ts';
import type { ObjectStatus } from '../../translate/index.ts';
import type { PageObject, PagePolicy, PageProblem, Standing } from '../contract.ts';

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

/** Policies by name, each with what became of it. */
export function policiesOf(statuses: readonly ObjectStatus[]): readonly PagePolicy[] {
  return statuses
    .map(({ ref, effect, problems }) => ({
      ...objectOf(ref),
      group: ref.apiVersion,
      standing: standingOf(effect, problems),
      problems: problems.map(each => problemOf(each, true)),
    }))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function standingOf(effect: ObjectStatus['effect'], problems: readonly Problem[]): Standing {
  if (effect === 'none') return 'error';
  return effect === 'part' || problems.length > 0 ? 'warning' : 'ok';
}

const nameOf = ({ namespace, name, kind }: PageObject): string => `${namespace}/${name} ${kind}`;
