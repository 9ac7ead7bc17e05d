import type {
  ClientStream,
  ClientStreamHandler,
  Fields,
  Head,
  Keepalive,
  StreamFailure,
  UpstreamHost,
} from '../../http/index.ts';
import { requestHead } from '../../http1/testing/heads.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import { ClientConnection, type Http2ClientOptions, type Http2Limits, MESH_LIMITS } from '../index.ts';
import { bareOptions } from './bare-server.ts';
import { FrameLog } from './frames.ts';
import { linesOf } from './recording-server.ts';

/** One exchange on a connection to an upstream, written down. */
export class RecordedExchange implements ClientStreamHandler {
  stream!: ClientStream;
  informational: number[] = [];
  /** `200 OK` and its fields. */
  head = '';
  body = '';
  trailers = '';
  complete = false;
  failure: StreamFailure | undefined;
  writable = 0;

  onInformational(head: Head): void {
    this.informational.push(head.status);
  }

  onResponse(head: Head, end: boolean): void {
    const reason = head.bytes.toString('latin1', head.reasonStart, head.reasonEnd);
    this.head = [`${head.status} ${reason}`, ...linesOf(head)].join('|');
    this.complete = end;
  }

  onResponseData(bytes: Buffer, start: number, end: number): void {
    this.body += bytes.toString('latin1', start, end);
  }

  onResponseEnd(trailers: Fields | undefined): void {
    this.trailers = trailers === undefined ? '' : linesOf(trailers).join('|');
    this.complete = true;
  }

  onResponseAbort(failure: StreamFailure): void {
    this.failure = failure;
  }

  onRequestWritable(): void {
    this.writable++;
  }
}

/** A ClientConnection on a wire in memory. */
export class RecordingClient implements UpstreamHost {
  readonly clock = new FakeClock();
  readonly peer = new MemoryPeer();
  readonly options: Http2ClientOptions;
  readonly connection: ClientConnection;
  readonly log = new FrameLog();
  rooms = 0;
  draining = 0;
  gone = 0;

  readonly keepalive: Keepalive | undefined;

  constructor(
    limits: Partial<Http2Limits> = {},
    changed: Partial<Http2ClientOptions> = {},
    keepalive: Keepalive | undefined = undefined,
  ) {
    this.keepalive = keepalive;
    const timers = new TimerWheel(this.clock);
    this.options = {
      ...bareOptions({ clock: this.clock, timers, limits: { ...MESH_LIMITS, ...limits } }),
      secure: false,
      peerIsProxy: false,
      ...changed,
    };
    this.connection = new ClientConnection(this.peer.wire, this.options, this);
  }

  /** Sends a request that is written out as HTTP/1, with a body to come when `end` is false. */
  request(text: string, end = true): RecordedExchange {
    const exchange = new RecordedExchange();
    exchange.stream = this.connection.open(exchange);
    exchange.stream.request(requestHead(text), end);
    return exchange;
  }

  /** What was sent since the last look, but the first words. */
  said(): string[] {
    return this.log
      .words(Buffer.from(this.peer.take(), 'latin1'))
      .filter(each => !each.startsWith('SETTINGS') && !each.startsWith('WINDOW_UPDATE 0'));
  }

  /** Sends frames, each as a read of its own; what came back. */
  send(...frames: readonly Buffer[]): string[] {
    for (const each of frames) this.peer.send(each);
    return this.said();
  }

  onRoom(): void {
    this.rooms++;
  }

  onDraining(): void {
    this.draining++;
  }

  onGone(): void {
    this.gone++;
  }
}
