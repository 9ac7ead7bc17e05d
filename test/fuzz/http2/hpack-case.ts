// Blocks of HPACK, random ones and such as encoders write with a few bytes changed, beside a decoder that is written as the RFC
// reads: bit by bit, with arrays. And fields through the encoder and back.
import { Decoder, Encoder, FieldList } from '../../../src/hpack/index.ts';
import { STATIC_FIELDS } from '../../../src/hpack/static-table.ts';
import { encoded } from '../../../src/hpack/testing/fields.ts';
import type { Random } from '../random.ts';
import { codes } from './huffman-codes.ts';

const names = [
  ':method',
  ':path',
  'content-type',
  'cookie',
  'x-a',
  'X-B',
  'te',
  'grpc-status',
  'user-agent',
  'x-long-name-of-a-field',
  '',
];
const values = [
  '',
  'GET',
  '/',
  'a',
  'trailers',
  'application/grpc',
  ' padded\t',
  'a\0b',
  '\xff\xfe',
  'x'.repeat(200),
  'y'.repeat(3000),
];
const list = new FieldList();

type Line = readonly [name: string, value: string];

/** As the RFC reads; undefined where the block is broken. The table goes on from block to block. */
class PlainDecoder {
  #table: Line[] = [];
  #capacity = 4096;

  decode(bytes: Buffer): Line[] | undefined {
    const lines: Line[] = [];
    let updates = 0;
    let at = 0;
    const integer = (bits: number): number => {
      const most = 2 ** bits - 1;
      let value = bytes[at++]! & most;
      if (value < most) return value;
      for (let n = 0; ; n++) {
        const octet = bytes[at++];
        if (octet === undefined || n === 5) throw broken;
        value += (octet & 127) * 2 ** (7 * n);
        if (value >= 2 ** 31) throw broken;
        if (octet < 128) return value;
      }
    };
    const string = (): string => {
      if (at >= bytes.length) throw broken;
      const coded = bytes[at]! >= 128;
      const length = integer(7);
      if (at + length > bytes.length) throw broken;
      const raw = bytes.subarray(at, at + length);
      at += length;
      return coded ? unfold(raw) : raw.toString('latin1');
    };
    const entry = (index: number): Line => {
      const found = index <= 61 ? STATIC_FIELDS[index - 1] : this.#table[index - 62];
      if (found === undefined) throw broken;
      return found;
    };
    try {
      while (at < bytes.length) {
        const first = bytes[at]!;
        if (first >= 128) lines.push(entry(integer(7)));
        else if (first >= 32 && first < 64) {
          const size = integer(5);
          if (size > 4096 || lines.length > 0 || ++updates > 2) throw broken;
          this.#capacity = size;
          this.#evict();
        } else {
          const indexing = first >= 64;
          const index = integer(indexing ? 6 : 4);
          const name = index === 0 ? string() : entry(index)[0];
          const line: Line = [name, string()];
          lines.push(line);
          if (indexing) {
            this.#table.unshift(line);
            this.#evict();
          }
        }
      }
      return lines;
    } catch (error) {
      if (error !== broken) throw error;
      return undefined;
    }
  }

  #evict(): void {
    while (
      this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0) > this.#capacity
    )
      this.#table.pop();
  }
}

const broken = new Error('broken');

function unfold(raw: Buffer): string {
  let text = '';
  let bits = '';
  for (const byte of raw) {
    for (let bit = 7; bit >= 0; bit--) {
      bits += (byte >> bit) & 1;
      const symbol = codes.get(bits);
      if (symbol === undefined) {
        if (bits.length > 30) throw broken;
        continue;
      }
      if (symbol === 256) throw broken;
      text += String.fromCharCode(symbol);
      bits = '';
    }
  }
  if (bits.length > 7 || bits.includes('0')) throw broken;
  return text;
}

/** One case: a connection of a few blocks. Words where something is wrong. */
export function hpackCase(random: Random): string | undefined {
  const encoder = new Encoder({ tableBytes: [0, 200, 4096][random.int(3)]!, huffman: random.int(2) === 1 });
  const ours = new Decoder();
  const plain = new PlainDecoder();
  let isChanged = false;
  for (let n = 1 + random.int(4); n > 0; n--) {
    const fields = Array.from(
      { length: random.int(6) },
      (): Line => [names[random.int(names.length)]!, values[random.int(values.length)]!],
    );
    if (random.int(8) === 0) encoder.allow(random.int(5000));
    const block = encoded(encoder, fields);
    const changes = random.int(2) === 1;
    // What was changed may be right, and leave another table behind.
    isChanged ||= changes;
    if (changes) change(block, random);
    list.begin(1 << 24, 1 << 16);
    const fault = ours.decode(block, 0, block.length, list);
    const expected = plain.decode(block);
    if (fault < 0 !== (expected === undefined))
      return `fault ${fault}, plainly ${JSON.stringify(expected)}: ${block.toString('hex')}`;
    if (expected === undefined) return undefined;
    const found = said(Array.from({ length: list.count }, (_, i): Line => [list.name(i), list.value(i)]));
    if (found !== said(expected)) return `${found}\nplainly ${said(expected)}: ${block.toString('hex')}`;
    if (!isChanged && said(expected) !== said(fields.map(([name, value]) => [name.toLowerCase(), value])))
      return `not what was encoded: ${block.toString('hex')}`;
    if (list.fields !== expected.length) return `${list.fields} fields counted of ${expected.length}`;
  }
  return undefined;
}

/** Crumbs that follow each other joined, blanks around values taken off. */
function said(lines: readonly Line[]): string {
  const out: string[] = [];
  let isCrumb = false;
  for (const [name, value] of lines) {
    const isCookie = name.toLowerCase() === 'cookie';
    if (isCookie && isCrumb) out[out.length - 1] += `; ${value}`;
    else out.push(`${name}: ${isCookie ? value : value.replaceAll(/^[ \t]+|[ \t]+$/g, '')}`);
    isCrumb = isCookie;
  }
  return out
    .map(each => (/^cookie:/i.test(each) ? each.replaceAll(/(?<=^cookie:)[ \t]+|[ \t]+$/gi, '') : each))
    .join('\n');
}

function change(block: Buffer, random: Random): void {
  for (let n = random.int(4); n >= 0 && block.length > 0; n--)
    block[random.int(block.length)] = random.int(256);
}
