import { equal, GATEWAY_CONTROLLER, isIpAddress } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { GATEWAY_GROUP } from '../gateway/index.ts';
import { entriesOf } from './ingress-status.ts';
import { INSECURE_FRONTEND } from './insecure-frontend.ts';
import { ACCEPTED, CODE_PREFIX } from './istio-status.ts';
import type { Condition, ListenerStatus, StatusContent } from './object-status.ts';

/** Who wrote an entry of status.parents. */
export const CONTROLLER_NAME = 'weft.dev/mesh-controller';
/** maxItems of status.parents. */
const mostParents = 32;
/** maxItems of status.ancestors. */
const mostAncestors = 16;

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
  const next = nextStatus(content, current, generation, nowText);
  const differs = Object.entries(next).some(([name, list]) => !equal(current[name] ?? emptyOf(list), list));
  return differs ? next : undefined;
}

function emptyOf(value: unknown): unknown {
  return Array.isArray(value) ? [] : {};
}

function nextStatus(content: StatusContent, current: Fields, generation: unknown, nowText: string): Fields {
  switch (content.shape) {
    case 'parents':
      return mergeParents(content, current, generation, nowText);
    case 'conditions':
      return mergeConditions(content, current, nowText);
    case 'gateway':
      return {
        ...ownConditions(content.conditions, current, generation, nowText, [INSECURE_FRONTEND]),
        listeners: mergeListeners(content.listeners, current, generation, nowText),
        addresses: content.addresses.map(value => ({
          ...{ type: isIpAddress(value) ? 'IPAddress' : 'Hostname', value },
        })),
        // Only of use where the definition has it: an older one would drop it again and again.
        ...((content.attachedSets > 0 || current.attachedListenerSets !== undefined) && {
          attachedListenerSets: content.attachedSets,
        }),
      };
    case 'listener-set':
      return {
        ...ownConditions(content.conditions, current, generation, nowText),
        listeners: mergeListeners(content.listeners, current, generation, nowText),
      };
    case 'load-balancer':
      return { loadBalancer: balancerOf(content.addresses, current) };
    case 'ancestors':
      return mergeAncestors(content, current, generation, nowText);
    case 'class':
      return {
        ...ownConditions(content.conditions, current, generation, nowText),
        supportedFeatures: content.features.map(name => ({ name })),
      };
  }
}

/** Entries that stand already stay as they are, with what a server adds to them; null takes the field away. */
function balancerOf(addresses: readonly string[], current: Fields): Fields {
  const before = entriesOf(current);
  const entries = addresses.map(
    address =>
      before.find(({ ip, hostname }) => (ip ?? hostname) === address) ??
      (isIpAddress(address) ? { ip: address } : { hostname: address }),
  );
  if (entries.length > 0) return { ...recordOf(current.loadBalancer), ingress: entries };
  return before.length === 0 ? recordOf(current.loadBalancer) : { ingress: null };
}

/** Conditions of other types stay, where they are, but for `passing`: ours too, which go when they are not said any more. */
function ownConditions(
  conditions: readonly Condition[],
  current: Fields,
  generation: unknown,
  nowText: string,
  passing: readonly string[] = [],
): Fields {
  const before = recordsOf(current.conditions);
  const own = new Set([...conditions.map(each => each.type), ...passing]);
  const others = before.filter(each => !own.has(String(each.type)));
  return { conditions: [...others, ...conditions.map(each => withTimes(each, before, generation, nowText))] };
}

function mergeParents(
  { parents }: Extract<StatusContent, { shape: 'parents' }>,
  current: Fields,
  generation: unknown,
  nowText: string,
): Fields {
  const before = recordsOf(current.parents);
  const others = before.filter(
    each => each.controllerName !== CONTROLLER_NAME && each.controllerName !== GATEWAY_CONTROLLER,
  );
  const own = parents.map(({ parentRef, conditions, controllerName = CONTROLLER_NAME }) => {
    const old = before.find(
      each => each.controllerName === controllerName && equal(each.parentRef, parentRef),
    );
    const timed = conditions.map(each => withTimes(each, recordsOf(old?.conditions), generation, nowText));
    return { parentRef, controllerName, conditions: timed };
  });
  return { parents: [...others, ...own].slice(0, mostParents) };
}

function mergeListeners(
  listeners: readonly ListenerStatus[],
  current: Fields,
  generation: unknown,
  nowText: string,
): readonly Fields[] {
  return listeners.map(({ supportedKinds, ...each }) => {
    const old = recordsOf(current.listeners).find(({ name }) => name === each.name);
    return {
      ...each,
      supportedKinds: supportedKinds.map(kind => ({ group: GATEWAY_GROUP, kind })),
      conditions: each.conditions.map(one => withTimes(one, recordsOf(old?.conditions), generation, nowText)),
    };
  });
}

function mergeAncestors(
  { ancestors }: Extract<StatusContent, { shape: 'ancestors' }>,
  current: Fields,
  generation: unknown,
  nowText: string,
): Fields {
  const before = recordsOf(current.ancestors);
  const others = before.filter(each => each.controllerName !== GATEWAY_CONTROLLER);
  const own = ancestors.map(({ ancestorRef, controllerName, conditions }) => {
    const old = before.find(
      each => each.controllerName === controllerName && equal(each.ancestorRef, ancestorRef),
    );
    const timed = conditions.map(each => withTimes(each, recordsOf(old?.conditions), generation, nowText));
    return { ancestorRef, controllerName, conditions: timed };
  });
  return { ancestors: [...others, ...own].slice(0, mostAncestors) };
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
