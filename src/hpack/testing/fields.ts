import assert from 'node:assert/strict';
import { Decoder, FieldList } from '../index.ts';

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
