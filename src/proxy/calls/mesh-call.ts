import type { RunningCluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import { type Flag, guarded, INTERNAL_ERROR } from '../../errors/index.ts';
import {
  type CancelReason,
  type ClientStream,
  type ClientStreamHandler,
  type Field,
  type Fields,
  Head,
  type StreamFailure,
} from '../../http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead, requestBytes } from '../../http1/index.ts';
import { formatAddress } from '../../model/index.ts';
import { Deadline, type TimerWheel } from '../../time/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';

/** A request of the proxy's own. */
export interface CallRequest {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly target: string;
  /** Each character a byte, `host` among them. What they say of the body's length must be right. */
  readonly fields: readonly Field[];
  readonly body: Buffer | undefined;
  /** For all of it: finding the host, connecting, the whole answer. Milliseconds. */
  readonly timeoutMs: number;
  /** Speaks HTTP/2, as gRPC needs it. */
  readonly http2: boolean;
  /** Of the answer's body; a longer one is a failure. */
  readonly maxBytes: number;
}

/** A complete answer. Names are in lower case, each character is a byte. */
export interface CallAnswer {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: Buffer;
  readonly trailers: readonly Field[];
}

/** The answer, or why there is none, lowercase. Never before the call that asks has returned. */
export type OnAnswer = (answer: CallAnswer | string) => void;

/** What calls need. */
export interface CallServices {
  readonly timers: TimerWheel;
  readonly monotonic: () => number;
  /** Where a name leads, as for a request of the app: see NamedDestinations.find. */
  readonly find: (
    key: string,
    waiter: {
      onTarget(target: RunningDestination | undefined, flag: Flag, detail: string): void;
      onFault(): void;
    },
  ) => RunningDestination | undefined;
}

const nobodyTried: readonly RunningEndpoint[] = [];

/**
 * One request that a proxy sends of its own accord, through the mesh: to where discovery says that its host is, with that
 * cluster's connections, balancing and mutual TLS. It is not tried again.
 */
export class MeshCall implements ClientStreamHandler, StreamWaiter {
  readonly repeatable = false;
  readonly exclusive = false;
  readonly isHttp2: boolean;
  readonly needsHttp2: boolean;
  readonly streamHandler = this;
  readonly #services: CallServices;
  readonly #request: CallRequest;
  readonly #onAnswer: OnAnswer;
  readonly #head = new Head();
  readonly #deadline: Deadline;
  #cluster: RunningCluster | undefined;
  #endpoint: RunningEndpoint | undefined;
  #stream: ClientStream | undefined;
  #status = 0;
  #fields: readonly Field[] = [];
  #pieces: Buffer[] = [];
  #bytes = 0;
  #over = false;
  #isBegun = false;

  constructor(services: CallServices, request: CallRequest, onAnswer: OnAnswer) {
    this.#services = services;
    this.#request = request;
    this.#onAnswer = onAnswer;
    this.isHttp2 = request.http2;
    this.needsHttp2 = request.http2;
    this.#deadline = new Deadline(() => this.#timedOut(), this);
  }

  /** Begins; whatever comes of it is told later. */
  start(): void {
    const { host, port, method, target: path, fields, timeoutMs } = this.#request;
    const bytes = requestBytes(method, path, fields);
    this.#services.timers.schedule(this.#deadline, timeoutMs);
    if (parseRequestHead(this.#head, bytes, 0, bytes.length, DEFAULT_LIMITS) !== bytes.length) {
      this.#fail('the question cannot be put into a request');
      return;
    }
    const target = this.#services.find(formatAddress(host, port), this);
    if (target !== undefined) this.#send(target);
    this.#isBegun = true;
  }

  onTarget(target: RunningDestination | undefined, _flag: Flag, detail: string): void {
    if (this.#over) return;
    if (target === undefined) this.#fail(detail);
    else this.#send(target);
  }

  onStream(stream: ClientStream): void {
    this.#stream = stream;
    const { body } = this.#request;
    stream.request(this.#head, body === undefined || body.length === 0);
    if (body === undefined || body.length === 0) return;
    stream.data(body, 0, body.length);
    stream.end(undefined);
  }

  onNoConnection(_flag: Flag, detail: string): void {
    this.#fail(detail);
  }

  onInformational(): void {}

  onResponse(head: Head, end: boolean): void {
    this.#status = head.status;
    this.#fields = fieldsOf(head);
    if (end) this.#answered(undefined);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    this.#bytes += end - start;
    if (this.#bytes > this.#request.maxBytes) {
      this.#giveUp('unwanted', `its answer is longer than ${this.#request.maxBytes} bytes`);
      return;
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }

  onResponseEnd(trailers: Fields | undefined): void {
    this.#answered(trailers);
  }

  onResponseAbort({ detail }: StreamFailure): void {
    this.#fail(detail);
  }

  onRequestWritable(): void {}

  onFault(): void {
    this.#giveUp('fault', INTERNAL_ERROR);
  }

  #send(target: RunningDestination): void {
    const route = target.match(this.#head);
    const cluster = route?.clusters.clusters[route.clusters.pickIndex()];
    if (cluster === undefined) {
      this.#fail(target.refused ?? `nothing leads to ${target.resource.host}`);
      return;
    }
    const { occupancy } = cluster;
    const hasRoom = occupancy.mayRequest();
    const endpoint = hasRoom ? cluster.pick(nobodyTried, this.#services.monotonic()) : undefined;
    if (endpoint === undefined) {
      this.#fail(
        hasRoom
          ? cluster.emptyWords
          : `${occupancy.requests} requests to ${cluster.config.name} are under way`,
      );
      return;
    }
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    occupancy.requests++;
    endpoint.active++;
    endpoint.pool.acquire(this);
  }

  #timedOut(): void {
    this.#giveUp('timed-out', `no complete answer within ${this.#request.timeoutMs} ms`);
  }

  #giveUp(why: CancelReason, detail: string): void {
    if (this.#over) return;
    if (this.#stream === undefined) this.#endpoint?.pool.cancel(this);
    else this.#stream.cancel(why);
    this.#fail(detail);
  }

  #answered(trailers: Fields | undefined): void {
    if (this.#over) return;
    const answer = {
      status: this.#status,
      fields: this.#fields,
      body: Buffer.concat(this.#pieces),
      trailers: trailers === undefined ? [] : fieldsOf(trailers),
    };
    this.#end(answer);
  }

  #fail(why: string): void {
    if (!this.#over) this.#end(why);
  }

  #end(answer: CallAnswer | string): void {
    this.#over = true;
    this.#services.timers.cancel(this.#deadline);
    this.#pieces = [];
    this.#stream = undefined;
    if (this.#cluster !== undefined) {
      this.#endpoint!.active--;
      this.#cluster.occupancy.requests--;
    }
    if (this.#isBegun) this.#onAnswer(answer);
    else setImmediate(guarded('mesh-call', this.#onAnswer), answer);
  }
}

function fieldsOf(fields: Fields): readonly Field[] {
  const all: Field[] = [];
  for (let i = 0; i < fields.count; i++)
    if (!fields.isRemoved(i)) all.push([fields.name(i).toLowerCase(), fields.text(i)]);
  return all;
}
