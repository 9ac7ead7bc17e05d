import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { isRecord } from '../plain/index.ts';
import { ApiError, awayMs, errorOfAnswer, unreachable, unreadable } from './api-error.ts';
import { forwardPort } from './forward.ts';
import { type KubeconfigChoice, loadKubeConfig } from './kubeconfig.ts';
import { LineSplitter } from './line-splitter.ts';
import { collectionPath, objectPath, type ResourceType } from './resource-type.ts';

/** A JSON object of the API: an object, a list, a review. */
export type ApiObject = Readonly<Record<string, unknown>>;

/** One call. */
export interface ApiCall {
  /** GET unless told. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** `application/json`, for PATCH `application/merge-patch+json` unless told. */
  readonly contentType?: string;
  readonly accept?: string;
  /** From the call to the end of the answer, and for coming again when the server asks for that; 30 s unless told. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Proof of who a client is; neither where it has none that others can check. */
export interface ClientProof {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** How a client finds its server and identity. */
export type KubeClientOptions = KubeconfigChoice & {
  /** Instead of reading files; called again when the server no longer accepts what it gave. */
  readonly load?: () => KubeConfig;
  /** In the User-Agent: `weft-injector/0.1.0`. */
  readonly userAgent?: string;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
};

/** A call comes again at most so often when the server asks for that (as client-go has it). */
const mostRetries = 10;
/** The largest answer that is read. Pages of lists are far smaller. */
const maxAnswerBytes = 256 << 20;
const defaultTimeoutMs = 30_000;
/** The longest line of a watch; etcd holds objects of 1.5 MB. */
const maxLineBytes = 32 << 20;
/** A dead peer is noticed after this and ten probes a second apart. */
const keepAliveMs = 15_000;

/**
 * Calls of the Kubernetes API over node:http, with the kubeconfig's every way of authentication from @kubernetes/client-node
 * (token, token file, certificate, exec plugin, OIDC, in-cluster). Failures are returned as ApiError, never thrown.
 */
export class KubeClient {
  readonly #options: KubeClientOptions;
  #config: KubeConfig;
  readonly #agents = new Map<string, http.Agent>();
  #reloadedAtMs = 0;

  /** Throws a WeftError `kubeconfig` when there is no usable configuration. */
  constructor(options: KubeClientOptions = {}) {
    this.#options = options;
    this.#config = this.#load();
  }

  /** `https://10.96.0.1:443` */
  get server(): string {
    return this.#config.getCurrentCluster()?.server ?? '';
  }

  /** The namespace of the context; '' when it has none. */
  get namespace(): string {
    return this.#config.getContextObject(this.#config.getCurrentContext())?.namespace ?? '';
  }

