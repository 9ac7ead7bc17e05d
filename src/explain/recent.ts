import type { ProxyRecord, ProxyRecords } from '../model/index.ts';
import type { Cause } from './cause.ts';
import { explain } from './explain.ts';
import type { Tools } from './tools.ts';

/** Failures that have one cause. */
export interface FailureGroup {
  readonly cause: Cause;
  readonly count: number;
  /** Of the last of them, since the epoch. */
  readonly lastMs: number;
  /** Some of their ids, the last first. */
  readonly ids: readonly string[];
}

const idsShown = 3;

/** Recent failures of these proxies, the most frequent cause first. Each request counts once, where its cause lies. */
export function groupFailures(answers: readonly ProxyRecords[], tools: Tools): readonly FailureGroup[] {
  const groups = new Map<string, { cause: Cause; count: number; lastMs: number; ids: string[] }>();
  for (const { id, at, cause } of causesOf(answers, tools)) {
    const { object } = cause;
    const key = [cause.code, object?.kind, object?.namespace, object?.name].join(' ');
    const group = groups.get(key) ?? { cause, count: 0, lastMs: 0, ids: [] };
    groups.set(key, group);
    group.count++;
    if (id !== '') group.ids.unshift(id);
    group.lastMs = Math.max(group.lastMs, at);
  }
  return [...groups.values()]
    .map(group => ({ ...group, ids: group.ids.slice(0, idsShown) }))
    .sort((a, b) => b.count - a.count || b.lastMs - a.lastMs);
}

function* causesOf(
  answers: readonly ProxyRecords[],
  tools: Tools,
): Generator<{ readonly id: string; readonly at: number; readonly cause: Cause }> {
  const byId = new Map<string, Map<ProxyRecords, ProxyRecord[]>>();
  let unnamed = 0;
  for (const answer of answers) {
    for (const record of answer.records) {
      // What has no id stands for itself.
      const id = record.id === '' ? ` ${unnamed++}` : record.id;
      const proxies = byId.get(id) ?? new Map<ProxyRecords, ProxyRecord[]>();
      byId.set(id, proxies);
      proxies.set(answer, [...(proxies.get(answer) ?? []), record]);
    }
  }
  for (const [id, proxies] of byId) {
    const about = [...proxies].map(([answer, records]): ProxyRecords => ({ ...answer, records }));
    const explained = explain(id, about, tools);
    const at = Math.max(...about.flatMap(({ records }) => records.map(record => record.at)));
    if (explained?.cause !== undefined)
      yield { id: id.startsWith(' ') ? '' : id, at, cause: explained.cause };
  }
}
