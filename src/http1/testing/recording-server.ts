import {
  type Fields,
  type Head,
  type LocalReply,
  METHOD,
  NO_FIELDS,
  type ServerStreamHandler,
} from '../../http/index.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import {
  DEFAULT_LIMITS,
  type Fault,
  type Limits,
  ServerConnection,
  type ServerConnectionHost,
} from '../index.ts';
import { responseHead, trailerText } from './heads.ts';
import { MemoryPeer } from './memory-wire.ts';
import { type SeenMessage, seenHead } from './seen.ts';

/** An answer of a ServerConnection's host for tests. */
export function reply(status: number, body = '', close = false): LocalReply {
  return { status, contentType: 'text/plain', body, fields: NO_FIELDS, close };
}

/** What such a host answers to what is no request. */
export function refusal({ status, words, code }: Fault): LocalReply {
  return reply(status, `${words} (weft: ${code})\n`, true);
}

const switching = responseHead(
  'HTTP/1.1 101 Switching Protocols\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n',
);

/** When the recording server answers. */
export type AnswerWhen = 'at-head' | 'at-end' | 'never';

/** A ServerConnection on a wire in memory that writes down what it is told and answers by itself. */
export class RecordingServer implements ServerStreamHandler, ServerConnectionHost {
  readonly clock: FakeClock;
  readonly peer = new MemoryPeer();
  readonly connection: ServerConnection;
  readonly requests: SeenMessage[] = [];
  /** The bytes after a CONNECT or an upgrade, when `tunnels` says to open them. */
  tunnel = '';
  tunnelEnded = false;
  readonly faults: string[] = [];
  readonly aborts: string[] = [];
  closed = false;
  writable = 0;
  answerWhen: AnswerWhen = 'at-end';
  /** Whether CONNECT and upgrade requests get a tunnel. */
  tunnels = false;
  inTunnel = false;
  #opens: (() => void) | undefined;

  /** `first`: bytes that somebody has read before. */
  constructor(
    limits: Limits = DEFAULT_LIMITS,
    shared?: { clock: FakeClock; timers: TimerWheel },
    first?: string,
  ) {
    this.clock = shared?.clock ?? new FakeClock();
    const timers = shared?.timers ?? new TimerWheel(this.clock);
    this.connection = new ServerConnection(this.peer.wire, {
      limits,
      timers,
      headTimeoutMs: 5000,
      idleTimeoutMs: 60_000,
      lingerMs: 1000,
    });
    this.connection.start(this, first === undefined ? undefined : Buffer.from(first, 'latin1'));
  }

  /** The request under way, or the last one. */
  get last(): SeenMessage {
    return this.requests.at(-1)!;
  }

  onRequest(head: Head, end: boolean): void {
    const seen = seenHead(head);
    this.requests.push(seen);
    this.#opens = undefined;
    if (this.tunnels && head.method === METHOD.CONNECT)
      this.#opens = () => this.connection.respondLocal(reply(200));
    else if (this.tunnels && head.isUpgrade) this.#opens = () => this.connection.respond(switching, false);
    if (this.answerWhen === 'at-head') this.connection.respondLocal(reply(200, 'ok'));
    if (end) this.#end(undefined);
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('latin1', start, end);
    if (this.inTunnel) this.tunnel += text;
    else this.last.body += text;
  }

  onRequestEnd(trailers: Fields | undefined): void {
    if (this.inTunnel) this.tunnelEnded = true;
    else this.#end(trailers);
  }

  #end(trailers: Fields | undefined): void {
    this.last.trailers = trailerText(trailers);
    this.last.complete = true;
    if (this.#opens !== undefined) {
      this.inTunnel = true;
      this.#opens();
    } else if (this.answerWhen === 'at-end') this.connection.respondLocal(reply(200, 'ok'));
  }

  onRequestAbort(flag: string): void {
    this.aborts.push(flag);
  }

  onResponseWritable(): void {
    this.writable++;
  }

  accept(): this {
    return this;
  }

  onMalformed(fault: Fault): LocalReply {
    this.faults.push(fault.code);
    return refusal(fault);
  }

  onConnectionClosed(): void {
    this.closed = true;
  }
}
