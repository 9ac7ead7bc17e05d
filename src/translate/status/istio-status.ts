import type { Problem } from '../../model/index.ts';
import type { ObjectStatus, StatusContent, ValidationMessage } from './object-status.ts';
import { isFatal, joined } from './words.ts';

/** Of conditions in Istio's objects, the one that is ours. */
export const ACCEPTED = 'weft.dev/Accepted';
/** Before the codes of our messages, which tells them from istiod's. */
export const CODE_PREFIX = 'weft.dev/';

/**
 * What status.conditions and status.validationMessages say of an object of Istio's. `isLost`: none of its rules leads anywhere.
 */
export function istioStatus(
  effect: ObjectStatus['effect'],
  problems: readonly Problem[],
  isLost = false,
): StatusContent {
  const reasons = {
    all: ['Accepted', 'takes effect'],
    part: ['PartiallyAccepted', 'takes effect, but for this'],
    none: [problems.some(isFatal) ? 'UnsupportedValue' : 'Conflicted', 'has no effect'],
  } as const;
  const [reason, words] =
    isLost && !problems.some(isFatal)
      ? (['TargetsMissing', 'takes effect, and no request gets anywhere'] as const)
      : reasons[effect];
  const why = joined(problems.map(each => each.message));
  const message = why === '' ? words : `${words}: ${why}`;
  return {
    shape: 'conditions',
    conditions: [{ type: ACCEPTED, status: effect === 'none' ? 'False' : 'True', reason, message }],
    messages: messagesOf(problems),
  };
}

/** Each code once: the words are in the condition. */
function messagesOf(problems: readonly Problem[]): readonly ValidationMessage[] {
  const levels = new Map<string, ValidationMessage['level']>();
  for (const { code, severity } of problems) {
    if (severity === 'error' || !levels.has(code))
      levels.set(code, severity === 'error' ? 'ERROR' : 'WARNING');
  }
  return [...levels].map(([name, level]) => ({ type: { name, code: `${CODE_PREFIX}${name}` }, level }));
}
