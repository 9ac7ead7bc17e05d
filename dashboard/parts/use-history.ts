import { useEffect, useState } from 'preact/hooks';
import type { PageHistory } from '../../src/dashboard/contract.ts';
import { fetchHistory, figures } from '../state/connection.ts';

/** How often it is asked for; the server keeps a point every five seconds. */
const everyMs = 5_000;

/** The history of a workload or pod, asked for again as figures come; a text where it cannot be had. */
export function useHistory(kind: 'workload' | 'pod', key: string): PageHistory | string | undefined {
  const [history, setHistory] = useState<PageHistory | string | undefined>(undefined);
  const turn = Math.floor(figures.value.atMs / everyMs);
  // Each turn asks again.
  useEffect(() => {
    let over = false;
    fetchHistory(kind, key)
      .then(answer => !over && setHistory(answer))
      .catch(
        (thrown: unknown) => !over && setHistory(thrown instanceof Error ? thrown.message : String(thrown)),
      );
    return () => {
      over = true;
    };
  }, [kind, key, turn]);
  return history;
}
