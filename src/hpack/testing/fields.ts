import assert from 'node:assert/strict';
import { Decoder, type Encoder, FieldList, nameId } from '../index.ts';

/** Bytes of hexadecimal digits, blanks between them as one likes. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** `name: value` for each field. */
export function fieldsOf(list: FieldList): string[] {
  return Array.from({ length: list.count }, (_, index) => `${list.name(index)}: ${list.value(index)}`);
}

/** The fields of a block that must be whole. */
export function decodeAll(block: string | Buffer, decoder = new Decoder()): string[] {
  const bytes = typeof block === 'string' ? hex(block) : block;
  const list = new FieldList();
  list.begin(1 << 24, 1 << 16);
  assert.equal(decoder.decode(bytes, 0, bytes.length, list), 0);
  return fieldsOf(list);
}

const out = Buffer.alloc(1 << 18);

/** A block as the encoder writes it, with its table. */
export function encoded(
  encoder: Encoder,
  fields: readonly (readonly [name: string, value: string])[],
): Buffer {
  let at = encoder.begin(out, 0);
  for (const [nameText, valueText] of fields) {
    const name = Buffer.from(nameText, 'latin1');
    const value = Buffer.from(valueText, 'latin1');
    const id = nameId(name, 0, name.length);
    at = encoder.field(out, at, id, name, 0, name.length, value, 0, value.length, false);
  }
  return Buffer.from(out.subarray(0, at));
}
