// A server of the codec alone, on loopback: what it answers is in the path. For tests, conformance and measurements.
import {
  type Fields,
  Head,
  type LocalReply,
  NO_FIELDS,
  type ServerStream,
  type ServerStreamHandler,
  UNKNOWN_LENGTH,
} from '../../http/index.ts';
import { systemClock, TimerWheel } from '../../time/index.ts';
import { Listener } from '../../wire/index.ts';
import {
  AnomalyCounts,
  type Fault,
  type Http2Options,
  MESH_LIMITS,
  ServerConnection,
  type ServerConnectionHost,
} from '../index.ts';

/** Options as a proxy would have them; a test changes what it is about. */
export function bareOptions(changed: Partial<Http2Options> = {}): Http2Options {
  const clock = changed.clock ?? systemClock;
  return {
    limits: MESH_LIMITS,
    timers: new TimerWheel(clock),
    clock,
    counts: new AnomalyCounts(),
    encoder: { tableBytes: 0, huffman: false },
    prefaceTimeoutMs: 10_000,
    headTimeoutMs: 60_000,
    idleTimeoutMs: 3_600_000,
    lingerMs: 500,
    ...changed,
  };
}

/** An answer's head for tests, of lines as HTTP/1 writes them: `200`, then fields. */
export function answerHead(
  status: number,
  fields: readonly (readonly [string, string])[],
  length = UNKNOWN_LENGTH,
): Head {
  const head = new Head();
  const bytes = Buffer.from('\r\n', 'latin1');
  head.reset(bytes, 0);
  head.end = 2;
  head.status = status;
  head.bodyLength = length;
  for (const [name, value] of fields) head.add(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  return head;
}

const hello = Buffer.from('hello from weft\n', 'latin1');
const helloHead = answerHead(
  200,
  [
    ['content-type', 'text/plain'],
    ['content-length', `${hello.length}`],
  ],
  hello.length,
);
const echoHead = answerHead(200, [['content-type', 'application/octet-stream']]);

/** Answers `/echo` with the request's body, anything else with a few words at the end of the request. */
class BareHandler implements ServerStreamHandler {
  readonly #stream: ServerStream;
  #echoes = false;

  constructor(stream: ServerStream) {
    this.#stream = stream;
  }

  onRequest(head: Head, end: boolean): void {
    this.#echoes = head.targetEnd - head.targetStart === 5 && head.targetText === '/echo';
    if (this.#echoes) this.#stream.respond(echoHead, end);
    else if (end) this.#answer();
  }

  onRequestData(bytes: Buffer, start: number, end: number): void {
    if (this.#echoes && !this.#stream.data(bytes, start, end)) this.#stream.pauseRequest();
  }

  onRequestEnd(trailers: Fields | undefined): void {
    if (this.#echoes) this.#stream.end(trailers);
    else this.#answer();
  }

  onRequestAbort(): void {}

  onResponseWritable(): void {
    this.#stream.resumeRequest();
  }

  #answer(): void {
    this.#stream.respond(helloHead, false);
    this.#stream.data(hello, 0, hello.length);
    this.#stream.end(undefined);
  }
}

/** A listening server. */
export class BareServer {
  readonly options: Http2Options;
  readonly connections = new Set<ServerConnection>();
  readonly #listener: Listener;

  constructor(options: Http2Options = bareOptions(), port = 0) {
    this.options = options;
    this.#listener = new Listener({ host: '127.0.0.1', port, purpose: 'test' }, wire => {
      const connection = new ServerConnection(wire, options);
      this.connections.add(connection);
      const host: ServerConnectionHost = {
        accept: stream => new BareHandler(stream),
        onMalformed: refusal,
        onConnectionClosed: () => this.connections.delete(connection),
      };
      connection.start(host, undefined);
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  close(): void {
    this.#listener.close();
    for (const { wire } of [...this.connections]) wire.destroy();
  }
}

/** What a host of tests says to a malformed request. */
export function refusal({ status, words, code }: Fault): LocalReply {
  return {
    status,
    contentType: 'text/plain',
    body: `${words} (weft: ${code})\n`,
    fields: NO_FIELDS,
    close: false,
  };
}
