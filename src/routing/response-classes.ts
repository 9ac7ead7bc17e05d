import type { ResponseClass } from '../model/index.ts';

/** Whether a status counts as a failure of the upstream: by the first class that holds it, otherwise from 500 on. */
export function isFailure(classes: readonly ResponseClass[] | undefined, status: number): boolean {
  if (classes !== undefined)
    for (let i = 0; i < classes.length; i++) {
      const { min, max, failure } = classes[i]!;
      if (status >= min && status <= max) return failure;
    }
  return status >= 500;
}
