// A proxy as the control plane sees it, without a data plane: it says what src/discovery/client.ts says, byte for byte
// (lean-proxy.test.ts compares the two), and keeps nothing of what it hears. Thousands fit into one process.
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { AT_FIRST, firstThatAnswers } from '../../src/discovery/first-that-answers.ts';
import type { ControlPlane } from '../../src/discovery/index.ts';
import { DISCOVERY_ALPN } from '../../src/discovery/protocol.ts';
import { principalOf } from '../../src/identity/index.ts';
import { Backoff } from '../../src/time/index.ts';

/** Who a lean proxy is, and what it follows. */
export interface LeanProxyOptions {
  /** Where to connect; asked at every attempt, as a Service picks a replica for every connection. */
  readonly controlPlane: () => Pick<ControlPlane, 'address' | 'identity'>;
  /** Its key, its certificate and whom it trusts: made once for all proxies of a workload. */
  readonly secureContext: SecureContext;
  readonly namespace: string;
  readonly pod: string;
  readonly proxyVersion: string;
  /** Destinations that its app has called. */
  readonly keys: readonly string[];
  /** The pod's address, so that the control plane sees as many addresses as there are pods; the machine's own unless told. */
  readonly localAddress?: string;
  readonly hears: LeanListener;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Told by lean proxies. Times are those of `nowMs`. */
export interface LeanListener {
  /** A change came: the line, whole. */
  changed(line: string, proxy: LeanProxy): void;
  /** Everything that it follows has come over this connection. */
  synced(proxy: LeanProxy): void;
  lost(why: string, proxy: LeanProxy): void;
  /** `deliveries`: of resources and changes; what only says that the control plane is there is none. */
  received?(bytes: number, deliveries: number): void;
}

/** Milliseconds on the clock that all processes of a machine share and that never goes back. */
export function nowMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

const newline = 0x0a;
/** As the client of a proxy. */
const connectMs = 10_000;
/** How a line begins that delivers something; see encodeDelivery. */
const delivery = /^\{"version":(\d+),(?:"changedAtMs":\d+,)?"type":"(?:resource|endpoints-change)"/;
/** Ten thousand of these are no load that proxies of their own would feel. */
const beat = '{"type":"beat"';
/** Which resource it is, where that is a whole one. */
const whole = /"type":"resource","resource":\{"kind":"(\w+)","key":"([^"]*)"/;
/** So far into a line its name has been said. */
const headBytes = 200;

/** See the head of this file. */
export class LeanProxy {
  readonly #options: LeanProxyOptions;
  readonly #backoff: Backoff;
  #socket: TLSSocket | undefined;
  #search: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #rest: Buffer | undefined;
  #closed = false;
  #heard = false;
  /** Of trust, inbound side, destinations and endpoint sets, those that have come over this connection; until it is in sync. */
  #arrived: Set<string> | undefined;
  /** When it was last cut off; undefined while it is in sync. */
  outSinceMs: number | undefined;

  constructor(options: LeanProxyOptions) {
    this.#options = options;
    this.#backoff = new Backoff(undefined, options.random);
    this.outSinceMs = nowMs();
  }

  get keys(): readonly string[] {
    return this.#options.keys;
  }

  get pod(): string {
    return `${this.#options.namespace}/${this.#options.pod}`;
  }

