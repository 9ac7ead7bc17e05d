import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Decoder, Encoder } from './index.ts';
import { decodeAll, encoded } from './testing/fields.ts';

interface Case {
  readonly wire?: string;
  readonly headers: readonly Readonly<Record<string, string>>[];
  readonly header_table_size?: number;
}

// hpack-test-case of the http2jp project: stories as encoders of other people wrote them, and raw ones to encode.
const folder = process.env.WEFT_HPACK_VECTORS ?? '';
const skip = existsSync(folder) ? false : 'WEFT_HPACK_VECTORS names no folder of http2jp/hpack-test-case';
const stories = skip === false ? storiesIn(folder) : [];

function storiesIn(from: string): { name: string; cases: readonly Case[] }[] {
  return readdirSync(from, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.json'))
    .map(name => ({
      name,
      cases: (JSON.parse(readFileSync(join(from, name), 'utf8')) as { cases: Case[] }).cases,
    }));
}

function expected(headers: Case['headers']): string[] {
  const lines: string[] = [];
  let cookies: string[] = [];
  for (const header of headers) {
    const [[name, value]] = Object.entries(header) as [[string, string]];
    const trimmed = value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
    if (name === 'cookie') cookies.push(value);
    else cookies = [];
    if (cookies.length > 1) lines[lines.length - 1] = `cookie: ${cookies.join('; ')}`;
    else lines.push(`${name}: ${trimmed}`);
  }
  return lines;
}

test('decodes what other encoders wrote', { skip }, () => {
  let count = 0;
  for (const { name, cases } of stories) {
    if (cases[0]?.wire === undefined) continue;
    const decoder = new Decoder(Math.max(4096, ...cases.map(each => each.header_table_size ?? 0)));
    for (const each of cases) {
      const where = `${name}, block ${count}`;
      assert.deepEqual(decodeAll(Buffer.from(each.wire!, 'hex'), decoder), expected(each.headers), where);
      count++;
    }
  }
  assert.ok(count > 500, `${count} blocks`);
});

test('encodes every story so that it comes back, and with a table in fewer bytes', { skip }, () => {
  const total = { plain: 0, table: 0 };
  for (const { cases } of stories) {
    const plain = new Encoder({ tableBytes: 0, huffman: false });
    const table = new Encoder({ tableBytes: 4096, huffman: true });
    const [ofPlain, ofTable] = [new Decoder(), new Decoder()];
    for (const { headers } of cases) {
      const one = encodeStory(plain, headers);
      const two = encodeStory(table, headers);
      total.plain += one.length;
      total.table += two.length;
      assert.deepEqual(decodeAll(one, ofPlain), expected(headers));
      assert.deepEqual(decodeAll(two, ofTable), expected(headers));
    }
  }
  assert.ok(total.table < total.plain / 2, JSON.stringify(total));
});

function encodeStory(encoder: Encoder, headers: Case['headers']): Buffer {
  return encoded(
    encoder,
    headers.map(header => Object.entries(header)[0]!),
  );
}
