import type { LiveLine } from '../../src/live/api/ask-route.ts';
import { readLines } from './lines.ts';
import { authorization } from './token.ts';

/** Asks the live API and hands on each line. Rejects with an Error in the server's words, or when the signal aborts. */
export async function askLive(
  path: string,
  line: (said: LiveLine) => void,
  signal: AbortSignal,
): Promise<void> {
  // Beside the dashboard, wherever that stands.
  const response = await fetch(`../live/${path}`, { headers: authorization(), signal });
  if (!response.ok || response.body === null) {
    const said = (await response.json().catch(() => ({}))) as { readonly error?: string };
    throw new Error(said.error ?? `the answer was ${response.status}`);
  }
  await readLines(response.body, text => line(JSON.parse(text) as LiveLine));
}
