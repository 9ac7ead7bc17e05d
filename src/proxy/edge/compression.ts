import type { Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import { type Flag, guarded } from '../../errors/index.ts';
import { type Fields, type Head, type ServerStream, UNKNOWN_LENGTH } from '../../http/index.ts';
import type { Compression } from '../../model/index.ts';
import { enterEvent, leaveEvent } from '../../wire/index.ts';
import { PassedAnswer } from './passed-answer.ts';

type Encoding = Compression['encodings'][number];

const contentType = Buffer.from('content-type', 'latin1');
const contentEncoding = Buffer.from('content-encoding', 'latin1');
const cacheControl = Buffer.from('cache-control', 'latin1');
const acceptRanges = Buffer.from('accept-ranges', 'latin1');
const etag = Buffer.from('etag', 'latin1');
const vary = Buffer.from('vary', 'latin1');
const varyValue = Buffer.from('Accept-Encoding', 'latin1');

/** The encoding that a client gets: the dearest of the policy's that it accepts (RFC 9110 section 12.5.3); undefined for none. */
export function compressionFor({ encodings }: Compression, accepted: string): Encoding | undefined {
  if (accepted === '') return undefined;
  const weights = new Map<string, number>();
  for (const each of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = each.split(';').map(part => part.trim());
    const weight = parameters.find(part => part.startsWith('q='))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  const weightOf = (name: Encoding): number => weights.get(name) ?? weights.get('*') ?? 0;
  let best: Encoding | undefined;
  for (const each of encodings) if (weightOf(each) > (best === undefined ? 0 : weightOf(best))) best = each;
  return best;
}

/** An answer that is compressed on its way, where it is of a kind that is worth it. */
export class CompressedAnswer extends PassedAnswer {
  readonly #settings: Compression;
  /** Undefined for clients that accept none of them: only caches are told then. */
  readonly #encoding: Encoding | undefined;
  /** Tells the upstream to go on. */
  readonly #writable: () => void;
  #coder: Transform | undefined;
  /** The client takes no more for now; it says itself when it does. */
  #clientFull = false;
  #trailers: Fields | undefined;
  #detached = false;

  constructor(
    client: ServerStream,
    settings: Compression,
    encoding: Encoding | undefined,
    writable: () => void,
  ) {
    super(client);
    this.#settings = settings;
    this.#encoding = encoding;
    this.#writable = writable;
  }

  override respond(head: Head, end: boolean): void {
    if (this.#isWorth(head)) {
      addVary(head);
      if (!end && this.#encoding !== undefined) this.#begin(head, this.#encoding);
    }
    this.client.respond(head, end);
  }

  override data(bytes: Buffer, start: number, end: number): boolean {
    const coder = this.#coder;
    if (coder === undefined) return this.client.data(bytes, start, end);
    // Who sends more has been told that the client takes it.
    this.#clientFull = false;
    return coder.write(Buffer.from(bytes.subarray(start, end)));
  }

  override end(trailers: Fields | undefined): void {
    if (this.#coder === undefined) {
      this.client.end(trailers);
      return;
    }
    this.#trailers = trailers?.copy();
    this.#coder.end();
  }

  override abort(why: Flag, code?: number): void {
    this.#coder?.destroy();
    this.client.abort(why, code);
  }

  override detach(): void {
    this.#detached = true;
    this.#coder?.destroy();
    super.detach();
  }

  #isWorth(head: Head): boolean {
    const { status } = head;
    if (status < 200 || status === 204 || status === 304 || status === 206 || head.has(contentEncoding))
      return false;
    const { types, minBytes } = this.#settings;
    if (head.bodyLength !== UNKNOWN_LENGTH && head.bodyLength < minBytes) return false;
    if (/\bno-transform\b/i.test(head.text(head.find(cacheControl)))) return false;
    const type = head.text(head.find(contentType)).split(';', 1)[0]!.trim().toLowerCase();
    return type !== '' && (types.includes(type) || types.includes('*'));
  }

  #begin(head: Head, encoding: Encoding): void {
    // What is not known to end soon must not wait for more.
    const streams = head.bodyLength === UNKNOWN_LENGTH;
    if (head.contentLength >= 0) head.remove(head.contentLength);
    head.contentLength = -1;
    head.bodyLength = UNKNOWN_LENGTH;
    head.removeAll(acceptRanges);
    head.set(contentEncoding, Buffer.from(encoding, 'latin1'));
    weaken(head);
    const coder = coderOf(encoding, this.#settings.level, streams);
    this.#coder = coder;
    coder.on(
      'data',
      guarded('compression', (piece: Buffer) => this.#write(piece)),
    );
    coder.on(
      'drain',
      guarded('compression', () => {
        if (!this.#clientFull && !this.#detached) this.#writable();
      }),
    );
    coder.on(
      'end',
      guarded('compression', () => this.#flushed()),
    );
    coder.on(
      'error',
      guarded('compression', () => this.#broken()),
    );
  }

  #write(piece: Buffer): void {
    if (this.#detached) return;
    enterEvent();
    this.#clientFull = !this.client.data(piece, 0, piece.length);
    leaveEvent();
  }

  #flushed(): void {
    if (this.#detached) return;
    enterEvent();
    this.client.end(this.#trailers);
    leaveEvent();
  }

  #broken(): void {
    if (this.#detached) return;
    enterEvent();
    this.client.abort('LR');
    leaveEvent();
  }
}

function coderOf(encoding: Encoding, level: number | undefined, streams: boolean): Transform {
  switch (encoding) {
    case 'gzip':
      return createGzip({
        // nginx's own default; zlib's costs three times as much for a few per cent.
        level: level ?? 1,
        ...(streams && { flush: constants.Z_SYNC_FLUSH }),
      });
    case 'br':
      return createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: level ?? 4 },
        ...(streams && { flush: constants.BROTLI_OPERATION_FLUSH }),
      });
    case 'zstd':
      return createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: level ?? 3 },
        ...(streams && { flush: constants.ZSTD_e_flush }),
      });
  }
}

/** The bytes are others, the meaning is the same (RFC 9110 section 8.8.1). */
function weaken(head: Head): void {
  const index = head.find(etag);
  if (index < 0) return;
  const value = head.text(index);
  if (!value.startsWith('W/')) head.set(etag, Buffer.from(`W/${value}`, 'latin1'));
}

/** Caches must tell clients apart by what they accept, also where an answer stays as it is. */
function addVary(head: Head): void {
  if (!/(^|,)\s*(\*|accept-encoding)\s*(,|$)/i.test(head.text(head.find(vary)))) head.add(vary, varyValue);
}
