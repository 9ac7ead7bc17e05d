// As much of protobuf's wire format (protobuf.dev/programming-guides/encoding) as ext_authz needs: no groups, no packed lists.

import { isUtf8 } from 'node:buffer';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Writes one message. Fields of the default value are left out, as in proto3. */
export class MessageWriter {
  readonly #pieces: Buffer[] = [];

  /** An integer from 0 to 2^53. */
  number(field: number, value: number): this {
    if (value !== 0) this.#pieces.push(varint(field * 8 + VARINT), varint(value));
    return this;
  }

  bytes(field: number, value: Buffer): this {
    if (value.length > 0) this.#pieces.push(varint(field * 8 + BYTES), varint(value.length), value);
    return this;
  }

  /** Text whose characters are bytes. Readers refuse what is no UTF-8: as in Envoy, such bytes are exclamation marks. */
  text(field: number, latin1: string): this {
    const bytes = Buffer.from(latin1, 'latin1');
    return this.bytes(
      field,
      isUtf8(bytes) ? bytes : Buffer.from(latin1.replace(/[^\0-\x7f]/g, '!'), 'latin1'),
    );
  }

  /** One of a list, or a message: there even where it is empty. */
  message(field: number, message: MessageWriter): this {
    const value = message.finish();
    this.#pieces.push(varint(field * 8 + BYTES), varint(value.length), value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** One field of a message that was read: a number, or bytes. */
export type Read = (field: number, value: number | Buffer) => void;

/** Calls `read` with each field of a message; false where it is malformed. Fixed-width fields are passed over. */
export function readMessage(message: Buffer, read: Read): boolean {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return -1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return -1;
  };
  while (at < message.length) {
    const key = number();
    const field = Math.floor(key / 8);
    if (key < 8) return false;
    switch (key % 8) {
      case VARINT: {
        const value = number();
        if (value < 0) return false;
        read(field, value);
        break;
      }
      case BYTES: {
        const length = number();
        if (length < 0 || at + length > message.length) return false;
        read(field, message.subarray(at, at + length));
        at += length;
        break;
      }
      case FIXED64:
        at += 8;
        break;
      case FIXED32:
        at += 4;
        break;
      default:
        return false;
    }
  }
  return at === message.length;
}
