import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { errorMessage, guarded, internalError, WeftError } from '../errors/index.ts';
import type { Credentials } from '../identity/index.ts';
import { formatAddress, type HostPort } from '../model/index.ts';
import { ByteBudget, HandshakeGate, Newcomers } from '../newcomers/index.ts';
import { Heartbeat } from './heartbeat.ts';
import { DISCOVERY_ALPN, PING_MS } from './protocol.ts';
import { ProxyStream } from './proxy-stream.ts';
import { PushQueue } from './push-queue.ts';
import { Rounds } from './rounds.ts';
import {
  type AskableProxies,
  type AskableProxy,
  DEFAULT_LIMITS,
  type DiscoveryServerOptions,
  type Refusal,
  type StreamStatus,
} from './server.interface.ts';
import type { StreamShared } from './stream-shared.ts';

/** What a newcomer may take beyond the time for its first message. */
const graceMs = 5_000;

/** Who connects gives up after ten seconds: who cannot have its handshake in half of that is told at once. */
const longestWaitMs = 5_000;

/** Connections that wait to be accepted by this process: all proxies of a mesh may come within a moment. */
const backlog = 4_096;

/** The control plane's side of the discovery protocol. Built without I/O, started once, ended by the signal. */
export class DiscoveryServer implements AskableProxies {
  readonly #options: DiscoveryServerOptions;
  readonly #shared: StreamShared;
  readonly #streams = new Set<ProxyStream>();
  readonly #heartbeat: Heartbeat;
  readonly #pings: Rounds<ProxyStream>;
  readonly #newcomers: Newcomers;
  readonly #gate: HandshakeGate;
  readonly #proxyListeners = new Set<(proxy: AskableProxy) => void>();

  constructor(options: DiscoveryServerOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.clock, this.#streams);
    this.#pings = new Rounds({
      ...{ clock: options.clock, all: this.#streams, name: 'discovery.ping' },
      everyMs: () => PING_MS,
      visit: stream => stream.ping(),
    });
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { newcomers: total, newcomersPerAddress: perAddress } = limits;
    this.#newcomers = new Newcomers({
      // A stream says first what it misses; this is for those that never come so far, or are answered slowly.
      limits: { total, perAddress, withinMs: limits.helloMs + graceMs },
      clock: options.clock,
      closed: (code, address) => {
        options.log.debug({ code, address }, 'closed a connection whose peer has proven nothing');
        options.observer?.refused(code);
      },
    });
    this.#gate = new HandshakeGate({
      ...{ atOnce: limits.handshakes, longestWaitMs, clock: options.clock },
      crowded: address => {
        options.log.debug({ address }, 'closed a connection whose handshake would have come too late');
        options.observer?.refused('handshake-crowded');
      },
    });
    this.#shared = {
      options,
      limits,
      queue: new PushQueue(),
      newcomers: this.#newcomers,
      newcomerBytes: new ByteBudget(limits.newcomerBytes),
      heartbeat: this.#heartbeat,
      opened: proxy => this.#proxyListeners.forEach(listener => void listener(proxy)),
      closed: stream => void this.#streams.delete(stream),
    };
  }

  /**
   * Listens (on every address where the host is empty) and resolves with the port. Needs credentials. Errors:
   * credentials-missing, port-in-use, listen-failed. When the signal aborts it stops listening and ends every stream, after what
   * was written.
   */
  async start(listen: HostPort, signal: AbortSignal): Promise<number> {
    const { credentials } = this.#options;
    const current = credentials.credentials;
    if (!current)
      throw new WeftError('credentials-missing', 'the control plane has no certificate of its own yet');
    const server = createServer(this.#tlsOptions(current), socket => {
      // Until the stream is made, and after it is gone, nobody else hears of errors.
      socket.on('error', () => {});
      guarded(
        'discovery.accept',
        () => this.#accept(socket),
        () => socket.destroy(),
      )();
    });
    server.maxConnections = this.#shared.limits.connections;
    server.on('drop', () => this.#options.observer?.refused('too-many-connections'));
    this.#newcomers.guard(server, this.#gate);
    server.on('tlsClientError', (error, socket) => {
      this.#newcomers.leave(socket);
      this.#gate.over(socket);
      // Of a handshake that takes too long Node only tells.
      socket.destroy();
      this.#options.log.debug({ error: error.message }, 'a tls handshake failed');
      this.#options.observer?.refused('tls-handshake');
    });
    const port = await bind(server, listen);
    const unsubscribe = credentials.subscribe(renewed => server.setSecureContext(contextOf(renewed)));
    const stopPinging = this.#pings.start();
    const stopBeating = this.#heartbeat.start();
    const stop = (): void => {
      unsubscribe();
      stopPinging();
      stopBeating();
      server.close();
      for (const stream of this.#streams) stream.end();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    return port;
  }

  /** How many connections there are whose peer has proven nothing. */
  get newcomers(): number {
    return this.#newcomers.size;
  }

  /** How every proxy stands that follows resources. */
  status(): readonly StreamStatus[] {
    return [...this.#streams].flatMap(stream => stream.status() ?? []);
  }

  /** What proxies of this replica refuse now. */
  refusals(): readonly Refusal[] {
    return [...this.#streams].flatMap(stream => stream.refusals());
  }

  proxies(): readonly AskableProxy[] {
    return [...this.#streams].flatMap(stream => stream.askable ?? []);
  }

  onProxy(listener: (proxy: AskableProxy) => void): () => void {
    this.#proxyListeners.add(listener);
    return () => void this.#proxyListeners.delete(listener);
  }

  #accept(socket: TLSSocket): void {
    this.#gate.over(socket);
    const stream = new ProxyStream(socket, this.#shared);
    this.#streams.add(stream);
    if (socket.alpnProtocol === DISCOVERY_ALPN) return;
    stream.fail('alpn-missing', `this port speaks ${DISCOVERY_ALPN}; offer it with ALPN`);
  }

  #tlsOptions(credentials: Credentials): TlsOptions {
    return {
      ...contextOf(credentials),
      ALPNProtocols: [DISCOVERY_ALPN],
      // Enforced for each message instead: a proxy without a certificate may ask for one.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: this.#shared.limits.helloMs,
    };
  }
}

function contextOf({ keyPem, chainPem, roots }: Credentials): TlsOptions {
  return {
    key: keyPem,
    cert: chainPem,
    ca: [...roots],
    minVersion: 'TLSv1.3',
    // A resumed session would bring the verdict on a certificate that has run out since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function bind(server: Server, { host, port }: HostPort): Promise<number> {
  return new Promise((resolve, reject) => {
    const where = formatAddress(host, port);
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = `port ${port} is in use on ${host || 'this machine'}; stop what listens there, or choose another address to listen on`;
      reject(
        error.code === 'EADDRINUSE'
          ? new WeftError('port-in-use', inUse, { source: 'config', cause: error })
          : new WeftError('listen-failed', `cannot listen on ${where}: ${errorMessage(error)}`, {
              source: 'config',
            }),
      );
    });
    server.listen({ port, backlog, ...(host !== '' && { host }) }, () => {
      // From now on: no file descriptor left for one connection, say. Others go on.
      server.on('error', error => internalError('discovery.accept', error));
      resolve((server.address() as AddressInfo).port);
    });
  });
}
