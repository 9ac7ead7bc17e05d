// Two looks at a connection that ordinary requests do not give.
import type { Socket } from 'node:net';
import { dial } from '../shop/dial.ts';
import { Histogram, type Summary } from './histogram.ts';

/** What a server that speaks first said, and how long it took from the call of connect(). */
export interface BannerReport {
  readonly latencyMs: Summary;
  readonly errors: readonly string[];
  readonly banners: Readonly<Record<string, number>>;
}

/** Connects `count` times, one after the other, and waits for the first line without saying anything. */
export async function probeBanner(
  host: string,
  port: number,
  count: number,
  timeoutMs = 5_000,
): Promise<BannerReport> {
  const histogram = new Histogram();
  const errors: string[] = [];
  const banners: Record<string, number> = {};
  for (let index = 0; index < count; index += 1) {
    const said = await exchange(host, port, '', text => text.includes('\n'), timeoutMs);
    if (said.error !== undefined) errors.push(said.error);
    else {
      histogram.record(said.tookMs);
      const banner = said.text.split('\r\n')[0]!;
      banners[banner] = (banners[banner] ?? 0) + 1;
    }
  }
  return { latencyMs: histogram.summary(), errors, banners };
}

/** What came back, as it came (latin1). */
export interface RawReport {
  readonly text: string;
  readonly error?: string;
  /** From the call of connect() to the end. */
  readonly tookMs: number;
}

/** Sends these bytes (latin1) and reads one HTTP/1.1 answer, by its Content-Length, else until the other side closes. */
export function probeRaw(host: string, port: number, text: string, timeoutMs = 5_000): Promise<RawReport> {
  return exchange(host, port, text, isWholeAnswer, timeoutMs);
}

function isWholeAnswer(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(text.slice(0, head))?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

async function exchange(
  host: string,
  port: number,
  send: string,
  enough: (text: string) => boolean,
  timeoutMs: number,
): Promise<RawReport> {
  const started = performance.now();
  try {
    const text = await converse(await dial(host, port), send, enough, timeoutMs);
    const tookMs = performance.now() - started;
    return send === '' && text === '' ? { text, error: 'closed without a word', tookMs } : { text, tookMs };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return { text: '', error: code ?? message, tookMs: performance.now() - started };
  }
}

/** Sends and collects until it is enough or the other side closes; rejects with the connection's error. */
function converse(
  socket: Socket,
  send: string,
  enough: (text: string) => boolean,
  timeoutMs: number,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => socket.destroy(new Error(`nothing more within ${timeoutMs} ms`)), timeoutMs);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (enough(text)) socket.destroy();
  });
  socket.on('error', reject);
  socket.on('close', () => {
    clearTimeout(timer);
    resolve(text);
  });
  if (send !== '') socket.write(send, 'latin1');
  return promise;
}
