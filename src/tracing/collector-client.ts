// Calls to a collector over HTTP/1.1, in plaintext or by TLS. The proxy's own connections are not redirected: they go where the
// name leads, as those of the pod's own programs do, and no proxy of this pod sees them. Through Node's own client, which the
// merged metrics may have loaded already; undici on top of it would be 3 MB more.
import type { Agent, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { errorMessage, guarded } from '../errors/index.ts';
import { type Collector, type OriginatedTls, parseHostPort } from '../model/index.ts';

/** What became of a call. */
export type CallResult =
  | { readonly kind: 'taken' }
  /** It may work later; `afterMs` when the collector said when. */
  | { readonly kind: 'later'; readonly why: string; readonly afterMs?: number }
  /** It will not work with these spans, however often it is tried. */
  | { readonly kind: 'refused'; readonly why: string };

/** Answers that ask to come again (OTLP specification, "Retryable Response Codes", and what servers say before they are up). */
const again = new Set([408, 429, 500, 502, 503, 504]);
/** Of an answer that is no success, for the log. */
const wordsLength = 200;

/** A connection to one collector. Made without I/O; the first call opens it. */
export class CollectorClient {
  readonly #collector: Collector;
  readonly #contentType: string;
  #http: Pick<typeof import('node:http'), 'request'> | undefined;
  #agent: Agent | undefined;

  /** `contentType`: of the bodies that `post` gets. */
  constructor(collector: Collector, contentType: string) {
    this.#collector = collector;
    this.#contentType = contentType;
  }

  /** Sends one body. Never throws. */
  async post(body: Uint8Array | string): Promise<CallResult> {
    try {
      if (this.#http === undefined || this.#agent === undefined) {
        const { http, agent } = await open(this.#collector);
        this.#http = http;
        this.#agent = agent;
      }
      return await this.#call(this.#http, this.#agent, Buffer.from(body));
    } catch (thrown) {
      return { kind: 'later', why: errorMessage(thrown) };
    }
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  #call(
    { request: ask }: Pick<typeof import('node:http'), 'request'>,
    agent: Agent,
    body: Buffer,
  ): Promise<CallResult> {
    const { address, path, headers = [], timeoutMs } = this.#collector;
    const to = parseHostPort(address, 80);
    if (to === undefined) return Promise.resolve({ kind: 'refused', why: `'${address}' is no host:port` });
    return new Promise(resolve => {
      const request = ask({
        agent,
        method: 'POST',
        host: to.host,
        port: to.port,
        path,
        headers: {
          ...Object.fromEntries(headers),
          'content-type': this.#contentType,
          'content-length': body.length,
        },
        signal: AbortSignal.timeout(timeoutMs),
      });
      const failed = (thrown: unknown): void => resolve({ kind: 'later', why: whyOf(thrown, timeoutMs) });
      request.on('error', failed);
      request.on(
        'response',
        guarded(
          'trace-collector',
          response => this.#answered(response, resolve, failed),
          failed as () => void,
        ),
      );
      request.end(body);
    });
  }

  #answered(
    response: IncomingMessage,
    resolve: (result: CallResult) => void,
    failed: (thrown: unknown) => void,
  ): void {
    let words = '';
    response.setEncoding('latin1');
    response.on('error', failed);
    response.on('data', (text: string) => {
      if (words.length < wordsLength) words += text.slice(0, wordsLength);
    });
    response.on('end', () =>
      resolve(resultOf(response.statusCode ?? 0, words.trim(), response.headers['retry-after'])),
    );
  }
}

const keepAlive = { keepAlive: true, maxSockets: 1 };

/** What calls go through. What TLS needs is loaded where a collector asks for it. */
async function open({
  address,
  tls,
}: Collector): Promise<{ http: Pick<typeof import('node:http'), 'request'>; agent: Agent }> {
  if (tls === undefined) {
    const http = await import('node:http');
    return { http, agent: new http.Agent(keepAlive) };
  }
  const [http, { OriginatedContexts, wrongUpstream }] = await Promise.all([
    import('node:https'),
    import('../tls/originated.ts'),
  ]);
  const servername = nameOf(tls, address);
  // An address has no place in a ClientHello (RFC 6066 section 3).
  const sent = isIP(servername) === 0 ? servername : '';
  const contexts = new OriginatedContexts();
  const agent = new http.Agent({
    ...keepAlive,
    servername: sent,
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
      const wrong = tls.insecureSkipVerify === true ? undefined : wrongUpstream(tls, servername, certificate);
      return wrong === undefined ? undefined : new Error(wrong);
    },
  });
  // For each connection: files that are rotated are read again.
  const { createConnection } = agent;
  agent.createConnection = (options, callback) =>
    createConnection.call(
      agent,
      { ...options, secureContext: contexts.get(tls, performance.now()) } as typeof options,
      callback,
    );
  return { http, agent };
}

/** The name that its certificate has to have. */
function nameOf({ serverName }: OriginatedTls, address: string): string {
  return serverName ?? parseHostPort(address, 443)?.host ?? '';
}

function resultOf(status: number, words: string, retryAfter: string | undefined): CallResult {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const why = `it answered ${status}${words === '' ? '' : `: ${words}`}`;
  if (!again.has(status)) return { kind: 'refused', why };
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) && seconds > 0
    ? { kind: 'later', why, afterMs: seconds * 1000 }
    : { kind: 'later', why };
}

function whyOf(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof Error && (thrown.cause as Error | undefined)?.name === 'TimeoutError')
    return `no answer within ${timeoutMs} ms`;
  return errorMessage(thrown);
}
