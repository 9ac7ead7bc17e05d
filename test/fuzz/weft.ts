// Weft's codec on byte streams, in the shape of Outcome: the server connection for requests, and for answers the readers
// that the client connection is made of, because a client never lets a second answer follow the first.
import { type Fields, Head } from '../../src/http/index.ts';
import { HeadBuffer } from '../../src/http1/head-buffer.ts';
import { BodyReader, DEFAULT_LIMITS, faultOf, parseResponseHead } from '../../src/http1/index.ts';
import { trailerText } from '../../src/http1/testing/heads.ts';
import { RecordingClient } from '../../src/http1/testing/recording-client.ts';
import { RecordingServer } from '../../src/http1/testing/recording-server.ts';
import { type SeenMessage, seenHead } from '../../src/http1/testing/seen.ts';
import { FakeClock, TimerWheel } from '../../src/time/index.ts';
import type { Case } from './generate.ts';
import { type Message, type Outcome, pairs } from './outcome.ts';

const clock = new FakeClock();
const shared = { clock, timers: new TimerWheel(clock) };

function messageOf(seen: SeenMessage): Message {
  return {
    start: seen.status > 0 ? `${seen.status} ${seen.reason}` : `${seen.method} ${seen.target}`,
    headers: [...seen.headers],
    body: seen.body,
    trailers: pairs(seen.trailers),
    complete: seen.complete,
  };
}

/** Bytes that make a reader decide that was given a malformed beginning and waits for the rest. */
const filler = Buffer.alloc(60_000, 'x');
const fillers = 5;

/** What a server connection makes of requests that arrive in these pieces; `decide`: and then of bytes without end. */
export function runRequests(pieces: readonly Buffer[], decide = false): Outcome {
  const server = new RecordingServer(DEFAULT_LIMITS, shared);
  server.tunnels = true;
  for (const piece of pieces) server.peer.send(piece);
  if (decide) for (let i = 0; i < fillers; i++) server.peer.send(filler);
  const outcome: Outcome = {
    messages: server.requests.map(messageOf),
    error: server.faults[0],
    closed: server.faults.length === 0 && server.peer.ended,
    tunnel: server.inTunnel ? server.tunnel : undefined,
  };
  if (server.faults.length > 0 && !server.peer.ended && !server.closed)
    throw new Error('a refused connection stays open');
  if (server.faults.length > 1) throw new Error(`refused twice: ${server.faults.join(', ')}`);
  server.connection.wire.destroy();
  if (!server.closed) throw new Error('the end of the connection was not told');
  return outcome;
}

/** What the readers make of answers that arrive in these pieces and end with the connection; `decide` as in runRequests. */
export function runResponses({ toHead }: Case, pieces: readonly Buffer[], decide = false): Outcome {
  const reader = new ResponseReader(toHead);
  for (const piece of pieces) reader.read(piece);
  if (decide) for (let i = 0; i < fillers; i++) reader.read(filler);
  return reader.finish();
}

/** Reads answers one after the other. */
class ResponseReader {
  readonly #outcome: Outcome = { messages: [], error: undefined, closed: false, tunnel: undefined };
  readonly #head = new Head();
  readonly #heads: HeadBuffer;
  readonly #body: BodyReader;
  #finals = 0;
  #current: SeenMessage | undefined;
  #seen: SeenMessage[] = [];
  #keep = true;

  constructor(toHead: readonly boolean[]) {
    this.#heads = new HeadBuffer(
      (head, bytes, start, end) =>
        parseResponseHead(head, bytes, start, end, DEFAULT_LIMITS, toHead[this.#finals] === true),
      DEFAULT_LIMITS.maxHeaderBytes + 1024,
    );
    const sink = {
      onBodyData: (bytes: Buffer, start: number, end: number): void => {
        this.#current!.body += bytes.toString('latin1', start, end);
      },
      onBodyEnd: (trailers: Fields | undefined): void => {
        this.#current!.trailers = trailerText(trailers);
        this.#complete();
      },
    };
    this.#body = new BodyReader(sink, DEFAULT_LIMITS, { blanks: true });
  }

  read(bytes: Buffer): void {
    const outcome = this.#outcome;
    for (let at = 0; at < bytes.length; ) {
      if (outcome.error !== undefined || outcome.closed) return;
      if (outcome.tunnel !== undefined) {
        outcome.tunnel += bytes.toString('latin1', at);
        return;
      }
      at = this.#current === undefined ? this.#readHead(bytes, at) : this.#body.read(bytes, at, bytes.length);
      if (at < 0) outcome.error = faultOf(at).code;
      if (at < 0) return;
    }
  }

  #readHead(bytes: Buffer, start: number): number {
    const { result, next } = this.#heads.offer(this.#head, bytes, start, bytes.length);
    if (result <= 0) return result < 0 ? result : next;
    const head = this.#head;
    this.#current = seenHead(head);
    this.#seen.push(this.#current);
    this.#keep = head.keepAlive || (head.status < 200 && head.status !== 101);
    if (head.status >= 200) this.#finals++;
    if (head.status === 101 && !head.isUpgrade) {
      this.#outcome.error = 'switched without upgrade';
      this.#seen.pop();
    } else if (head.status === 101) {
      this.#current.complete = true;
      this.#outcome.tunnel = '';
    } else if (!this.#body.begin(head)) this.#complete();
    return next;
  }

  #complete(): void {
    this.#current!.complete = true;
    this.#current = undefined;
    if (!this.#keep) this.#outcome.closed = true;
  }

  finish(): Outcome {
    if (this.#current !== undefined && this.#body.endsWithConnection && this.#outcome.error === undefined)
      this.#complete();
    return { ...this.#outcome, messages: this.#seen.map(messageOf) };
  }
}

/** What a client connection tells of its first exchange, with the answer in these pieces; compared with `runResponses`. */
export function runExchange({ toHead }: Case, pieces: readonly Buffer[]): Message[] {
  const client = new RecordingClient(DEFAULT_LIMITS, shared);
  const method = toHead[0] ? 'HEAD' : 'GET';
  const upgrade = 'Upgrade: x\r\nConnection: upgrade\r\n';
  const { exchange } = client.request(`${method} / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  for (const piece of pieces) client.peer.send(piece);
  client.peer.end();
  client.connection.wire.destroy();
  if (client.gone !== 1) throw new Error(`the connection went ${client.gone} times`);
  if (exchange.response?.complete !== true && exchange.failure === undefined)
    throw new Error('the exchange neither ended nor failed');
  const messages = exchange.informational.map(seen => ({ ...messageOf(seen), complete: true }));
  if (exchange.response !== undefined) messages.push(messageOf(exchange.response));
  return messages;
}
