// What `weft revision list` tells: each control plane, who chooses it, and which pods have another than they choose.
import type { NamespaceMarks } from '../../../webhook/index.ts';
import { LABELS } from '../../config/index.ts';
import type { ApiObject } from '../kubernetes/objects.ts';
import { type Cell, type Screen, table } from '../table.ts';
import {
  choiceOf,
  known,
  lostNamespaces,
  type OutOfDate,
  outOfDatePods,
  type Revision,
  type Revisions,
  servedBy,
} from './revisions.ts';

/** A control plane and who is with it. */
export interface ListedRevision extends Revision {
  readonly tags: readonly string[];
  /** That choose it by a label. */
  readonly namespaces: readonly string[];
  /** Pods whose proxies go to it. */
  readonly pods: number;
}

/** Everything that is told. */
export interface RevisionList {
  readonly revisions: readonly ListedRevision[];
  readonly outOfDate: readonly OutOfDate[];
  /** Namespaces that choose what does not exist. */
  readonly lost: readonly { readonly namespace: string; readonly name: string; readonly by: string }[];
  /** What to do about these. */
  readonly known: string;
}

/** Brings together what was read. */
export function listRevisions(
  all: Revisions,
  pods: readonly ApiObject[],
  namespaces: ReadonlyMap<string, NamespaceMarks>,
): RevisionList {
  const served = pods.map(servedBy);
  const chosen = [...namespaces].map(
    ([name, { labels }]) => [name, choiceOf(all, {}, labels), labels] as const,
  );
  const revisions = all.revisions.map(
    (revision): ListedRevision => ({
      ...revision,
      tags: all.tags.filter(each => each.revision === revision.name).map(({ name }) => name),
      namespaces: chosen.flatMap(([name, choice, labels]) =>
        choice.revision === revision.name && asks(choice.by, labels) ? [name] : [],
      ),
      pods: served.filter(each => each === revision.name).length,
    }),
  );
  const [outOfDate, lost] = [outOfDatePods(all, pods, namespaces), lostNamespaces(all, namespaces)];
  return { revisions, outOfDate, lost, known: known(all) };
}

/** Whether the label asks for injection: `disabled` names the default, too. */
function asks(by: string | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (by === undefined) return false;
  return ![labels[LABELS.inject], labels[LABELS.istioInject]].some(
    each => (each === 'disabled' || each === 'false') && by.endsWith(`=${each}`),
  );
}

/** As a table, and a line for each thing to do. */
export function listText({ revisions, outOfDate, lost, known: words }: RevisionList, screen: Screen): string {
  if (revisions.length === 0) return 'there is no control plane of Weft here; weft install prints one';
  const rows = revisions.map(({ name, version, ready, replicas, tags, namespaces, pods }): Cell[] => {
    const short = ready < replicas;
    const count = `${ready}/${replicas}`;
    return [
      ...[name, version, short ? { text: count, colour: ready === 0 ? 'red' : ('yellow' as const) } : count],
      ...[tags.join(',') || '-', namespaces.join(',') || '-', String(pods)],
    ] as Cell[];
  });
  const lines = table(['REVISION', 'VERSION', 'READY', 'TAGS', 'NAMESPACES', 'PODS'], rows, screen);
  for (const each of outOfDate) lines.push('', `${outOfDateText(each)}: ${restartCommand(each.namespace)}`);
  for (const { namespace, by } of lost)
    lines.push('', `namespace ${namespace}: ${lostText({ by, words, namespace })}`);
  return lines.join('\n');
}

/** What is to be restarted. */
export function outOfDateText({ namespace, pods, has, chooses, by }: OutOfDate): string {
  const count = pods.length === 1 ? `pod ${pods[0]} has` : `${pods.length} pods have`;
  return `namespace ${namespace}: ${count} a proxy of revision ${has} and would get one of ${chooses} now (${by})`;
}

/** Brings the pods of a namespace to what they choose. */
export function restartCommand(namespace: string): string {
  return `kubectl rollout restart deployment,statefulset,daemonset -n ${namespace}`;
}

/** What to do where a label names nothing. */
export function lostText(lost: {
  readonly by: string;
  readonly words: string;
  readonly namespace: string;
}): string {
  const name = lost.by.slice(lost.by.indexOf('=') + 1);
  return `${lost.by} is no revision and no tag, so that no pod of it is injected: ${lost.words}; weft revision tag set ${name} --revision REVISION makes it one`;
}