  /** Connects as the client of a proxy does: beside an attempt that is not answered another begins. */
  start(): void {
    if (this.#closed) return;
    const search = new AbortController();
    this.#search = search;
    firstThatAnswers(signal => this.#dial(signal), AT_FIRST, search.signal).then(
      socket => {
        if (search.signal.aborted) socket.destroy();
        else this.#connected(socket);
      },
      (error: Error) => {
        if (!search.signal.aborted) this.#lost(error.message);
      },
    );
  }

  #dial(signal: AbortSignal): Promise<TLSSocket> {
    const { controlPlane, secureContext, localAddress } = this.#options;
    const { address, identity } = controlPlane();
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: address.host,
        port: address.port,
        ALPNProtocols: [DISCOVERY_ALPN],
        minVersion: 'TLSv1.3',
        secureContext,
        ...(localAddress !== undefined && { localAddress }),
        checkServerIdentity: (_host, { raw }) =>
          principalOf(raw) === identity ? undefined : new Error('somebody else answers'),
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        socket.destroy();
        reject(error);
      };
      const abort = (): void => fail(new Error('given up'));
      const late = `no connection within ${connectMs / 1000} s`;
      const timer = setTimeout(() => fail(new Error(late)), connectMs);
      signal.addEventListener('abort', abort, { once: true });
      // Also of one that was given up, or is lost later.
      socket.on('error', fail);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        socket.setNoDelay(true);
        resolve(socket);
      });
    });
  }

  #connected(socket: TLSSocket): void {
    this.#socket = socket;
    const lost = (why: string): void => {
      if (this.#socket === socket) this.#lost(why);
    };
    socket.on('error', error => lost(error.message));
    socket.on('close', () => lost('the control plane closed the connection'));
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket !== socket) return;
      // As the client does: the answers to what came together leave together.
      socket.cork();
      this.#read(chunk, socket);
      socket.uncork();
    });
    if (socket.destroyed) lost('the control plane closed the connection');
    else this.#greet(socket);
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  #greet(socket: TLSSocket): void {
    const { namespace, pod, proxyVersion, keys } = this.#options;
    this.#rest = undefined;
    this.#heard = false;
    this.#arrived = new Set();
    say(socket, { type: 'hello', namespace, pod, proxyVersion, answers: [] });
    if (keys.length > 0) say(socket, { type: 'subscribe', keys });
  }

  #read(chunk: Buffer, socket: TLSSocket): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let from = 0;
    let deliveries = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      if (this.#line(bytes, from, at, socket)) deliveries++;
      if (this.#socket !== socket) return;
      from = at + 1;
    }
    this.#rest = from === bytes.length ? undefined : Buffer.from(bytes.subarray(from));
    this.#options.hears.received?.(chunk.length, deliveries);
  }

  /** Whether it delivered something. */
  #line(bytes: Buffer, from: number, to: number, socket: TLSSocket): boolean {
    const head = bytes.toString('latin1', from, Math.min(to, from + headBytes));
    const version = delivery.exec(head)?.[1];
    if (version === undefined) {
      this.#other(bytes.toString('utf8', from, to), socket);
      return false;
    }
    if (!this.#heard) {
      this.#heard = true;
      this.#backoff.reset();
    }
    socket.write(`{"type":"ack","version":${version}}\n`);
    const { hears, keys } = this.#options;
    if (head.includes('"changedAtMs":')) hears.changed(bytes.toString('utf8', from, to), this);
    const named = this.#arrived && whole.exec(head);
    if (!named) return true;
    this.#arrived!.add(`${named[1]} ${named[2]}`);
    if (this.#arrived!.size < 2 + 2 * keys.length) return true;
    this.#arrived = undefined;
    hears.synced(this);
    this.outSinceMs = undefined;
    return true;
  }

  #other(line: string, socket: TLSSocket): void {
    if (line.startsWith(beat)) return;
    const message = JSON.parse(line) as { type: string; code?: string; message?: string };
    if (message.type === 'ping') say(socket, { type: 'pong' });
    else if (message.type === 'error') this.#lost(`${message.code}: ${message.message}`);
  }

  #lost(why: string): void {
    this.#leave();
    this.outSinceMs ??= nowMs();
    this.#options.hears.lost(why, this);
    if (!this.#closed) this.#timer = setTimeout(() => this.start(), this.#backoff.next());
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#search?.abort();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }
}

function say(socket: TLSSocket, message: object): void {
  socket.write(`${JSON.stringify(message)}\n`);
}
