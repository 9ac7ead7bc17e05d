// Frames written and read by hand, for tests: what is sent is exactly what a test says, right or wrong.
import { Decoder, FieldList } from '../../hpack/index.ts';
import { ERROR, errorName, FLAGS, FRAME, PREFACE } from '../frames.ts';

const typeNames = Object.keys(FRAME);

/** A frame with any content. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer | readonly number[] = [],
): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([header, body]);
}

/** Four bytes. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** SETTINGS of these pairs. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const body = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], index) => {
    body.writeUInt16BE(id, index * 6);
    body.writeUInt32BE(value >>> 0, index * 6 + 2);
  });
  return frame(FRAME.SETTINGS, 0, 0, body);
}

export const SETTINGS_ACK: Buffer = frame(FRAME.SETTINGS, FLAGS.ACK, 0);
/** What a client begins with. */
export const HELLO: Buffer = Buffer.concat([PREFACE, settings()]);

/** A block of literal fields, without a table. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const out = Buffer.alloc(fields.reduce((sum, [name, value]) => sum + name.length + value.length + 16, 0));
  let at = 0;
  for (const [name, value] of fields) {
    // Not the encoder's own way: it would write names in lower case.
    out[at++] = 0;
    at = string(out, at, name);
    at = string(out, at, value);
  }
  return out.subarray(0, at);
}

function string(out: Buffer, at: number, text: string): number {
  let to = at;
  if (text.length < 127) out[to++] = text.length;
  else {
    out[to++] = 127;
    let rest = text.length - 127;
    for (; rest >= 128; rest >>= 7) out[to++] = (rest & 127) | 128;
    out[to++] = rest;
  }
  return to + out.write(text, to, 'latin1');
}

/** The pseudo headers of a GET. */
export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'test'],
];
export const POST: readonly (readonly [string, string])[] = [[':method', 'POST'], ...GET.slice(1)];

/** HEADERS, whole, that end the stream unless `end` is false. */
export function headers(
  streamId: number,
  fields: readonly (readonly [string, string])[] = GET,
  end = true,
): Buffer {
  const flags = FLAGS.END_HEADERS | (end ? FLAGS.END_STREAM : 0);
  return frame(FRAME.HEADERS, flags, streamId, block(fields));
}

/** DATA. */
export function data(streamId: number, text: string | Buffer = '', end = false): Buffer {
  return frame(FRAME.DATA, end ? FLAGS.END_STREAM : 0, streamId, Buffer.from(text as string, 'latin1'));
}

export function reset(streamId: number, code: number = ERROR.CANCEL): Buffer {
  return frame(FRAME.RST_STREAM, 0, streamId, number(code));
}

export function windowUpdate(streamId: number, by: number): Buffer {
  return frame(FRAME.WINDOW_UPDATE, 0, streamId, number(by));
}

export function ping(text = '12345678', flags = 0): Buffer {
  return frame(FRAME.PING, flags, 0, Buffer.from(text, 'latin1'));
}

/** A frame that was received. */
export interface SeenFrame {
  readonly type: string;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** What one side of a connection sent, understood: in words that tests compare. */
export class FrameLog {
  readonly #decoder = new Decoder();
  #rest: Buffer = Buffer.alloc(0);
  /** The preface came first. */
  preface = false;

  /** Cuts `bytes` into frames; what is not whole waits for more. */
  frames(bytes: Buffer): SeenFrame[] {
    let rest = Buffer.concat([this.#rest, bytes]);
    const seen: SeenFrame[] = [];
    if (rest.subarray(0, PREFACE.length).equals(PREFACE)) {
      this.preface = true;
      rest = rest.subarray(PREFACE.length);
    }
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      seen.push({
        type: typeNames[rest[3]!] ?? `type ${rest[3]}`,
        flags: rest[4]!,
        streamId: rest.readUInt32BE(5),
        payload: Buffer.from(rest.subarray(9, 9 + length)),
      });
      rest = rest.subarray(9 + length);
    }
    this.#rest = rest;
    return seen;
  }

  /** `HEADERS 1 end :status: 200 | a: b`, `DATA 1 abc`, `RST_STREAM 1 CANCEL`, `GOAWAY 1 NO_ERROR words`, … */
  words(bytes: Buffer): string[] {
    return this.frames(bytes).map(each => this.#say(each));
  }

  #say({ type, flags, streamId, payload }: SeenFrame): string {
    const end = (flags & FLAGS.END_STREAM) !== 0 ? ' end' : '';
    switch (type) {
      case 'DATA':
        return `DATA ${streamId}${end} ${payload.toString('latin1')}`.trimEnd();
      case 'HEADERS':
        return `HEADERS ${streamId}${end} ${this.#fields(payload)}`;
      case 'RST_STREAM':
        return `RST_STREAM ${streamId} ${errorName(payload.readUInt32BE())}`;
      case 'GOAWAY': {
        const words = payload.toString('latin1', 8);
        return `GOAWAY ${payload.readUInt32BE()} ${errorName(payload.readUInt32BE(4))} ${words}`.trimEnd();
      }
      case 'WINDOW_UPDATE':
        return `WINDOW_UPDATE ${streamId} ${payload.readUInt32BE()}`;
      case 'SETTINGS':
      case 'PING':
        return `${type}${(flags & FLAGS.ACK) !== 0 ? ' ack' : ''}`;
      default:
        return `${type} ${streamId}`;
    }
  }

  #fields(payload: Buffer): string {
    const list = new FieldList();
    list.begin(1 << 24, 1 << 16);
    const fault = this.#decoder.decode(payload, 0, payload.length, list);
    if (fault < 0) throw new Error(`a block that cannot be decoded: ${fault}`);
    return Array.from({ length: list.count }, (_, i) => `${list.name(i)}: ${list.value(i)}`).join(' | ');
  }
}