  /** Connects to a port of a pod, as kubectl port-forward does. */
  forward(namespace: string, pod: string, port: number): Promise<Duplex | ApiError> {
    return forwardPort(this.#config, namespace, pod, port);
  }

  /** By what the API server knows who this is, for servers that ask it: a bearer token, or a certificate and its key (PEM). */
  async proof(): Promise<ClientProof | ApiError> {
    const prepared = await this.#prepare({ path: '/' });
    if (prepared instanceof ApiError) return prepared;
    const headers = prepared.headers as Readonly<Record<string, unknown>>;
    const token = /^Bearer +(\S+)$/i.exec(String(headers.Authorization ?? headers.authorization ?? ''))?.[1];
    const { cert, key } = prepared;
    return {
      ...(token !== undefined && { token }),
      ...(cert !== undefined && key !== undefined && { cert: String(cert), key: String(key) }),
    };
  }

  async call(call: ApiCall): Promise<ApiObject | ApiError> {
    // What a pod answers through the server is JSON of any kind: lists, too.
    const anything = /\/(pods|services)\/[^/]+\/proxy(\/|$)/.test(call.path);
    const parse = (text: string): ApiObject | ApiError => this.#parse(text, anything);
    const answer = await this.#send(call, parse);
    if (!(answer instanceof ApiError && answer.status === 401 && this.#reload())) return answer;
    return this.#send(call, parse);
  }

  get(type: ResourceType, namespace: string | undefined, name: string): Promise<ApiObject | ApiError> {
    return this.call({ path: objectPath(type, namespace, name) });
  }

  create(type: ResourceType, namespace: string | undefined, body: unknown): Promise<ApiObject | ApiError> {
    return this.call({ method: 'POST', path: collectionPath(type, namespace), body });
  }

  /** The whole object; with metadata.resourceVersion it fails with api-conflict when somebody was faster. */
  replace(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    body: unknown,
  ): Promise<ApiObject | ApiError> {
    return this.call({ method: 'PUT', path: objectPath(type, namespace, name), body });
  }

  /** A JSON merge patch. */
  patch(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    body: unknown,
  ): Promise<ApiObject | ApiError> {
    return this.call({ method: 'PATCH', path: objectPath(type, namespace, name), body });
  }

  delete(type: ResourceType, namespace: string | undefined, name: string): Promise<ApiObject | ApiError> {
    return this.call({ method: 'DELETE', path: objectPath(type, namespace, name) });
  }

  /**
   * Opens a stream of JSON lines and hands each to `onLine`, which returns false to end it. Resolves when it is over: with
   * undefined when the server ended it in order, otherwise with the reason. `timeoutMs` is the longest that it may last.
   */
  async stream(
    call: ApiCall,
    onLine: (line: string) => boolean,
    onOpen: () => void = () => {},
  ): Promise<ApiError | undefined> {
    const prepared = await this.#prepare(call);
    if (prepared instanceof ApiError) return prepared;
    return new Promise(resolve => {
      const splitter = new LineSplitter(maxLineBytes);
      this.#open(prepared, call, resolve, response => {
        let trouble: string | undefined;
        onOpen();
        response.on('data', (chunk: Buffer) => {
          const state = splitter.push(chunk, onLine);
          if (state === 'going') return;
          if (state === 'too-long') trouble = `a line of more than ${maxLineBytes} bytes`;
          response.destroy();
        });
        const over = (): void => {
          if (trouble !== undefined) resolve(unreadable(this.server, trouble));
          else resolve(undefined);
        };
        response.on('error', error =>
          trouble === undefined ? resolve(unreachable(this.server, error)) : over(),
        );
        response.on('close', over);
      });
    });
  }

  /** What a pod answers through the server (`…/pods/NAME:PORT/proxy/PATH`): text, whatever it is. */
  async text(call: ApiCall): Promise<string | ApiError> {
    return this.#send(call, text => text);
  }

  /**
   * A server that has too much to do says so with Retry-After (API Priority and Fairness, 429; a server that starts, 503), and
   * has done nothing of the call: it comes again then, as long as its time allows.
   */
  async #send<T>(call: ApiCall, read: (text: string) => T | ApiError): Promise<T | ApiError> {
    const { timeoutMs = defaultTimeoutMs, signal } = call;
    const untilMs = performance.now() + timeoutMs;
    for (let retries = 0; ; retries++) {
      const leftMs = Math.max(1, untilMs - performance.now());
      const answer = await this.#sendOnce({ ...call, timeoutMs: leftMs }, read);
      if (!(answer instanceof ApiError) || answer.retryAfterMs === undefined || !answer.passing)
        return answer;
      const waitMs = awayMs(answer.retryAfterMs, (this.#options.random ?? Math.random)());
      if (retries >= mostRetries || performance.now() + waitMs >= untilMs || signal?.aborted) return answer;
      await sleep(waitMs, undefined, { ...(signal && { signal }) }).catch(() => {});
      if (signal?.aborted) return answer;
    }
  }

  async #sendOnce<T>(call: ApiCall, read: (text: string) => T | ApiError): Promise<T | ApiError> {
    const prepared = await this.#prepare(call);
    if (prepared instanceof ApiError) return prepared;
    return new Promise(resolve => {
      this.#open(prepared, call, resolve, response => {
        void readAll(response).then(
          text => resolve(text === undefined ? this.#tooLarge() : read(text)),
          error => resolve(unreachable(this.server, error)),
        );
      });
    });
  }

