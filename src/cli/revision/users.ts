// Who uses a revision: whoever would be without a control plane, or without injection, if it went.
import type { KubeApi } from '../../../webhook/index.ts';
import { DEFAULT_REVISION, LABELS } from '../../config/index.ts';
import { type ApiObject, listObjects } from '../kubernetes/objects.ts';
import { restartCommand } from './list.ts';
import { choiceOf, type Revisions, servedBy } from './revisions.ts';

/** So many pods of a namespace are named. */
const maxNamed = 5;

/** A line for each namespace with pods whose proxies go to it, each namespace that chooses it, each tag that stands for it. */
export async function usersOf(api: KubeApi, all: Revisions, revision: string): Promise<readonly string[]> {
  const pods = (await listObjects(api, '/api/v1/pods')) ?? [];
  const namespaces = (await listObjects(api, '/api/v1/namespaces')) ?? [];
  const tags = all.tags.filter(each => each.revision === revision);
  return [
    ...podLines(pods, revision),
    ...namespaces.flatMap(({ metadata: { name, labels = {} } }) => {
      const choice = choiceOf(all, {}, labels);
      const isNamed = [LABELS.revision, LABELS.istioRevision].some(key => choice.by?.includes(key));
      return isNamed && choice.revision === revision
        ? [`namespace ${name} chooses revision ${revision} (${choice.by})`]
        : [];
    }),
    ...tags.map(({ name }) =>
      name === DEFAULT_REVISION
        ? `revision ${revision} is the default: weft revision tag set default --revision OTHER --overwrite moves it`
        : `tag ${name} stands for revision ${revision}: weft revision tag set ${name} --revision OTHER --overwrite moves it`,
    ),
  ];
}

function podLines(pods: readonly ApiObject[], revision: string): readonly string[] {
  const byNamespace = new Map<string, string[]>();
  for (const pod of pods) {
    if (servedBy(pod) !== revision) continue;
    const { name, namespace = 'default' } = pod.metadata;
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), name]);
  }
  return [...byNamespace].sort().map(([namespace, names]) => {
    const shown = names.slice(0, maxNamed).join(', ');
    const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
    return `pods of namespace ${namespace} have a proxy of revision ${revision}: ${shown}${more}; give them another one with a label, and ${restartCommand(namespace)}`;
  });
}
