import { effect, signal } from '@preact/signals';
import type {
  PageFigures,
  PageHistory,
  PageMesh,
  PageRefusal,
  StreamMessage,
} from '../../src/dashboard/contract.ts';
import { readLines } from './lines.ts';
import { authorization } from './token.ts';

/** How it stands with the server. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Trying again at `againMs`. */
  | { readonly state: 'lost'; readonly why: string; readonly againMs: number }
  /** A token is missing or is not believed. */
  | { readonly state: 'unknown'; readonly why: string }
  /** Who asks lacks a right. */
  | { readonly state: 'forbidden'; readonly why: string };

export const connection = signal<Connection>({ state: 'connecting' });
export const mesh = signal<PageMesh | undefined>(undefined);
export const figures = signal<PageFigures>({
  atMs: 0,
  seconds: 0,
  answered: 0,
  asked: 0,
  edges: [],
  pods: [],
});
/** Namespaces that are shown by workload where the mesh is grouped. */
export const opened = signal<ReadonlySet<string>>(new Set());

/** Shows a namespace by workload. */
export function openNamespace(name: string): void {
  if (name !== '') opened.value = new Set([...opened.value, name]);
}

/** Something comes at least every 15 seconds. */
const silenceMs = 40_000;
let current: AbortController | undefined;
let failures = 0;

/** Connects, and again after each loss and when other namespaces are opened. */
export function keepConnected(): void {
  effect(() => void connect(opened.value));
}

/** Tries at once, with the token of now. */
export function reconnect(): void {
  failures = 0;
  void connect(opened.peek());
}

async function connect(namespaces: ReadonlySet<string>): Promise<void> {
  current?.abort();
  const mine = new AbortController();
  current = mine;
  const retry = (why: string): void => {
    if (current !== mine) return;
    const waitMs = Math.min(1_000 * 2 ** failures++, 15_000);
    connection.value = { state: 'lost', why, againMs: Date.now() + waitMs };
    setTimeout(() => current === mine && void connect(opened.peek()), waitMs);
  };
  let silent: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silent);
    silent = setTimeout(() => mine.abort(new Error('nothing was heard for 40 s')), silenceMs);
  };
  try {
    const query = [...namespaces].map(each => `open=${encodeURIComponent(each)}`).join('&');
    heard();
    const response = await fetch(`api/stream?${query}`, { headers: authorization(), signal: mine.signal });
    if (!response.ok || response.body === null) {
      const why = await wordsOf(response);
      if (response.status === 401) connection.value = { state: 'unknown', why };
      else if (response.status === 403) connection.value = { state: 'forbidden', why };
      else retry(why);
      return;
    }
    failures = 0;
    await readLines(response.body, line => {
      if (current !== mine) return;
      heard();
      take(JSON.parse(line) as StreamMessage | LineNote);
      if (connection.peek().state !== 'live') connection.value = { state: 'live' };
    });
    retry('the control plane ended the connection');
  } catch (thrown) {
    retry(thrown instanceof Error ? thrown.message : String(thrown));
  } finally {
    clearTimeout(silent);
  }
}

/** Lines of every stream of the live API. */
type LineNote = { readonly type: 'alive' } | { readonly type: 'left'; readonly count: number };

function take(message: StreamMessage | LineNote): void {
  if (message.type === 'mesh') mesh.value = message.mesh;
  else if (message.type === 'figures') figures.value = message.figures;
  // It was too slow for a moment: what was left out may have been the mesh.
  else if (message.type === 'left') reconnect();
}

async function wordsOf(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as PageRefusal;
    return error;
  } catch {
    return `the answer was ${response.status}`;
  }
}

/** Golden signals over time. Rejects with an Error in the server's words. */
export async function fetchHistory(kind: 'workload' | 'pod', key: string): Promise<PageHistory> {
  const response = await fetch(`api/history?${kind}=${encodeURIComponent(key)}`, {
    headers: authorization(),
  });
  if (!response.ok) throw new Error(await wordsOf(response));
  return (await response.json()) as PageHistory;
}