  /** Sends the request; answers other than 2xx become the error. */
  #open(
    prepared: https.RequestOptions,
    call: ApiCall,
    fail: (error: ApiError) => void,
    use: (response: http.IncomingMessage) => void,
  ): void {
    const url = new URL(this.server);
    const transport = url.protocol === 'http:' ? http : https;
    const request = transport.request(prepared, response => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 200 && statusCode < 300) {
        use(response);
        return;
      }
      void readAll(response).then(
        text => fail(errorOfAnswer(this.server, statusCode, text ?? '', headers['retry-after'])),
        error => fail(unreachable(this.server, error)),
      );
    });
    const limit = setTimeout(
      () => request.destroy(new Error('no answer in time')),
      call.timeoutMs ?? defaultTimeoutMs,
    );
    limit.unref();
    request.on('socket', socket => socket.setKeepAlive(true, keepAliveMs));
    request.on('close', () => clearTimeout(limit));
    request.on('error', error => fail(unreachable(this.server, error)));
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    // Node frames the body of a DELETE only when its length is said; the server would read it as the next request.
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body));
    request.end(body);
  }

  async #prepare(call: ApiCall): Promise<https.RequestOptions | ApiError> {
    const options: https.RequestOptions = { headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (thrown) {
      const words = thrown instanceof Error ? thrown.message.trim() : String(thrown);
      const why = `no credentials for the Kubernetes API server at ${this.server}: ${words}; see the user of the kubeconfig's context`;
      return new ApiError('api-unauthorized', why, { status: 401, reason: 'Unauthorized' }, thrown);
    }
    const url = new URL(this.server);
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) search.set(name, String(value));
    }
    const base = url.pathname.replace(/\/$/, '');
    const method = call.method ?? 'GET';
    const contentType =
      call.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
    return {
      ...options,
      agent: this.#agent(options),
      method,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port || (url.protocol === 'http:' ? 80 : 443),
      path: `${base}${call.path}${search.size > 0 ? `?${search}` : ''}`,
      headers: {
        ...(options.headers as http.OutgoingHttpHeaders),
        accept: call.accept ?? 'application/json',
        'user-agent': this.#options.userAgent ?? 'weft',
        ...(call.body !== undefined && { 'content-type': contentType }),
      },
      ...(call.signal && { signal: call.signal }),
    };
  }

  /**
   * The library keeps one agent for good, with the certificates of its first call. Ours are kept by what they hold, so that
   * a renewed client certificate or CA bundle is used; behind a proxy it is the library's that knows the way.
   */
  #agent(options: https.RequestOptions): http.Agent {
    if (this.#config.getCurrentCluster()?.proxyUrl) return options.agent as http.Agent;
    const { ca, cert, key, passphrase, pfx, servername, rejectUnauthorized } = options;
    const hash = createHash('sha256');
    for (const part of [ca, cert, key, passphrase, pfx, servername, rejectUnauthorized]) {
      hash.update(`${part === undefined ? '' : String(part)}\n`);
    }
    const id = `${this.server} ${hash.digest('base64')}`;
    const known = this.#agents.get(id);
    if (known) return known;
    const material = { ca, cert, key, passphrase, pfx, servername, rejectUnauthorized };
    const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
    const agent = this.server.startsWith('http:')
      ? new http.Agent({ keepAlive: true })
      : new https.Agent({ keepAlive: true, ...given });
    // Calls under way go on with theirs; nobody will ask for the others again.
    this.#agents.clear();
    this.#agents.set(id, agent);
    return agent;
  }

  #parse(text: string, anything: boolean): ApiObject | ApiError {
    try {
      const body = JSON.parse(text) as unknown;
      if (anything) return body as ApiObject;
      if (isRecord(body)) return body as ApiObject;
    } catch {
      // Said below.
    }
    return unreadable(this.server, 'an answer that is no JSON object');
  }

  #tooLarge(): ApiError {
    return unreadable(this.server, `an answer of more than ${maxAnswerBytes} bytes`);
  }

  /** Reads the configuration again, at most every five seconds. False when that brings nothing. */
  #reload(): boolean {
    const nowMs = performance.now();
    if (this.#reloadedAtMs !== 0 && nowMs - this.#reloadedAtMs < 5_000) return false;
    this.#reloadedAtMs = nowMs;
    try {
      this.#config = this.#load();
      return true;
    } catch {
      return false;
    }
  }

  #load(): KubeConfig {
    return this.#options.load?.() ?? loadKubeConfig(this.#options);
  }
}

/** The body as text; undefined when it is too large. */
async function readAll(response: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswerBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
