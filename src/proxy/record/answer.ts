import type { Peer, ProxyRecords, RecordedState, RecordQuery } from '../../model/index.ts';
import type { RequestRecorder } from './recorder.ts';

/** So many records are given at once unless the question says otherwise, and never more. */
export const MOST_RECORDS = 500;

/** What a proxy says when it is asked for records. `nowMs` since the epoch. `record`: undefined where none is kept. */
export function recordsAnswer(
  record: RequestRecorder | undefined,
  query: RecordQuery,
  who: {
    readonly self: Peer;
    readonly address: string;
    readonly nowMs: number;
    readonly state?: RecordedState;
  },
): ProxyRecords {
  const limit = Math.min(query.limit ?? MOST_RECORDS, MOST_RECORDS);
  const sinceMs = record?.sinceMs;
  return {
    ...who,
    keeps: record !== undefined,
    records: record?.find({ ...query, limit }) ?? [],
    ...(sinceMs !== undefined && { sinceMs }),
    leftOut: record?.leftOut ?? 0,
  };
}

/** Those of one proxy's cores together; the first core's own words count for the proxy. */
export function mergeAnswers(answers: readonly ProxyRecords[]): ProxyRecords {
  const [first, ...others] = answers as [ProxyRecords, ...ProxyRecords[]];
  if (others.length === 0) return first;
  const records = answers.flatMap(each => each.records).sort((a, b) => a.at - b.at);
  const since = answers.flatMap(each => each.sinceMs ?? []);
  return {
    ...first,
    records: records.slice(-MOST_RECORDS),
    ...(since.length > 0 && { sinceMs: Math.min(...since) }),
    leftOut: answers.reduce((sum, { leftOut }) => sum + leftOut, 0),
  };
}

/** A question as somebody else wrote it: what of it makes no sense asks for nothing. */
export function readRecordQuery(asked: Readonly<Record<string, unknown>>): RecordQuery {
  const { id, kept, sinceMs, limit } = asked;
  const count = Number(limit);
  const since = Number(sinceMs);
  return {
    ...(typeof id === 'string' && id !== '' && { id: id.slice(0, 128) }),
    ...((kept === 'failed' || kept === 'slow' || kept === 'retried' || kept === 'sample') && { kept }),
    ...(Number.isFinite(since) && since > 0 && { sinceMs: since }),
    ...(Number.isInteger(count) && count > 0 && { limit: count }),
  };
}
