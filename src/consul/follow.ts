// Blocking queries (https://developer.hashicorp.com/consul/api-docs/features/blocking): a question with the index of the answer
// that is known waits at the server until there is another one.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { errorMessage, guarded } from '../errors/index.ts';
import { Backoff, type Clock } from '../time/index.ts';

/** Whom to ask, and as whom. */
export interface ConsulServer {
  /** URL of the HTTP API: `http://consul:8500`. */
  readonly address: string;
  readonly datacenter?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  /** PEM of the authorities that its certificate is believed from. */
  readonly caFile?: string;
}

/** What is asked. */
export interface Question {
  /** `/v1/catalog/services`. */
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** In place of waiting at the server: it is asked again after so long. */
  readonly everyMs?: number;
}

/** Hears the answers. What it throws at an answer counts as a failure. */
export interface AnswerListener {
  answered(body: unknown): void | Promise<void>;
  failed(why: string): void;
}

/** How long a question may wait at the server; it adds up to a sixteenth of that. */
const WAIT_SECONDS = 300;
const ANSWER_MS = WAIT_SECONDS * 1_000 * (1 + 1 / 16) + 10_000;
/** Between two questions at least, so that what changes all the time costs no more than this. */
const LEAST_MS = 100;

/** Asks again and again until the signal aborts; after a failure at growing intervals, up to `longestMs`. */
export function followConsul(
  server: ConsulServer,
  question: Question,
  { clock, longestMs }: { readonly clock: Clock; readonly longestMs: number },
  listener: AnswerListener,
  signal: AbortSignal,
): void {
  const backoff = new Backoff({ firstMs: 250, longestMs: Math.max(1_000, longestMs) });
  const { everyMs } = question;
  let index = 0;
  const asked = async (): Promise<void> => {
    const answer = await askConsul(server, question, everyMs === undefined ? index : 0, signal);
    if (signal.aborted) return;
    await listener.answered(answer.body);
    // An index that goes back is that of another server or a restored one: begin anew. Below 1 it would not wait.
    index = answer.index < index ? 0 : Math.max(1, answer.index);
  };
  const turn = (): void => {
    if (signal.aborted) return;
    void asked().then(
      () => {
        backoff.reset();
        if (!signal.aborted) clock.after(everyMs ?? LEAST_MS, turn);
      },
      guarded('consul', (error: unknown) => {
        if (signal.aborted) return;
        index = 0;
        listener.failed(errorMessage(error));
        clock.after(backoff.next(), turn);
      }),
    );
  };
  turn();
}

/** Where a question goes; with an index it waits there. */
export function consulUrl(
  { address, datacenter }: Pick<ConsulServer, 'address' | 'datacenter'>,
  { path, parameters = {} }: Question,
  index: number,
): URL {
  const url = new URL(path, address);
  if (datacenter !== undefined) url.searchParams.set('dc', datacenter);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  if (index > 0) {
    url.searchParams.set('index', String(index));
    url.searchParams.set('wait', `${WAIT_SECONDS}s`);
  }
  return url;
}

/** One answer. Rejects where there is none, it is no success, or the token may not see all of it. */
export async function askConsul(
  server: ConsulServer,
  question: Question,
  index: number,
  signal: AbortSignal,
): Promise<{ readonly index: number; readonly body: unknown }> {
  const { caFile, token, tokenFile } = server;
  // Read each time: tokens and authorities are renewed.
  const secret = tokenFile === undefined ? token : readFileSync(tokenFile, 'utf8').trim();
  const dispatcher = new Agent({
    headersTimeout: ANSWER_MS,
    bodyTimeout: 30_000,
    connect: { timeout: 5_000, ...(caFile !== undefined && { ca: readFileSync(caFile, 'utf8') }) },
  });
  try {
    const { statusCode, headers, body } = await request(consulUrl(server, question, index), {
      dispatcher,
      signal,
      ...(secret !== undefined && { headers: { 'x-consul-token': secret } }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`answered ${statusCode} ${text.trim().slice(0, 200)}`);
    const answer: unknown = JSON.parse(text);
    // What may not be read is left out of an answer as if it were not there; who has no token is not even told so.
    const filtered = headers['x-consul-results-filtered-by-acls'] === 'true';
    const anonymous = secret === undefined && headers['x-consul-default-acl-policy'] === 'deny';
    if ((filtered || anonymous) && isEmpty(answer))
      throw new Error(
        `${anonymous ? 'who has no token' : 'the token'} may not read it (service:read and node:read are needed)`,
      );
    return { index: Number(headers['x-consul-index'] ?? 0) || 0, body: answer };
  } finally {
    void dispatcher.destroy();
  }
}

function isEmpty(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && Object.keys(answer).length === 0;
}
