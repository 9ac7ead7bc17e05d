// What proxies wrote down: all of them asked by way of the control plane, or, where that does not answer, each by its admin
// endpoint.
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { ProxyRecord, ProxyRecords, RecordQuery } from '../../model/index.ts';
import type { LiveApi } from '../live/connect.ts';
import { followLines } from '../live/lines.ts';
import { type AdminEndpoint, adminAt, type MeshPod, type RunningMesh } from '../proxies/index.ts';

/** What came of asking. */
export interface AskedRecords {
  readonly answers: readonly ProxyRecords[];
  /** Which proxies did not answer, and why. */
  readonly troubles: readonly { readonly pod: string; readonly why: string }[];
}

/** So long an answer may take, ms. */
const limitMs = 15_000;
/** So many pods are asked at the same time: each may be a port-forward of its own. */
const atOnce = 8;

/** As the query of a URL. */
export function queryText(query: RecordQuery, more: Readonly<Record<string, string>> = {}): string {
  const fields = Object.entries({ ...query, ...more });
  return new URLSearchParams(
    fields.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
}

/** Asks all proxies of a namespace, or of the mesh, through the live API. Rejects with its WeftErrors. */
export async function askLive(api: LiveApi, query: RecordQuery, namespace?: string): Promise<AskedRecords> {
  const pods = new Map<string, { proxy?: Omit<ProxyRecords, 'records'>; records: ProxyRecord[] }>();
  const troubles: { pod: string; why: string }[] = [];
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), limitMs);
  const path = `/live/requests?${queryText(query, namespace === undefined ? {} : { namespace })}`;
  try {
    await followLines(
      api,
      path,
      line => {
        if (line.type === 'failed') troubles.push({ pod: line.pod ?? line.replica ?? '', why: line.why });
        if (line.type !== 'said') return;
        const pod = pods.get(line.pod) ?? { records: [] };
        pods.set(line.pod, pod);
        for (const item of line.items as readonly SaidItem[]) {
          if ('record' in item) pod.records.push(item.record);
          // Each core says who it is; the first knows how the proxy is.
          else if (pod.proxy?.state === undefined) pod.proxy = item.proxy;
        }
      },
      why => troubles.push({ pod: 'the control plane', why }),
      ended.signal,
    );
  } finally {
    clearTimeout(timer);
  }
  const answers = [...pods.values()].flatMap(({ proxy, records }) => (proxy ? [{ ...proxy, records }] : []));
  return { answers, troubles };
}

/** See main/proxy-answers.ts. */
type SaidItem = { readonly proxy: Omit<ProxyRecords, 'records'> } | { readonly record: ProxyRecord };

/** Asks the proxies of these pods, one by one. */
export async function askPods(
  mesh: RunningMesh,
  pods: readonly MeshPod[],
  query: RecordQuery,
): Promise<AskedRecords> {
  const answers: ProxyRecords[] = [];
  const troubles: { pod: string; why: string }[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < pods.length) {
      const pod = pods[next++]!;
      try {
        answers.push(await recordsOf(await mesh.admin(pod), query));
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
        troubles.push({ pod: `${pod.namespace}/${pod.name}`, why: errorMessage(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, pods.length) }, worker));
  return { answers, troubles };
}

/** Asks admin endpoints by their addresses. */
export async function askAddresses(addresses: readonly string[], query: RecordQuery): Promise<AskedRecords> {
  const answers = await Promise.all(addresses.map(address => recordsOf(adminAt(address), query)));
  return { answers, troubles: [] };
}

async function recordsOf(admin: AdminEndpoint, query: RecordQuery): Promise<ProxyRecords> {
  try {
    return (await admin.read(`/requests?${queryText(query)}`)) as ProxyRecords;
  } finally {
    admin.close();
  }
}
