// From a question to an answer: looks up what surrounds the pod, within its time, and asks `admit`.

import { type Admission, admit, controllerOf, foreignAdmission, isPodCreation } from './admit.ts';
import type { WebhookOptions } from './options.ts';
import type { AdmissionRequest } from './review.ts';

/**
 * The answer to one question. `labelled`: the API server asks because it saw the label, so a namespace that looks unlabelled
 * is read again before the pod is left out. Rejects when the namespace cannot be known; the failure policy then decides.
 */
export async function answerFor(
  request: AdmissionRequest,
  labelled: boolean,
  options: WebhookOptions,
): Promise<Admission> {
  if (!isPodCreation(request)) return foreignAdmission(request);
  const { namespaces, owners, lookupMs = 2_000 } = options;
  const deadline = new Deadline(lookupMs, options);
  try {
    const controller = controllerOf(request.object);
    const [marks, owner] = await Promise.all([
      deadline.bound(namespaces.get(request.namespace), `namespace ${request.namespace}`),
      controller === undefined || owners === undefined
        ? undefined
        : deadline.bound(owners(request.namespace, controller), 'the owner').catch(() => undefined),
    ]);
    const settings = options.settings();
    const around = {
      namespace: marks,
      ownerAnnotations: owner?.annotations,
      about: owner?.top ?? controller,
    };
    const first = admit(request, around, settings);
    if (first.code !== 'not-labelled' || !labelled || namespaces.fresh === undefined) return first;
    const fresh = await deadline.bound(namespaces.fresh(request.namespace), `namespace ${request.namespace}`);
    return admit(request, { ...around, namespace: fresh }, settings);
  } finally {
    deadline.end();
  }
}

/** One limit for several waits. */
class Deadline {
  readonly #expired: Promise<never>;
  readonly end: () => void;

  constructor(ms: number, { clock }: Pick<WebhookOptions, 'clock'>) {
    let fail: (error: Error) => void;
    this.#expired = new Promise((_, reject) => {
      fail = reject;
    });
    this.#expired.catch(() => {});
    this.end = clock.after(ms, () => fail(new Error(`was not known within ${ms} ms`)));
  }

  async bound<T>(wait: T | Promise<T>, what: string): Promise<T> {
    if (!(wait instanceof Promise)) return wait;
    try {
      return await Promise.race([wait, this.#expired]);
    } catch (thrown) {
      throw new Error(`${what} ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
}
