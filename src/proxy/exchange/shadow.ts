import type { Cluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import { type ClientStream, type ClientStreamHandler, type Head, METHOD } from '../../http/index.ts';
import type { ClientConnection } from '../../http1/index.ts';
import { Deadline } from '../../time/index.ts';
import type { ExchangeServices } from './exchange-host.ts';

/** A copy that lags behind by more than this is given up: it must never slow the request that it was copied from. */
const maxWaitingBytes = 256 * 1024;
const answerWithinMs = 30_000;
const nobodyTried: readonly RunningEndpoint[] = [];
const hostName = Buffer.from('host', 'latin1');

/** What became of the copies that went to a cluster. */
export interface MirrorCounts {
  sent: number;
  answered: number;
  failed: number;
}

/**
 * A copy of one request on its way to another cluster. Its answer is read and forgotten; whatever happens to it, the request
 * that it was copied from does not notice. Its host ends in `-shadow`, as Envoy does it, so that apps can tell.
 */
export class Shadow implements ClientStreamHandler, StreamWaiter {
  /** Nobody hears whether it worked, so it is never sent twice. */
  readonly repeatable = false;
  readonly #services: ExchangeServices;
  readonly #cluster: Cluster;
  readonly #head: Head;
  readonly #counts: MirrorCounts;
  readonly #deadline: Deadline = new Deadline(() => this.#giveUp(), this);
  #endpoint: RunningEndpoint | undefined;
  #stream: ClientStream | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #trailers: Buffer | undefined;
  #ended: boolean;
  #blocked = false;
  #over = false;

  /** `head`: a copy of its own, edits included. `ended`: there is no (more) body. `body`: what has come of it so far. */
  constructor(
    services: ExchangeServices,
    cluster: Cluster,
    head: Head,
    counts: MirrorCounts,
    body: readonly Buffer[],
    ended: boolean,
  ) {
    this.#services = services;
    this.#cluster = cluster;
    this.#head = head;
    this.#counts = counts;
    this.#ended = ended;
    for (const piece of body) this.data(piece, 0, piece.length);
  }

  /** Sends it. May fail at once. */
  start(): void {
    const { occupancy } = this.#cluster;
    const endpoint = occupancy.mayRequest()
      ? this.#cluster.pick(nobodyTried, this.#services.clock.monotonic())
      : undefined;
    this.#counts.sent++;
    if (endpoint === undefined) {
      this.#over = true;
      this.#counts.failed++;
      return;
    }
    // As it is sent: a route may have put another in its place.
    const { host } = this.#head;
    const isClients = host >= 0 && !this.#head.isRemoved(host);
    const authority = isClients ? this.#head.authority : this.#head.addedText(hostName);
    if (authority !== '' && this.#head.method !== METHOD.CONNECT) {
      const shadowed = authority.replace(/(:\d+)?$/, '-shadow$1');
      this.#head.set(hostName, Buffer.from(shadowed, 'latin1'));
    }
    this.#endpoint = endpoint;
    occupancy.requests++;
    endpoint.active++;
    this.#services.timers.schedule(this.#deadline, answerWithinMs);
    endpoint.pool.acquire(this);
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    if (this.#stream !== undefined) {
      // Its own pace is not waited for: what a slow one cannot take is the end of it.
      if (this.#blocked) this.#waitingBytes += end - start;
      if (this.#waitingBytes > maxWaitingBytes) this.#giveUp();
      else this.#blocked = !this.#stream.data(bytes, start, end);
      return;
    }
    this.#waiting.push(Buffer.from(bytes.subarray(start, end)));
    this.#waitingBytes += end - start;
    if (this.#waitingBytes > maxWaitingBytes) this.#giveUp();
  }

  end(trailers: Buffer | undefined): void {
    if (this.#over) return;
    this.#ended = true;
    this.#trailers = trailers && Buffer.from(trailers);
    this.#stream?.end(trailers);
  }

  /** The request it was copied from broke off. */
  cancel(): void {
    this.#giveUp();
  }

  onConnection(connection: ClientConnection): void {
    const stream = connection.open(this);
    this.#stream = stream;
    const head = this.#head;
    const whole = this.#ended && this.#waiting.length === 0 && head.bodyLength === 0;
    stream.request(head, whole);
    if (whole) return;
    for (const piece of this.#waiting) stream.data(piece, 0, piece.length);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#ended) stream.end(this.#trailers);
  }

  onNoConnection(): void {
    this.#done(false);
  }

  onInformational(): void {}

  onResponse(head: Head, end: boolean): void {
    // What is offered a login is not shared with anybody.
    if (head.connectionLogin) this.#stream?.cancel();
    if (end || head.connectionLogin) this.#done(true);
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#done(true);
  }

  onResponseAbort(): void {
    this.#done(false);
  }

  onFault(): void {
    this.#giveUp();
  }

  onRequestWritable(): void {
    this.#blocked = false;
    this.#waitingBytes = 0;
  }

  #giveUp(): void {
    if (this.#over) return;
    if (this.#stream === undefined) this.#endpoint?.pool.cancel(this);
    else this.#stream.cancel();
    this.#done(false);
  }

  #done(answered: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#services.timers.cancel(this.#deadline);
    this.#waiting = [];
    this.#stream = undefined;
    if (answered) this.#counts.answered++;
    else this.#counts.failed++;
    if (this.#endpoint === undefined) return;
    this.#endpoint.active--;
    this.#cluster.occupancy.requests--;
  }
}
