// Long streams, one after the other on each connection until the time is over. Counts megabytes (10^6 bytes).
//   node bench/load/transfer.ts --port 9000 --kind download|upload|tcp --bytes 100000000 --seconds 3 [--connections 2]
import { connect, type Socket } from 'node:net';
import { readFlags } from '../flags.ts';
import { printResult } from './load-result.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    port: { type: 'string', default: '' },
    kind: { type: 'string', default: 'download' },
    bytes: { type: 'string', default: '100000000' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '2' },
  },
});
const bytes = Number(values.bytes);
const seconds = Number(values.seconds);
const chunk = Buffer.alloc(256 * 1024, 'x');
const readBuffer = Buffer.alloc(256 * 1024);
let moved = 0;
let failed = 0;

/** One stream after the other until the time is over. */
class Stream {
  readonly #socket: Socket;
  readonly #ended: () => void;
  #left = 0;
  #head = '';

  constructor(ended: () => void) {
    this.#ended = ended;
    this.#socket = connect({
      host: '127.0.0.1',
      port: Number(values.port),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length, buffer) => {
          this.#received(Buffer.from(buffer.buffer, buffer.byteOffset, length));
          return true;
        },
      },
    });
    this.#socket.on('connect', () => this.#begin());
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      if (performance.now() < endMs && this.#left > 0) failed++;
      this.#ended();
    });
  }

  #begin(): void {
    if (performance.now() >= endMs) {
      this.#socket.destroy();
      return;
    }
    this.#head = '';
    this.#left = bytes;
    if (values.kind === 'tcp') this.#socket.write(`${bytes}\n`);
    else if (values.kind === 'download')
      this.#socket.write(`GET /bytes/${bytes} HTTP/1.1\r\nhost: bench\r\n\r\n`);
    else {
      this.#socket.write(`POST /upload HTTP/1.1\r\nhost: bench\r\ncontent-length: ${bytes}\r\n\r\n`);
      this.#pour();
    }
  }

  #received(data: Buffer): void {
    if (values.kind === 'upload') {
      // The answer comes when everything was read.
      this.#head += data.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end >= 0 && this.#head.length >= end + 104) this.#begin();
      return;
    }
    let body = data.length;
    if (values.kind === 'download' && this.#head !== 'read') {
      this.#head += data.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      body = this.#head.length - end - 4;
      this.#head = 'read';
    }
    moved += body;
    this.#left -= body;
    if (this.#left <= 0 || performance.now() >= endMs) {
      if (this.#left > 0) this.#socket.destroy();
      else this.#begin();
    }
  }

  #pour(): void {
    while (this.#left > 0 && !this.#socket.destroyed) {
      if (performance.now() >= endMs) {
        this.#socket.destroy();
        return;
      }
      const size = Math.min(this.#left, chunk.length);
      this.#left -= size;
      moved += size;
      if (!this.#socket.write(size === chunk.length ? chunk : chunk.subarray(0, size))) {
        this.#socket.once('drain', () => this.#pour());
        return;
      }
    }
  }
}

const startMs = performance.now();
const endMs = startMs + seconds * 1000;
await Promise.all(
  Array.from({ length: Number(values.connections) }, () => new Promise<void>(resolve => new Stream(resolve))),
);
printResult({ count: moved / 1e6, seconds: (performance.now() - startMs) / 1000, errors: failed });
