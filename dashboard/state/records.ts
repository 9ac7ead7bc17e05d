import type { ProxyRecord, ProxyRecords } from '../../src/model/request-record.ts';
import { askLive } from './live-lines.ts';

/** What proxies keep of requests, and who did not answer. */
export interface AskedRecords {
  readonly answers: readonly ProxyRecords[];
  readonly failed: readonly { readonly who: string; readonly why: string }[];
}

/** Asks every proxy. `query`: `id=…` or `kept=failed`. Rejects as askLive does. */
export async function askRecords(query: string, signal: AbortSignal): Promise<AskedRecords> {
  const answers = new Map<string, { proxy?: ProxyRecords; records: ProxyRecord[] }>();
  const failed: { who: string; why: string }[] = [];
  await askLive(
    `requests?${query}`,
    said => {
      if (said.type === 'failed') failed.push({ who: said.pod ?? said.replica ?? '', why: said.why });
      if (said.type !== 'said') return;
      const answer = answers.get(said.pod) ?? { records: [] };
      answers.set(said.pod, answer);
      for (const item of said.items as readonly { proxy?: ProxyRecords; record?: ProxyRecord }[]) {
        // Of several threads each says this; it is the same but for the state, which the first has.
        if (item.proxy) answer.proxy = { ...item.proxy, ...answer.proxy };
        if (item.record) answer.records.push(item.record);
      }
    },
    signal,
  );
  const whole = [...answers.values()].flatMap(({ proxy, records }) => (proxy ? [{ ...proxy, records }] : []));
  return { answers: whole, failed };
}
