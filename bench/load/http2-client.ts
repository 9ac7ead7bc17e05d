// The connections of open-loop.ts for HTTP/2: each request is a stream, on the connection that has the fewest. Written by hand,
// so that the generator takes little of the time that it measures.
import { connect, type Socket } from 'node:net';
import { Decoder, FieldList } from '../../src/hpack/index.ts';
import { FLAGS, FRAME, LARGEST_STREAM_ID, LARGEST_WINDOW, PREFACE } from '../../src/http2/frames.ts';
import { frame, headers, SETTINGS_ACK, settings, windowUpdate } from '../../src/http2/testing/frames.ts';
import type { Ended, LoadClient } from './load-client.ts';

const INITIAL_WINDOW_SIZE = 4;
const MAX_CONCURRENT_STREAMS = 3;
/** Windows so large that nothing waits for them: a run answers less than 2 GiB on a connection. */
const hello = Buffer.concat([
  PREFACE,
  settings([INITIAL_WINDOW_SIZE, LARGEST_WINDOW]),
  windowUpdate(0, LARGEST_WINDOW - 65_535),
]);

/** Opens them and waits until each has said how many streams it takes. */
export async function http2Client(
  url: URL,
  host: string,
  connections: number,
  ended: Ended,
): Promise<LoadClient> {
  const request = headers(1, [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', url.pathname],
    [':authority', host],
  ]);
  const all: Connection[] = [];
  await new Promise<void>(resolve => {
    let open = 0;
    const ready = (): void => {
      if (++open === connections) resolve();
    };
    for (let each = 0; each < connections; each++) all.push(new Connection(url, request, ready, ended));
  });
  return {
    send(fromMs) {
      let best: Connection | undefined;
      for (const each of all)
        if (each.hasRoom && (best === undefined || each.open.size < best.open.size)) best = each;
      best?.send(fromMs);
      return best !== undefined;
    },
    close() {
      for (const connection of all) connection.close();
    },
  };
}

class Connection {
  /** When the clocks of its streams began to run, by their ids. */
  readonly open = new Map<number, number>();
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #ready: () => void;
  readonly #ended: Ended;
  readonly #decoder = new Decoder();
  readonly #fields = new FieldList();
  /** Streams whose answer is none of 2xx. */
  readonly #notOk = new Set<number>();
  #rest: Buffer = Buffer.alloc(0);
  #nextId = 1;
  #most = 0;
  #over = false;

  constructor(url: URL, request: Buffer, ready: () => void, ended: Ended) {
    this.#request = request;
    this.#ready = ready;
    this.#ended = ended;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.write(hello);
    this.#socket.on('data', (data: Buffer) => this.#received(data));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#over = true;
      for (const id of [...this.open.keys()]) this.#end(id, true);
    });
  }

  get hasRoom(): boolean {
    return !this.#over && this.open.size < this.#most && this.#nextId < LARGEST_STREAM_ID;
  }

  send(fromMs: number): void {
    const bytes = Buffer.from(this.#request);
    bytes.writeUInt32BE(this.#nextId, 5);
    this.open.set(this.#nextId, fromMs);
    this.#nextId += 2;
    this.#socket.write(bytes);
  }

  close(): void {
    this.open.clear();
    this.#socket.destroy();
  }

  #received(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#frame(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.subarray(at + 9, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FRAME.SETTINGS) this.#settings(flags, payload);
    else if (type === FRAME.PING && (flags & FLAGS.ACK) === 0)
      this.#socket.write(frame(FRAME.PING, FLAGS.ACK, 0, payload));
    else if (type === FRAME.GOAWAY) this.#over = true;
    else if (type === FRAME.RST_STREAM) this.#end(id, true);
    else if (type === FRAME.HEADERS) this.#head(flags, id, payload);
    if ((type === FRAME.HEADERS || type === FRAME.DATA) && (flags & FLAGS.END_STREAM) !== 0)
      this.#end(id, false);
  }

  #settings(flags: number, payload: Buffer): void {
    if ((flags & FLAGS.ACK) !== 0) return;
    const isFirst = this.#most === 0;
    if (isFirst) this.#most = Number.POSITIVE_INFINITY;
    for (let at = 0; at < payload.length; at += 6)
      if (payload.readUInt16BE(at) === MAX_CONCURRENT_STREAMS) this.#most = payload.readUInt32BE(at + 2);
    this.#socket.write(SETTINGS_ACK);
    if (isFirst) this.#ready();
  }

  #head(flags: number, id: number, payload: Buffer): void {
    if ((flags & FLAGS.END_HEADERS) === 0 || (flags & (FLAGS.PADDED | FLAGS.PRIORITY)) !== 0)
      throw new Error('a head in pieces, with padding or a priority: the generator reads none');
    this.#fields.begin(1 << 16, 1 << 10);
    const fault = this.#decoder.decode(payload, 0, payload.length, this.#fields);
    if (fault < 0) throw new Error(`a head that cannot be decoded: ${fault}`);
    // Trailers have no status; of several heads the last says how it went.
    if (this.#fields.count === 0 || this.#fields.name(0) !== ':status') return;
    if (this.#fields.value(0).startsWith('2')) this.#notOk.delete(id);
    else this.#notOk.add(id);
  }

  #end(id: number, failed: boolean): void {
    const fromMs = this.open.get(id);
    const notOk = this.#notOk.delete(id);
    // After the answer a server may still reset the stream.
    if (fromMs === undefined) return;
    this.open.delete(id);
    this.#ended(fromMs, failed ? 'failed' : notOk ? 'not-ok' : 'ok');
  }
}
