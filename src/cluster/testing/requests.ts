// One request on a pooled connection, as an exchange would send it, and the far end's answers.
import type { Flag } from '../../errors/index.ts';
import type {
  ClientStream,
  ClientStreamHandler,
  StreamFailure,
  UpstreamConnection,
} from '../../http/index.ts';
import { ClientConnection } from '../../http1/index.ts';
import { requestHead } from '../../http1/testing/heads.ts';
import type { Wire } from '../../wire/index.ts';
import type { Pool } from '../pool.ts';
import type { StreamWaiter } from '../waiting-line.ts';

/** A request that writes down what becomes of it. */
export class TestRequest implements StreamWaiter, ClientStreamHandler {
  readonly repeatable: boolean;
  exclusive = false;
  isHttp2 = false;
  needsHttp2 = false;
  readonly streamHandler = this;
  connection: UpstreamConnection | undefined;
  stream: ClientStream | undefined;
  flag: Flag | '' = '';
  detail = '';
  failure: StreamFailure | undefined;
  status = 0;
  done = false;
  readonly #onStream: () => void;
  readonly #onNoConnection: () => void;

  constructor(repeatable = true, onStream: () => void = () => {}, onNoConnection: () => void = () => {}) {
    this.repeatable = repeatable;
    this.#onStream = onStream;
    this.#onNoConnection = onNoConnection;
  }

  /** Whether it neither waits nor is under way. */
  get over(): boolean {
    return this.done || this.flag !== '' || this.failure !== undefined;
  }

  /** What an HTTP/1 connection is made of. */
  get wire(): Wire | undefined {
    return this.connection instanceof ClientConnection ? this.connection.wire : undefined;
  }

  onStream(stream: ClientStream, connection: UpstreamConnection): void {
    this.connection = connection;
    this.stream = stream;
    stream.request(requestHead('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), true);
    this.#onStream();
  }
  onNoConnection(flag: Flag, detail: string): void {
    this.flag = flag;
    this.detail = detail;
    this.#onNoConnection();
  }
  onInformational(): void {}
  onResponse(head: { status: number }, end: boolean): void {
    this.status = head.status;
    this.done = end;
  }
  onResponseData(): void {}
  onResponseEnd(): void {
    this.done = true;
  }
  onResponseAbort(failure: StreamFailure): void {
    this.failure = failure;
  }
  onRequestWritable(): void {}
}

/** Asks `pool` for a stream. */
export function request(pool: Pool, repeatable = true, exclusive = false): TestRequest {
  const waiter = new TestRequest(repeatable);
  waiter.exclusive = exclusive;
  pool.acquire(waiter);
  return waiter;
}

/** A complete answer with more header lines. */
export function answer(lines = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${lines}\r\nok`;
}
