import type { RunningEndpoint, StreamWaiter } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import type { ClientStream, ClientStreamHandler, Head, StreamFailure } from '../http/index.ts';
import type { ClientConnection } from '../http1/index.ts';

/** The exchange that a hedge is for. Once it has adopted the hedge it hears of it as of a try of its own. */
export interface HedgeOwner extends ClientStreamHandler {
  /** The hedge has answered first. */
  onHedgeAnswer(hedge: Hedge): void;
  /** The adopted hedge has its connection. */
  onHedgeStream(stream: ClientStream): void;
  onNoConnection(flag: Flag, detail: string): void;
  /** Hedge and exchange go separate ways: it failed before anybody needed it. */
  onHedgeLost(): void;
}

/** A second try of a request whose first has not answered in time; whichever answers first is taken (Dean and Barroso, "The Tail at Scale", 2013). */
export class Hedge implements ClientStreamHandler, StreamWaiter {
  readonly repeatable = true;
  readonly endpoint: RunningEndpoint;
  readonly startMs: number;
  stream: ClientStream | undefined;
  readonly #owner: HedgeOwner;
  readonly #head: Head;
  readonly #body: readonly Buffer[];
  readonly #trailers: Buffer | undefined;
  #adopted = false;
  #over = false;

  /** The request must be there whole. The endpoint counts it as under way from now on. */
  constructor(
    owner: HedgeOwner,
    endpoint: RunningEndpoint,
    startMs: number,
    request: { readonly head: Head; readonly body: readonly Buffer[]; readonly trailers: Buffer | undefined },
  ) {
    this.#owner = owner;
    this.endpoint = endpoint;
    this.startMs = startMs;
    this.#head = request.head;
    this.#body = request.body;
    this.#trailers = request.trailers;
    endpoint.active++;
  }

  start(): void {
    this.endpoint.pool.acquire(this);
  }

  /** From now on it is the exchange's try, whose place at the endpoint it takes over. */
  adopt(): void {
    this.#adopted = true;
  }

  /** Gives up a hedge that was not adopted. */
  cancel(): void {
    if (this.#over || this.#adopted) return;
    this.#over = true;
    if (this.stream === undefined) this.endpoint.pool.cancel(this);
    else this.stream.cancel();
    this.endpoint.active--;
  }

  onConnection(connection: ClientConnection): void {
    const stream = connection.open(this);
    this.stream = stream;
    if (this.#adopted) this.#owner.onHedgeStream(stream);
    const head = this.#head;
    const whole = this.#body.length === 0 && !head.chunked && head.bodyLength === 0;
    stream.request(head, whole);
    if (whole) return;
    for (const piece of this.#body) stream.data(piece, 0, piece.length);
    stream.end(this.#trailers);
  }

  onNoConnection(flag: Flag, detail: string): void {
    if (this.#adopted) this.#owner.onNoConnection(flag, detail);
    else this.#lost();
  }

  onInformational(head: Head): void {
    if (this.#adopted) this.#owner.onInformational(head);
  }

  onResponse(head: Head, end: boolean): void {
    if (!this.#adopted) this.#owner.onHedgeAnswer(this);
    this.#owner.onResponse(head, end);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.#owner.onResponseData(bytes, start, end);
  }

  onResponseEnd(trailers: Buffer | undefined): void {
    this.#owner.onResponseEnd(trailers);
  }

  onResponseAbort(failure: StreamFailure): void {
    if (this.#adopted) this.#owner.onResponseAbort(failure);
    else this.#lost();
  }

  onRequestWritable(): void {
    if (this.#adopted) this.#owner.onRequestWritable();
  }

  #lost(): void {
    if (this.#over) return;
    this.#over = true;
    this.endpoint.active--;
    this.#owner.onHedgeLost();
  }
}
