// Pods that were never created: they stand in no list of pods.

import { ENTRY_SUFFIX } from '../../../webhook/index.ts';
import { recordsOf } from '../../plain/index.ts';
import type { ApiObject } from '../kubernetes/objects.ts';
import { type Check, error, field } from './check.ts';

/** Kinds that create pods, and where they say that they cannot. */
const makers = [
  '/apis/apps/v1/replicasets',
  '/apis/apps/v1/statefulsets',
  '/apis/apps/v1/daemonsets',
  '/apis/batch/v1/jobs',
];

/** As the API server begins what a webhook denied; the rest is the webhook's own words. */
const denial = /admission webhook "([^"]+)" denied the request: ([\s\S]*)/;

interface Refusal {
  readonly who: string;
  readonly namespace: string;
  readonly reason: string;
}

export const refused: Check = {
  id: 'refused-pods',
  title: 'no workload waits for pods that injection refuses',
  async run(context) {
    const found = new Map<string, Refusal>();
    const note = (
      object: { readonly kind: string; readonly name: string; readonly namespace: string },
      text: unknown,
    ) => {
      const [, webhook = '', reason = ''] = denial.exec(String(text ?? '')) ?? [];
      if (!webhook.endsWith(ENTRY_SUFFIX)) return;
      const who = `${object.kind.toLowerCase()}/${object.name} in ${object.namespace}`;
      found.set(who, { who, namespace: object.namespace, reason });
    };
    const waiting = new Set<string>();
    for (const path of makers) {
      for (const object of await context.list(path)) {
        if (!lacksPods(object)) continue;
        const { name, namespace = '' } = object.metadata;
        waiting.add(`${object.kind} ${namespace}/${name}`);
        const failure = recordsOf(field(object, 'status', 'conditions')).find(
          ({ type }) => type === 'ReplicaFailure',
        );
        if (failure?.status === 'True') note({ kind: object.kind, ...ownerOf(object) }, failure.message);
      }
    }
    // StatefulSets, DaemonSets and Jobs say it in events only. An event may be an hour old: it counts while pods are lacking.
    for (const event of waiting.size === 0 ? [] : await context.events('FailedCreate')) {
      const about = event.involvedObject as { kind?: string; name?: string; namespace?: string } | undefined;
      const { kind = '', name = '', namespace = '' } = about ?? {};
      if (kind !== 'ReplicaSet' && waiting.has(`${kind} ${namespace}/${name}`))
        note({ kind, name, namespace }, event.message);
    }
    return [...found.values()].map(({ who, namespace, reason }) =>
      error(
        `${who}: its pods are not created, because injection refuses them: ${reason}`,
        `mend what the reason names, or leave the workload out with weft.dev/inject: disabled; kubectl get events -n ${namespace}`,
      ),
    );
  },
};

/** People know a ReplicaSet by its Deployment. */
function ownerOf({ metadata }: ApiObject): {
  readonly kind?: string;
  readonly name: string;
  readonly namespace: string;
} {
  const { name, namespace = '' } = metadata;
  const [owner] = recordsOf((metadata as { readonly ownerReferences?: unknown }).ownerReferences);
  return owner ? { kind: String(owner.kind), name: String(owner.name), namespace } : { name, namespace };
}

/** Whether it has fewer pods than it wants. */
function lacksPods({ kind, spec, status }: ApiObject): boolean {
  const number = (of: unknown, ...path: string[]): number => Number(field(of, ...path) ?? 0);
  if (kind === 'DaemonSet')
    return number(status, 'currentNumberScheduled') < number(status, 'desiredNumberScheduled');
  if (kind === 'Job')
    return number(status, 'active') + number(status, 'succeeded') + number(status, 'failed') === 0;
  return number(status, 'replicas') < Number(field(spec, 'replicas') ?? 1);
}
