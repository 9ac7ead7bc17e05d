// How the shop's services call each other: by name, over kept-alive connections, with a time limit. HTTP_PROXY is honoured
// by Node itself.
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { Refusal } from './service.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 64, proxyEnv: process.env });

/** The answer of another service. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON. */
  readonly body: Record<string, unknown>;
  /** The `Served-By` values, outermost first. */
  readonly servedBy: readonly string[];
}

/** What may be said beside the address. */
export interface CallOptions {
  readonly method?: string;
  readonly body?: object;
  /** Passed on to the next service, for instance `Load-Id`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Calls a service. Everything but a 2xx answer with JSON is a Refusal 502 or 504 that names the address and what happened. */
export function call(address: string, options: CallOptions = {}): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
  const method = options.method ?? 'GET';
  const outgoing = request(address, {
    agent,
    method,
    timeout: options.timeoutMs ?? 10_000,
    headers: {
      ...options.headers,
      ...(payload === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
    },
  });
  const fail = (what: string, status = 502) => reject(new Refusal(status, `${method} ${address}: ${what}`));
  outgoing.on('timeout', () => {
    fail('no answer in time', 504);
    outgoing.destroy();
  });
  outgoing.on('error', error => fail(error.message));
  outgoing.on('response', response => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', error => fail(error.message));
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) return fail(`answered ${status}: ${text.slice(0, 200)}`);
      try {
        const body = JSON.parse(text) as Record<string, unknown>;
        const servedBy = String(response.headers['served-by'] ?? '')
          .split(', ')
          .filter(Boolean);
        resolve({ status, headers: response.headers, body, servedBy });
      } catch {
        fail('the answer is not JSON');
      }
    });
  });
  outgoing.end(payload);
  return promise;
}
