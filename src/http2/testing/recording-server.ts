import {
  type Fields,
  type Head,
  type LocalReply,
  NO_FIELDS,
  type ServerStream,
  type ServerStreamHandler,
} from '../../http/index.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import {
  type Fault,
  type Http2Limits,
  type Http2Options,
  MESH_LIMITS,
  ServerConnection,
  type ServerConnectionHost,
} from '../index.ts';
import { bareOptions, refusal } from './bare-server.ts';
import { FrameLog, HELLO } from './frames.ts';

/** A request as its handler saw it; a later one on the same stream takes its place. */
export class SeenRequest implements ServerStreamHandler {
  readonly stream: ServerStream;
  readonly #server: RecordingServer;
  /** `GET /` and its fields, as they go on. */
  head = '';
  body = '';
  trailers = '';
  complete = false;
  abort = '';
  writable = 0;

  constructor(server: RecordingServer, stream: ServerStream) {
    this.#server = server;
    this.stream = stream;
  }

  onRequest(head: Head, end: boolean): void {
    this.#server.requests.push(this);
    this.head = textOf(head);
    this.body = '';
    this.trailers = '';
    this.complete = end;
    this.abort = '';
    this.#server.onRequest(this, head);
    if (end) this.#server.onComplete(this);
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    this.body += bytes.toString('latin1', start, end);
  }

  onRequestEnd(trailers: Fields | undefined): void {
    this.trailers = trailers === undefined ? '' : linesOf(trailers).join('|');
    this.complete = true;
    this.#server.onComplete(this);
  }

  onRequestAbort(flag: string, detail: string): void {
    this.abort = `${flag} ${detail}`;
  }

  onResponseWritable(): void {
    this.writable++;
  }
}

/** Lines that go on. */
export function linesOf(fields: Fields): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.count; i++)
    if (!fields.isRemoved(i))
      lines.push(fields.bytes.toString('latin1', fields.nameStart(i), fields.lineEnd(i) - 2));
  for (let i = 0; i < fields.addedCount; i++)
    lines.push(`${fields.addedNames[i]!.toString('latin1')}: ${fields.addedValues[i]!.toString('latin1')}`);
  return lines;
}

function textOf(head: Head): string {
  return [`${head.methodText} ${head.targetText}`, ...linesOf(head)].join('|');
}

/** A ServerConnection on a wire in memory, whose handlers write down what they are told. */
export class RecordingServer implements ServerConnectionHost {
  readonly clock = new FakeClock();
  readonly peer = new MemoryPeer();
  readonly options: Http2Options;
  readonly connection: ServerConnection;
  readonly log = new FrameLog();
  readonly requests: SeenRequest[] = [];
  readonly faults: string[] = [];
  closed = false;
  /** What is done when a request is complete; by default it is answered with `ok`. */
  answer: ((request: SeenRequest) => void) | undefined = request => respondOk(request.stream);
  /** What is done when its head is there. */
  onHead: ((request: SeenRequest, head: Head) => void) | undefined;

  constructor(limits: Partial<Http2Limits> = {}, changed: Partial<Http2Options> = {}) {
    this.options = bareOptions({
      clock: this.clock,
      timers: new TimerWheel(this.clock),
      limits: { ...MESH_LIMITS, ...limits },
      ...changed,
    });
    this.connection = new ServerConnection(this.peer.wire, this.options);
    this.connection.start(this, undefined);
  }

  /** Sends the preface and these frames; what came back but the server's first words. */
  begin(...frames: readonly Buffer[]): string[] {
    this.peer.send(Buffer.concat([HELLO, ...frames]));
    return this.said().filter(
      each => each !== 'SETTINGS' && each !== 'SETTINGS ack' && !each.startsWith('WINDOW_UPDATE 0'),
    );
  }

  /** Sends frames, each as a read of its own; what came back. */
  send(...frames: readonly Buffer[]): string[] {
    for (const each of frames) this.peer.send(each);
    return this.said();
  }

  /** What was sent since the last look. */
  said(): string[] {
    return this.log.words(Buffer.from(this.peer.take(), 'latin1'));
  }

  get last(): SeenRequest {
    return this.requests.at(-1)!;
  }

  count(name: string): number {
    return this.options.counts.of(name);
  }

  accept(stream: ServerStream): ServerStreamHandler {
    return new SeenRequest(this, stream);
  }

  onRequest(request: SeenRequest, head: Head): void {
    this.onHead?.(request, head);
  }

  onComplete(request: SeenRequest): void {
    this.answer?.(request);
  }

  onMalformed(fault: Fault): LocalReply {
    this.faults.push(fault.code);
    return refusal(fault);
  }

  onConnectionClosed(): void {
    this.closed = true;
  }
}

/** An answer of two bytes. */
export function respondOk(stream: ServerStream): void {
  stream.respondLocal({ status: 200, contentType: '', body: 'ok', fields: NO_FIELDS, close: false });
}
