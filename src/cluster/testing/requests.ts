// One request on a pooled connection, as an exchange would send it, and the far end's answers.
import type { Flag } from '../../errors/index.ts';
import type { ClientStream, ClientStreamHandler, StreamFailure } from '../../http/index.ts';
import type { ClientConnection } from '../../http1/index.ts';
import { requestHead } from '../../http1/testing/heads.ts';
import type { Pool, StreamWaiter } from '../pool.ts';

/** A request that writes down what becomes of it. */
export class TestRequest implements StreamWaiter, ClientStreamHandler {
  readonly repeatable: boolean;
  connection: ClientConnection | undefined;
  stream: ClientStream | undefined;
  flag: Flag | '' = '';
  detail = '';
  failure: StreamFailure | undefined;
  status = 0;
  done = false;
  readonly #onConnection: () => void;
  readonly #onNoConnection: () => void;

  constructor(repeatable = true, onConnection: () => void = () => {}, onNoConnection: () => void = () => {}) {
    this.repeatable = repeatable;
    this.#onConnection = onConnection;
    this.#onNoConnection = onNoConnection;
  }

  /** Whether it neither waits nor is under way. */
  get over(): boolean {
    return this.done || this.flag !== '' || this.failure !== undefined;
  }

  onConnection(connection: ClientConnection): void {
    this.connection = connection;
    this.stream = connection.open(this);
    this.stream.request(requestHead('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), true);
    this.#onConnection();
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

/** Asks `pool` for a connection. */
export function request(pool: Pool, repeatable = true): TestRequest {
  const waiter = new TestRequest(repeatable);
  pool.acquire(waiter);
  return waiter;
}

/** A complete answer with more header lines. */
export function answer(lines = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${lines}\r\nok`;
}
