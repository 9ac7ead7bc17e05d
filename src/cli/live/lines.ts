// JSON lines of the live API, read for as long as they come; after a break they are asked for anew.
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { LiveLine } from '../../live/api/index.ts';
import type { LiveApi } from './connect.ts';

/** Nobody is there to answer, or whoever is there cannot look just now. */
const passingCodes: ReadonlySet<string> = new Set(['live-unreachable', 'live-unavailable']);
/** Between two tries, ms. */
const retryMs = 2_000;

/**
 * Reads the lines of a path until it is over or the signal aborts. `broke` hears why it has to be asked anew; before the first
 * answer a failure is final. Rejects with a WeftError, whose code is the API's where that refuses.
 */
export async function followLines(
  api: LiveApi,
  path: string,
  line: (line: LiveLine) => void,
  broke: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let answered = false;
  while (!signal.aborted) {
    try {
      const response = await api.get(path, signal);
      if (response.statusCode !== 200) throw await refusal(response);
      answered = true;
      if (await readLines(response, line, signal)) return;
      if (!signal.aborted) broke('the control plane ended the connection');
    } catch (thrown) {
      if (signal.aborted) return;
      const passing = thrown instanceof WeftError && passingCodes.has(thrown.code);
      if (!answered || (thrown instanceof WeftError && !passing)) throw thrown;
      broke(errorMessage(thrown));
    }
    await sleep(retryMs, undefined, { signal }).catch(() => {});
  }
}

async function refusal(response: IncomingMessage): Promise<WeftError> {
  const text = await textOf(response);
  try {
    const { error, code } = JSON.parse(text) as { readonly error: string; readonly code: string };
    return new WeftError(code, error, { source: 'config' });
  } catch {
    const why = `the live API answered with status ${response.statusCode}; see weft check`;
    return new WeftError('live-unreachable', why, { source: 'config' });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk).slice(0, 10_000);
  return text;
}

/** True when it is over. */
async function readLines(
  response: IncomingMessage,
  line: (line: LiveLine) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const texts = (rest + String(chunk)).split('\n');
    rest = texts.pop()!;
    for (const text of texts) {
      const read = JSON.parse(text) as LiveLine;
      if (read.type === 'over') return true;
      line(read);
    }
    if (signal.aborted) return true;
  }
  return false;
}
