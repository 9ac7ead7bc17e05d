import type { RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type {
  ClientStream,
  ClientStreamHandler,
  Fields,
  Head,
  StreamFailure,
  UpstreamConnection,
} from '../../http/index.ts';
import type { RequestSoFar } from './request-so-far.ts';

/** The tries that a hedge stands beside. */
export interface HedgeOwner {
  /** The hedge has answered first. */
  onHedgeAnswer(): void;
  /** The adopted hedge has its connection. */
  onHedgeStream(stream: ClientStream, connection: UpstreamConnection): void;
  onNoConnection(flag: Flag, detail: string, removed?: boolean): void;
  nowMs(): number;
  /** It failed before anybody needed it. */
  onHedgeLost(flag: Flag, detail: string): void;
}

/**
 * A second try of a request whose first has not answered in time; whichever answers first is taken (Dean and Barroso, "The Tail
 * at Scale", 2013).
 */
export class Hedge implements ClientStreamHandler, StreamWaiter {
  readonly repeatable = true;
  /** Neither upgrades nor logins have hedges. */
  readonly exclusive = false;
  readonly streamHandler = this;
  readonly endpoint: RunningEndpoint;
  readonly startMs: number;
  stream: ClientStream | undefined;
  connection: UpstreamConnection | undefined;
  readonly #owner: HedgeOwner;
  readonly #handler: ClientStreamHandler;
  readonly #request: RequestSoFar;
  #adopted = false;
  #over = false;

  /**
   * The request must be there whole. The endpoint counts it as under way from now on. `handler` hears what comes from the
   * upstream once the hedge has answered first or was adopted.
   */
  constructor(
    owner: HedgeOwner,
    handler: ClientStreamHandler,
    endpoint: RunningEndpoint,
    startMs: number,
    request: RequestSoFar,
  ) {
    this.#owner = owner;
    this.#handler = handler;
    this.endpoint = endpoint;
    this.startMs = startMs;
    this.#request = request;
    endpoint.active++;
  }

  get isHttp2(): boolean {
    return this.#request.isHttp2;
  }

  get needsHttp2(): boolean {
    return this.#request.needsHttp2;
  }

  start(): void {
    this.endpoint.pool.acquire(this);
  }

  /** From now on it is the try that counts, and the endpoint's place is its owner's. */
  adopt(): void {
    this.#adopted = true;
  }

  /** Gives up a hedge that was not adopted. */
  cancel(): void {
    if (this.#over || this.#adopted) return;
    this.#over = true;
    if (this.stream === undefined) this.endpoint.pool.cancel(this);
    else this.stream.cancel('overtaken');
    this.endpoint.active--;
  }

  onStream(stream: ClientStream, connection: UpstreamConnection): void {
    this.stream = stream;
    this.connection = connection;
    if (this.#adopted) this.#owner.onHedgeStream(stream, connection);
    this.#request.sendTo(stream, this.#owner.nowMs());
  }

  onNoConnection(flag: Flag, detail: string, removed?: boolean): void {
    if (this.#adopted) this.#owner.onNoConnection(flag, detail, removed);
    else this.#lost(flag, detail);
  }

  onInformational(head: Head): void {
    if (this.#adopted) this.#handler.onInformational(head);
  }

  onResponse(head: Head, end: boolean): void {
    if (!this.#adopted) this.#owner.onHedgeAnswer();
    this.#handler.onResponse(head, end);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.#handler.onResponseData(bytes, start, end);
  }

  onResponseEnd(trailers: Fields | undefined): void {
    this.#handler.onResponseEnd(trailers);
  }

  onResponseAbort(failure: StreamFailure): void {
    if (this.#adopted) this.#handler.onResponseAbort(failure);
    else this.#lost(failure.flag, failure.detail);
  }

  onFault(): void {
    this.#handler.onFault?.();
  }

  onRequestWritable(): void {
    if (this.#adopted) this.#handler.onRequestWritable();
  }

  #lost(flag: Flag, detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.endpoint.active--;
    this.#owner.onHedgeLost(flag, detail);
  }
}
