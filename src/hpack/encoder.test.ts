import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BEGIN_BYTES,
  Decoder,
  Encoder,
  type EncoderOptions,
  FIELD_OVERHEAD,
  nameId,
  STATELESS,
} from './index.ts';
import { decodeAll } from './testing/fields.ts';

const out = Buffer.alloc(1 << 17);

function encode(encoder: Encoder, fields: readonly (readonly [string, string])[], never = false): Buffer {
  let at = encoder.begin(out, 0);
  assert.ok(at <= BEGIN_BYTES);
  for (const [nameText, valueText] of fields) {
    const name = Buffer.from(nameText, 'latin1');
    const value = Buffer.from(valueText, 'latin1');
    const before = at;
    const id = nameId(name, 0, name.length);
    at = encoder.field(out, at, id, name, 0, name.length, value, 0, value.length, never);
    assert.ok(at - before <= name.length + value.length + FIELD_OVERHEAD);
  }
  return Buffer.from(out.subarray(0, at));
}

const withTable: EncoderOptions = { tableBytes: 4096, huffman: false };
const request = [
  ['Content-Type', 'application/grpc'],
  ['te', 'trailers'],
  ['grpc-accept-encoding', 'gzip'],
  ['x-b3-sampled', '1'],
] as const;
const lines = request.map(([name, value]) => `${name.toLowerCase()}: ${value}`);

describe('the encoder', () => {
  test('without a table says the same in the same bytes every time', () => {
    const encoder = new Encoder(STATELESS);
    const first = encode(encoder, request);
    assert.deepEqual(encode(encoder, request), first);
    assert.deepEqual(decodeAll(first), lines);
    assert.equal(first.subarray(0, 2).toString('hex'), '0f10', 'a name of the static table is a number');
  });

  test('with a table indexes what comes the second time, and then says it in a byte', () => {
    const encoder = new Encoder(withTable);
    const decoder = new Decoder();
    const lengths: number[] = [];
    for (let i = 0; i < 3; i++) {
      const block = encode(encoder, request);
      lengths.push(block.length);
      assert.deepEqual(decodeAll(block, decoder), lines);
    }
    assert.deepEqual(lengths.at(-1), request.length);
    for (let i = 0; i < 50; i++) decodeAll(encode(encoder, [['x-request-id', `${i}`]]), decoder);
    assert.equal(encode(encoder, request).length, request.length, 'what never repeats drives nothing out');
  });

  test('never indexes secrets, nor what came as never indexed', () => {
    for (const options of [STATELESS, withTable]) {
      const encoder = new Encoder(options);
      for (let i = 0; i < 3; i++) {
        for (const name of ['authorization', 'Proxy-Authorization', 'set-cookie', 'cookie'])
          assert.equal(encode(encoder, [[name, 'a=1']])[0]! & 0xf0, 0x10, name);
        assert.equal(encode(encoder, [['x-secret', 's']], true)[0]! & 0xf0, 0x10);
      }
    }
  });

  test('confirms a smaller table, with the smallest size that it had in between', () => {
    const stateless = new Encoder(STATELESS);
    stateless.allow(8192);
    assert.equal(encode(stateless, []).length, 0, 'a larger one is not used');
    stateless.allow(100);
    assert.equal(encode(stateless, []).toString('hex'), '3f45');
    const encoder = new Encoder(withTable);
    encoder.allow(0);
    encoder.allow(8192);
    assert.equal(encode(encoder, []).toString('hex'), '203fe11f');
    assert.equal(encode(encoder, []).length, 0);
  });

  test('what one side encodes the other decodes, whatever the tables do', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (const huffman of [false, true])
      for (const tableBytes of [0, 64, 300, 4096]) {
        const encoder = new Encoder({ tableBytes, huffman });
        const decoder = new Decoder();
        for (let block = 0; block < 400; block++) {
          if (random(20) === 0) encoder.allow(random(6000));
          const fields = Array.from({ length: random(8) }, (): [string, string] => [
            ['x-a', 'content-type', 'X-B', 'vary', 'x-long-name-of-a-field'][random(5)]!,
            String.fromCharCode(
              ...Array.from({ length: random(4) === 0 ? random(300) : 2 }, () => 0x21 + random(3)),
            ),
          ]);
          assert.deepEqual(
            decodeAll(encode(encoder, fields), decoder),
            fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`),
          );
        }
      }
  });
});
