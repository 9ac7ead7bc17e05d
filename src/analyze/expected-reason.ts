import { ANNOTATIONS } from '../config/names.ts';
import type { Stored } from '../registry/index.ts';
import { injectionOf, namespaceMarks } from './expected-pods.ts';
import { templateOf } from './pod-templates.ts';

/** Why pods of the object have no proxy; undefined where they have one, or nobody knows. */
export function expectedReason(stored: Stored, objects: readonly Stored[]): string | undefined {
  const template = templateOf(stored);
  if (!template || template.annotations[ANNOTATIONS.status] !== undefined) return undefined;
  const decision = injectionOf(template, namespaceMarks(objects));
  if (decision.kind === 'skipped') return decision.reason;
  return decision.kind === 'refused' ? decision.problems.map(each => each.message).join('; ') : undefined;
}
