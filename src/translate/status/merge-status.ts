import { equal } from '../../model/index.ts';
import { recordsOf } from '../../plain/index.ts';
import { ACCEPTED, CODE_PREFIX } from './istio-status.ts';
import type { Condition, StatusContent } from './object-status.ts';

/** Who wrote an entry of status.parents. */
export const CONTROLLER_NAME = 'weft.dev/mesh-controller';
/** maxItems of status.parents. */
const mostParents = 32;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of status that must change for it to say this, as a merge patch of it; undefined where it says so already. What
 * other controllers wrote stays. A condition keeps its time as long as its status stays.
 */
export function mergeStatus(
  content: StatusContent,
  current: Fields,
  generation: unknown,
  nowText: string,
): Fields | undefined {
  const next =
    content.shape === 'parents'
      ? mergeParents(content, current, generation, nowText)
      : mergeConditions(content, current, nowText);
  const differs = Object.entries(next).some(([name, list]) => !equal(current[name] ?? [], list));
  return differs ? next : undefined;
}

function mergeParents(
  { parents }: Extract<StatusContent, { shape: 'parents' }>,
  current: Fields,
  generation: unknown,
  nowText: string,
): Fields {
  const before = recordsOf(current.parents);
  const others = before.filter(each => each.controllerName !== CONTROLLER_NAME);
  const own = parents.map(({ parentRef, conditions }) => {
    const old = before.find(
      each => each.controllerName === CONTROLLER_NAME && equal(each.parentRef, parentRef),
    );
    const timed = conditions.map(each => withTimes(each, recordsOf(old?.conditions), generation, nowText));
    return { parentRef, controllerName: CONTROLLER_NAME, conditions: timed };
  });
  return { parents: [...others, ...own].slice(0, mostParents) };
}

function mergeConditions(
  { conditions, messages }: Extract<StatusContent, { shape: 'conditions' }>,
  current: Fields,
  nowText: string,
): Fields {
  const before = recordsOf(current.conditions);
  const others = before.filter(each => each.type !== ACCEPTED);
  const theirs = recordsOf(current.validationMessages).filter(
    ({ type }) => !String((type as Fields | undefined)?.code).startsWith(CODE_PREFIX),
  );
  // Istio's conditions have no observedGeneration in all of its versions; the time is what all have.
  const timed = conditions.map(each => withTimes(each, before, undefined, nowText));
  return { conditions: [...others, ...timed], validationMessages: [...theirs, ...messages] };
}

function withTimes(
  condition: Condition,
  before: readonly Fields[],
  generation: unknown,
  nowText: string,
): Fields {
  const old = before.find(each => each.type === condition.type);
  const keepsTime = old?.status === condition.status && typeof old.lastTransitionTime === 'string';
  return {
    ...condition,
    ...(typeof generation === 'number' && { observedGeneration: generation }),
    lastTransitionTime: keepsTime ? old.lastTransitionTime : nowText,
  };
}
