// What proxies wrote down, from their admin endpoints.
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { ProxyRecords } from '../../model/index.ts';
import { type AdminEndpoint, adminAt, type MeshPod, type RunningMesh } from '../proxies/index.ts';

/** So many pods are asked at the same time: each may be a port-forward of its own. */
const atOnce = 8;

/** What came of asking. */
export interface AskedRecords {
  readonly answers: readonly ProxyRecords[];
  /** Which proxies did not answer, and why. */
  readonly troubles: readonly { readonly pod: string; readonly why: string }[];
}

/** Asks the proxies of these pods. `query`: behind `/requests`. */
export async function askRecords(
  mesh: RunningMesh,
  pods: readonly MeshPod[],
  query: string,
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
export async function askAddresses(addresses: readonly string[], query: string): Promise<AskedRecords> {
  return {
    answers: await Promise.all(addresses.map(address => recordsOf(adminAt(address), query))),
    troubles: [],
  };
}

async function recordsOf(admin: AdminEndpoint, query: string): Promise<ProxyRecords> {
  try {
    return (await admin.read(`/requests${query}`)) as ProxyRecords;
  } finally {
    admin.close();
  }
}
