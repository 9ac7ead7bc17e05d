import type {
  ClientStream,
  ClientStreamHandler,
  Fields,
  Head,
  StreamFailure,
  UpstreamHost,
} from '../../http/index.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import { ClientConnection, DEFAULT_LIMITS, type Limits } from '../index.ts';
import { requestHead, trailerText } from './heads.ts';
import { MemoryPeer } from './memory-wire.ts';
import { type SeenMessage, seenHead } from './seen.ts';

/** One exchange on a connection to an upstream, written down. */
export class RecordedExchange implements ClientStreamHandler {
  readonly informational: SeenMessage[] = [];
  response: SeenMessage | undefined;
  failure: StreamFailure | undefined;
  writable = 0;
  /** Everything in the order in which it was told. */
  readonly events: string[] = [];

  onInformational(head: Head): void {
    this.informational.push(seenHead(head));
    this.events.push(`informational ${head.status}`);
  }

  onResponse(head: Head, end: boolean): void {
    this.response = seenHead(head);
    this.response.complete = end;
    this.events.push(`response ${head.status}${end ? ' end' : ''}`);
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.response!.body += bytes.toString('latin1', start, end);
    if (this.events.at(-1) !== 'data') this.events.push('data');
  }

  onResponseEnd(trailers: Fields | undefined): void {
    this.response!.trailers = trailerText(trailers);
    this.response!.complete = true;
    this.events.push('end');
  }

  onResponseAbort(failure: StreamFailure): void {
    this.failure = failure;
    this.events.push(`abort ${failure.flag}`);
  }

  onRequestWritable(): void {
    this.writable++;
  }
}

/** A ClientConnection on a wire in memory. */
export class RecordingClient implements UpstreamHost {
  readonly clock: FakeClock;
  readonly peer = new MemoryPeer();
  readonly connection: ClientConnection;
  freed = 0;
  gone = 0;

  constructor(limits: Limits = DEFAULT_LIMITS, shared?: { clock: FakeClock; timers: TimerWheel }) {
    this.clock = shared?.clock ?? new FakeClock();
    this.connection = new ClientConnection(
      this.peer.wire,
      limits,
      shared?.timers ?? new TimerWheel(this.clock),
      this,
    );
  }

  /** Opens an exchange and sends a request that is written out; with a body to come when `end` is false. */
  request(text: string, end = true): { exchange: RecordedExchange; stream: ClientStream } {
    const exchange = new RecordedExchange();
    const stream = this.connection.open(exchange);
    stream.request(requestHead(text), end);
    return { exchange, stream };
  }

  onRoom(): void {
    this.freed++;
  }

  onDraining(): void {}

  onGone(): void {
    this.gone++;
  }
}
