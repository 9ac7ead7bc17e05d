import type { RunningCluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import { type Flag, INTERNAL_ERROR } from '../../errors/index.ts';
import {
  type CancelReason,
  type ClientStream,
  type ClientStreamHandler,
  type Fields,
  type Head,
  METHOD,
  type StreamFailure,
} from '../../http/index.ts';
import { Deadline } from '../../time/index.ts';
import type { RunningMirror } from '../destinations/running-route.ts';
import type { ExchangeServices } from './exchange-host.ts';
import { requestIdOf } from './request-id.ts';

/** A copy that lags behind by more than this is given up: it must never slow the request that it was copied from. */
const maxWaitingBytes = 256 * 1024;
const usualAnswerMs = 30_000;
const nobodyTried: readonly RunningEndpoint[] = [];
const hostName = Buffer.from('host', 'latin1');
const transferEncoding = Buffer.from('transfer-encoding', 'latin1');

/** What became of the copies that went to a cluster. */
export interface MirrorCounts {
  sent: number;
  answered: number;
  failed: number;
}

/**
 * A copy of one request on its way to another cluster. Its answer is read and forgotten; whatever happens to it, the request
 * that it was copied from does not notice. Its host ends in `-shadow`, as Envoy does it, so that apps can tell, unless the
 * mirror says another.
 */
export class Shadow implements ClientStreamHandler, StreamWaiter {
  /** Nobody hears whether it worked, so it is never sent twice. */
  readonly repeatable = false;
  readonly exclusive = false;
  readonly isHttp2: boolean;
  readonly needsHttp2 = false;
  readonly streamHandler = this;
  readonly #services: ExchangeServices;
  readonly #cluster: RunningCluster;
  readonly #head: Head;
  readonly #counts: MirrorCounts;
  readonly #deadline: Deadline = new Deadline(
    () => this.#giveUp('timed-out', 'UT', `no complete answer within ${this.#answerMs} ms`),
    this,
  );
  readonly #answerMs: number;
  readonly #maxBodyBytes: number;
  readonly #bodyFirst: boolean;
  #bodyBytes = 0;
  readonly #authority: string | undefined;
  readonly #bodyless: boolean;
  #endpoint: RunningEndpoint | undefined;
  #stream: ClientStream | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #trailers: Fields | undefined;
  #ended: boolean;
  #blocked = false;
  #over = false;
  #startMs = 0;

  /** `head`: a copy of its own, edits included. `ended`: there is no (more) body. `body`: what has come of it so far. */
  constructor(
    services: ExchangeServices,
    mirror: RunningMirror,
    head: Head,
    body: readonly Buffer[],
    ended: boolean,
  ) {
    const { cluster, authority, withoutBody, bodyFirst, timeoutMs, maxBodyBytes } = mirror;
    this.#answerMs = timeoutMs ?? usualAnswerMs;
    this.#maxBodyBytes = maxBodyBytes ?? Number.POSITIVE_INFINITY;
    this.#services = services;
    this.#cluster = cluster;
    this.#head = head;
    this.isHttp2 = head.major === 2 && !head.translated;
    this.#counts = cluster.mirrored;
    this.#counts.sent++;
    this.#authority = authority;
    this.#bodyless = withoutBody === true;
    this.#ended = ended || this.#bodyless;
    this.#bodyFirst = bodyFirst === true && !this.#ended;
    if (this.#bodyless) forgetBody(head);
    else for (const piece of body) this.data(piece, 0, piece.length);
  }

  /** Sends it, unless it has to wait for its body. May fail at once. */
  start(): void {
    if (!this.#bodyFirst && !this.#over) this.#send();
  }

  #send(): void {
    const { occupancy } = this.#cluster;
    this.#startMs = this.#services.clock.monotonic();
    const hasRoom = occupancy.mayRequest();
    const endpoint = hasRoom ? this.#cluster.pick(nobodyTried, this.#startMs) : undefined;
    if (endpoint === undefined) {
      if (hasRoom) this.#failed(this.#cluster.emptyFlag, this.#cluster.emptyWords);
      else this.#failed('UO', `${occupancy.requests} requests to ${this.#cluster.config.name} are under way`);
      return;
    }
    // As it is sent: a route may have put another in its place.
    const { host } = this.#head;
    const isClients = host >= 0 && !this.#head.isRemoved(host);
    const authority = isClients ? this.#head.authority : this.#head.addedText(hostName);
    if (authority !== '' && this.#head.method !== METHOD.CONNECT) {
      const shadowed = this.#authority ?? authority.replace(/(:\d+)?$/, '-shadow$1');
      this.#head.set(hostName, Buffer.from(shadowed, 'latin1'));
    }
    this.#endpoint = endpoint;
    occupancy.requests++;
    endpoint.active++;
    this.#services.timers.schedule(this.#deadline, this.#answerMs);
    endpoint.pool.acquire(this);
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#over || this.#bodyless) return;
    this.#bodyBytes += end - start;
    if (this.#bodyBytes > this.#maxBodyBytes) {
      this.#giveUp('unwanted', 'UO', `its body is longer than ${this.#maxBodyBytes} bytes`);
      return;
    }
    if (this.#stream !== undefined) {
      // Its own pace is not waited for: what a slow one cannot take is the end of it.
      if (this.#blocked) this.#waitingBytes += end - start;
      if (this.#waitingBytes > maxWaitingBytes) this.#lagsBehind();
      else this.#blocked = !this.#stream.data(bytes, start, end);
      return;
    }
    this.#waiting.push(Buffer.from(bytes.subarray(start, end)));
    this.#waitingBytes += end - start;
    // What is bounded by itself may wait as a whole.
    if (this.#waitingBytes > maxWaitingBytes && !this.#bodyFirst) this.#lagsBehind();
  }

  end(trailers: Fields | undefined): void {
    if (this.#over || this.#bodyless) return;
    this.#ended = true;
    this.#trailers = trailers?.copy();
    if (this.#bodyFirst) this.#send();
    else this.#stream?.end(trailers);
  }

  /** The request it was copied from broke off. */
  cancel(): void {
    this.#giveUp('client-gone', 'DC', 'the request that it is a copy of broke off');
  }

  onStream(stream: ClientStream): void {
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

  onNoConnection(flag: Flag, detail: string): void {
    this.#failed(flag, detail);
  }

  onInformational(): void {}

  onResponse(head: Head, end: boolean): void {
    // What is offered a login is not shared with anybody.
    if (head.connectionLogin) this.#stream?.cancel('unwanted');
    if (end || head.connectionLogin) this.#answered();
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#answered();
  }

  onResponseAbort({ flag, detail }: StreamFailure): void {
    this.#failed(flag, detail);
  }

  onFault(): void {
    this.#giveUp('fault', 'LR', INTERNAL_ERROR);
  }

  onRequestWritable(): void {
    this.#blocked = false;
    this.#waitingBytes = 0;
  }

  #lagsBehind(): void {
    this.#giveUp('unwanted', 'UO', `the copy lags behind by more than ${maxWaitingBytes} bytes`);
  }

  #giveUp(why: CancelReason, flag: Flag, detail: string): void {
    if (this.#over) return;
    if (this.#stream === undefined) this.#endpoint?.pool.cancel(this);
    else this.#stream.cancel(why);
    this.#failed(flag, detail);
  }

  #answered(): void {
    if (this.#over) return;
    this.#counts.answered++;
    this.#end();
  }

  #failed(flag: Flag, detail: string): void {
    if (this.#over) return;
    this.#counts.failed++;
    const { observers, clock } = this.#services;
    if (observers.watching)
      observers.mirrorFailed({
        id: requestIdOf(this.#head),
        cluster: this.#cluster,
        endpoint: this.#endpoint,
        flag,
        detail,
        startMs: this.#startMs,
        endMs: clock.monotonic(),
      });
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#services.timers.cancel(this.#deadline);
    this.#waiting = [];
    this.#stream = undefined;
    if (this.#endpoint === undefined) return;
    this.#endpoint.active--;
    this.#cluster.occupancy.requests--;
  }
}

/** The head says that there is no body. */
function forgetBody(head: Head): void {
  if (head.contentLength >= 0) head.remove(head.contentLength);
  head.removeAll(transferEncoding);
  head.contentLength = -1;
  head.transferEncoding = -1;
  head.chunked = false;
  head.bodyLength = 0;
}
