import { Agent, type IncomingMessage, request } from 'node:http';
import { GrpcSender } from './grpc-sender.ts';
import type { Outcome } from './tally.ts';

/** A request about to be sent; `body` for methods that carry one. */
export interface Errand {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** What came of it; the run adds the latency. */
export type Answered = Omit<Outcome, 'latencyMs' | 'id' | 'method' | 'url'>;

/** Sends requests, once each: whatever is repeated was repeated by somebody on the way. */
export interface Sender {
  send(errand: Errand): Promise<Answered>;
  close(): void;
}

/** Each errand by the scheme of its URL. */
export class SchemeSender implements Sender {
  readonly #http = new HttpSender();
  readonly #grpc = new GrpcSender();

  send(errand: Errand): Promise<Answered> {
    return errand.url.startsWith('grpc://') ? this.#grpc.send(errand) : this.#http.send(errand);
  }

  close(): void {
    this.#http.close();
    this.#grpc.close();
  }
}

/** Over kept-alive connections of its own; HTTP_PROXY is honoured. */
export class HttpSender implements Sender {
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo', proxyEnv: process.env });

  send(errand: Errand): Promise<Answered> {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const headers: Record<string, string> = { 'Load-Id': errand.id };
    if (errand.body !== undefined) {
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = String(Buffer.byteLength(errand.body));
    }
    const outgoing = request(errand.url, { agent: this.#agent, method: errand.method, headers });
    const timer = setTimeout(() => outgoing.destroy(new Error('timeout')), errand.timeoutMs);
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const reused = outgoing.reusedSocket ? ' on a reused connection' : '';
      resolve({ status: 0, error: `${error.code ?? error.message}${reused}`, servedBy: [] });
    };
    outgoing.on('error', fail);
    outgoing.on('response', response => {
      response.on('error', fail);
      collect(response, errand, answered => {
        clearTimeout(timer);
        resolve(answered);
      });
    });
    outgoing.end(errand.body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function collect(response: IncomingMessage, errand: Errand, done: (answered: Answered) => void): void {
  const status = response.statusCode ?? 0;
  const success = status >= 200 && status < 300;
  const wanted = !success || errand.body !== undefined;
  let text = '';
  response.on('data', (chunk: Buffer) => {
    if (wanted && text.length < 500) text += chunk.toString('utf8');
  });
  response.on('end', () => {
    const servedBy = String(response.headers['served-by'] ?? '')
      .split(', ')
      .filter(Boolean);
    const seen = success && wanted ? /"seen":(\d+)/.exec(text)?.[1] : undefined;
    done({
      status,
      servedBy,
      ...(seen === undefined ? {} : { seen: Number(seen) }),
      ...(success ? {} : { text: text.slice(0, 300) }),
    });
  });
}
