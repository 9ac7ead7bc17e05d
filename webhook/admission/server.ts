// The admission server: HTTPS with HTTP/1.1 keep-alive. In: what anybody in the cluster may send to the port. Out: answers for
// the API server, and clear refusals for everybody else. One bad call never disturbs another.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { errorMessage, internalError, WeftError } from '../../src/errors/index.ts';
import { formatAddress, type HostPort } from '../../src/model/index.ts';
import { ByteBudget, Newcomers } from '../../src/newcomers/index.ts';
import type { Admission } from './admit.ts';
import { answerFor } from './answer.ts';
import { EventReporter } from './events.ts';
import type { RunningWebhook, ServerCertificate, WebhookOptions } from './options.ts';
import { WEBHOOK_PATHS } from './paths.ts';
import { readReview, writeReview } from './review.ts';

/** Larger bodies are refused: etcd takes no object above 1.5 MiB, and a review holds one. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/**
 * Callers show no certificate, so that nobody is known here: connections in all, from one address, and what bodies hold together.
 */
const connectionLimits = { total: 1_024, perAddress: 256 };
const bodyBytes = 64 << 20;
/** What a piece of a body costs beside its bytes. */
const pieceBytes = 200;

/**
 * Starts the admission server; resolves when it listens, with or without a certificate yet. Until `signal` aborts; calls under
 * way are then answered. Rejects with a WeftError: port-in-use, listen-failed.
 */
export async function startWebhook(options: WebhookOptions): Promise<RunningWebhook> {
  const { clock, log, signal, observer, certificate } = options;
  const events = new EventReporter({
    sink: options.events,
    clock,
    log,
    observe: outcome => observer?.event(outcome),
  });
  const timeouts = { handshakeTimeout: 10_000, requestTimeout: 10_000, headersTimeout: 10_000 };
  const server = createServer({ minVersion: 'TLSv1.2', ...timeouts });
  const closed = (code: string): void => observer?.refused(code);
  new Newcomers({ limits: options.connections ?? connectionLimits, clock, closed }).guard(server);
  const bodies = new ByteBudget(options.bodyBytes ?? bodyBytes);
  // The API server keeps idle connections for 90 s; ours must live longer, or it writes into a closed one.
  server.keepAliveTimeout = 120_000;
  server.on('request', (request, response) => {
    new Call(request, response, options, events, bodies).run().catch(thrown => {
      internalError('webhook', thrown);
      response.destroy();
    });
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (/certificate|unknown ca/i.test(error.message)) {
      log.warn(
        { peer: socket.remoteAddress, error: error.message },
        'the API server does not trust this webhook: its caBundle is another; see weft check',
      );
    }
    socket.destroy();
  });
  let hasCertificate = false;
  const unsubscribe = certificate.subscribe(next => {
    hasCertificate = show(server, next, log) || hasCertificate;
  });
  const stop = (): void => {
    unsubscribe();
    server.close();
    server.closeIdleConnections();
  };
  signal.addEventListener('abort', stop, { once: true });
  const port = await bind(server, options.listen);
  const notReady = (): string | undefined =>
    signal.aborted
      ? 'the webhook is stopping'
      : hasCertificate
        ? undefined
        : 'the webhook has no certificate yet';
  return { port, notReady, ready: () => notReady() === undefined };
}

function show(server: Server, { keyPem, chainPem }: ServerCertificate, log: WebhookOptions['log']): boolean {
  try {
    // For connections to come; open ones go on.
    server.setSecureContext({ key: keyPem, cert: chainPem, minVersion: 'TLSv1.2' });
    return true;
  } catch (thrown) {
    log.error(
      { error: errorMessage(thrown) },
      'the webhook keeps its old certificate: the new one is unusable',
    );
    return false;
  }
}

