// Forms that can be applied: where the page is that of `weft dashboard` on a cluster, which creates objects as its user.
import { signal } from '@preact/signals';
import type { PageRefusal } from '../../src/dashboard/contract.ts';
import { authorization } from './token.ts';

const path = 'api/objects';

/** Whether what a form says can be created from here; false until it is known. */
export const applies = signal(false);

/** Asks once whether it can. */
export async function askWhetherApplies(): Promise<void> {
  try {
    const response = await fetch(path, { headers: authorization() });
    applies.value = response.ok && ((await response.json()) as { applies?: unknown }).applies === true;
  } catch {
    applies.value = false;
  }
}

/** What came of it, in words. */
export interface Applied {
  readonly created: readonly string[];
  /** Why not all of it; undefined where all of it is there. */
  readonly error: string | undefined;
}

/** Creates the objects of the YAML. Never rejects. */
export async function apply(yaml: string): Promise<Applied> {
  try {
    const headers = { ...authorization(), 'content-type': 'application/yaml' };
    const response = await fetch(path, { method: 'POST', headers, body: yaml });
    const said = (await response.json()) as Partial<PageRefusal> & { created?: readonly string[] };
    const { created = [] } = said;
    return { created, error: response.ok ? undefined : (said.error ?? `answered ${response.status}`) };
  } catch (thrown) {
    return { created: [], error: `weft dashboard does not answer (${String(thrown)}); is it still running?` };
  }
}
