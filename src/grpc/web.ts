// gRPC-Web: calls of browsers, which read no trailers and often no bytes
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md). Bodies are those of gRPC, with the trailers as a last frame;
// with `-text` all of it in base64.
import { type Fields, type Head, METHOD } from '../http/index.ts';

const contentType = Buffer.from('content-type', 'latin1');
const webType = /^application\/grpc-web(-text)?((?:\+[\w.-]+)?(?:\s*;.*)?)$/i;
/** The flag of the frame that holds trailers. */
const TRAILERS = 0x80;
const prefixBytes = 5;

/** What a request of gRPC-Web says of itself. */
export interface WebCall {
  /** Where its content type is. */
  readonly index: number;
  /** Whether bodies are base64. */
  readonly text: boolean;
  /** `+proto`, `+json`; '' for none. */
  readonly suffix: string;
}

/** Undefined where the request is none. */
export function webCallOf(request: Head): WebCall | undefined {
  if (request.method !== METHOD.POST) return undefined;
  const index = request.find(contentType);
  const said = index < 0 ? null : webType.exec(request.text(index));
  return said === null ? undefined : { index, text: said[1] !== undefined, suffix: said[2]! };
}

/** Trailers as the last frame of a body: flag, length, and a line for each, names in lower case. */
export function trailersFrame(trailers: Fields | undefined): Buffer {
  const lines: string[] = [];
  if (trailers !== undefined) {
    for (let i = 0; i < trailers.count; i++)
      if (!trailers.isRemoved(i)) lines.push(`${trailers.name(i).toLowerCase()}: ${trailers.text(i)}`);
    for (let i = 0; i < trailers.addedCount; i++)
      lines.push(
        `${trailers.addedNames[i]!.toString('latin1').toLowerCase()}: ${trailers.addedValues[i]!.toString('latin1')}`,
      );
  }
  const text = Buffer.from(lines.map(line => `${line}\r\n`).join(''), 'latin1');
  const frame = Buffer.alloc(prefixBytes + text.length);
  frame[0] = TRAILERS;
  frame.writeUInt32BE(text.length, 1);
  text.copy(frame, prefixBytes);
  return frame;
}

/** Reads base64 that comes in pieces, each of which may be padded. */
export class Base64Reader {
  #rest = '';

  /** The bytes that are whole; undefined where it is no base64. */
  read(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const text = this.#rest + bytes.toString('latin1', start, end);
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    const quads = text.slice(0, whole);
    if (!/^(?:[A-Za-z0-9+/]{2}(?:[A-Za-z0-9+/]{2}|[A-Za-z0-9+/]=|==))*$/.test(quads)) return undefined;
    // Padding may stand at the end of each piece that its sender has made: what is between two of them is decoded by itself.
    const parts = quads.match(/[^=]+={0,2}/g) ?? [];
    return Buffer.concat(parts.map(part => Buffer.from(part, 'base64')));
  }

  /** Whether what has come is whole. */
  get whole(): boolean {
    return this.#rest === '';
  }
}

/** Base64 of a piece, padded: a message is there when its bytes are, and not with the next. */
export function base64Of(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.toString('base64', start, end), 'latin1');
}