function bind(server: Server, { host, port }: HostPort): Promise<number> {
  const where = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const why = inUse ? `port ${port} is in use` : `cannot listen on ${where}: ${error.message}`;
      reject(
        new WeftError(
          inUse ? 'port-in-use' : 'listen-failed',
          `the webhook: ${why}; give another address with --webhook-listen`,
          { source: 'config', cause: error },
        ),
      );
    });
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.on('error', error => internalError('webhook.accept', error));
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** One call, from its head to its answer. */
class Call {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: WebhookOptions;
  readonly #events: EventReporter;
  readonly #bodies: ByteBudget;
  readonly #startedAtMs: number;
  /** Of the budget of all bodies, until the call is over. */
  #heldBytes = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    options: WebhookOptions,
    events: EventReporter,
    bodies: ByteBudget,
  ) {
    this.#bodies = bodies;
    this.#request = request;
    this.#response = response;
    this.#options = options;
    this.#events = events;
    this.#startedAtMs = options.clock.monotonic();
  }

  async run(): Promise<void> {
    try {
      await this.#route();
    } catch (thrown) {
      // Without an answer of ours the API server does what the failure policy says.
      this.#options.log.error({ error: errorMessage(thrown) }, 'a pod could not be judged');
      this.#refuse(500, 'failed', `weft-injector could not judge the pod: ${errorMessage(thrown)}`);
    } finally {
      this.#bodies.give(this.#heldBytes);
    }
  }

  async #route(): Promise<void> {
    const { method = '', url = '/' } = this.#request;
    const path = url.split('?')[0]!;
    if (path === WEBHOOK_PATHS.health) {
      if (method !== 'GET' && method !== 'HEAD')
        this.#refuse(405, 'bad-request', 'only GET is answered here');
      else this.#send(200, 'text/plain', 'ok\n');
      return;
    }
    if (path !== WEBHOOK_PATHS.labelled && path !== WEBHOOK_PATHS.everywhere) {
      this.#refuse(404, 'bad-request', `nothing is here; reviews go to ${WEBHOOK_PATHS.labelled}`);
    } else if (method !== 'POST') {
      this.#refuse(405, 'bad-request', 'send an AdmissionReview with POST');
    } else if (!/^application\/json\b/i.test(this.#request.headers['content-type'] ?? '')) {
      this.#refuse(415, 'bad-request', 'the content-type must be application/json');
    } else {
      await this.#review(path === WEBHOOK_PATHS.labelled);
    }
  }

  async #review(labelled: boolean): Promise<void> {
    const text = await this.#body();
    if (text === 'gone') return;
    if (text === 'too-large') {
      this.#refuse(413, 'bad-request', `the body is larger than ${MAX_BODY_BYTES} bytes`);
      return;
    }
    if (text === 'busy') {
      this.#options.observer?.refused('too-many-bodies');
      this.#refuse(503, 'failed', 'too many reviews are being read at once; ask again');
      return;
    }
    const read = readReview(text.toString('utf8'));
    if ('error' in read) {
      this.#refuse(400, 'bad-request', read.error);
      return;
    }
    const admission = await answerFor(read.request, labelled, this.#options);
    this.#send(200, 'application/json', JSON.stringify(writeReview(read.request, admission.answer)));
    this.#observe(admission.outcome, admission.code);
    if (!read.request.dryRun) for (const event of admission.events) this.#events.report(event);
    this.#log(admission, read.request.namespace, read.request.dryRun);
  }

  #log({ outcome, code, events }: Admission, namespace: string, dryRun: boolean): void {
    const [event] = events;
    if (event === undefined || dryRun) return;
    const who = `${event.about.kind}/${event.about.name}`;
    this.#options.log.info({ outcome, code, namespace, workload: who }, event.message);
  }

  #body(): Promise<Buffer | 'too-large' | 'busy' | 'gone'> {
    const request = this.#request;
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return Promise.resolve('too-large');
    return new Promise(resolve => {
      const chunks: Buffer[] = [];
      let size = 0;
      const stop = (why: 'too-large' | 'busy'): void => {
        request.pause();
        request.removeAllListeners('data');
        resolve(why);
      };
      request.on('data', (chunk: Buffer) => {
        size += chunk.length;
        // A body in pieces of one byte costs what the pieces cost.
        const held = chunk.length + pieceBytes;
        if (size > MAX_BODY_BYTES) stop('too-large');
        else if (!this.#bodies.take(held)) stop('busy');
        else {
          this.#heldBytes += held;
          chunks.push(chunk);
        }
      });
      request.on('end', () => resolve(Buffer.concat(chunks)));
      request.on('error', () => resolve('gone'));
      request.on('close', () => resolve('gone'));
    });
  }

  #refuse(status: number, outcome: string, error: string): void {
    this.#observe(outcome, String(status));
    if (this.#response.headersSent) return;
    // What else was sent is not read, so the connection is of no more use.
    const done = this.#request.complete;
    this.#send(status, 'application/json', `${JSON.stringify({ error })}\n`, !done);
  }

  #send(status: number, type: string, body: string, close = false): void {
    const response = this.#response;
    const ending = close || this.#options.signal.aborted;
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      ...(ending ? { connection: 'close' } : {}),
    });
    response.end(body, () => {
      if (close) this.#request.destroy();
    });
  }

  #observe(outcome: string, code: string): void {
    const { clock, observer } = this.#options;
    observer?.admission(outcome, code, clock.monotonic() - this.#startedAtMs);
  }
}
