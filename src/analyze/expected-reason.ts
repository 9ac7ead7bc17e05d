import { ANNOTATIONS } from '../config/names.ts';
import type { Stored } from '../registry/index.ts';
import { type InjectionRules, injectionOf } from './expected-pods.ts';
import { templateOf } from './pod-templates.ts';

/** Why pods of the object have no proxy; undefined where they have one, or nobody knows. */
export function expectedReason(stored: Stored, rules: InjectionRules): string | undefined {
  const template = templateOf(stored);
  if (!template || template.annotations[ANNOTATIONS.status] !== undefined) return undefined;
  const decision = injectionOf(template, rules);
  if (decision.kind === 'skipped') return decision.reason;
  return decision.kind === 'refused' ? decision.problems.map(each => each.message).join('; ') : undefined;
}
