import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeHuffman, encodeHuffman, huffmanLength } from './huffman.ts';
import {
  Decoder,
  FieldList,
  HPACK_FAULT,
  idOf,
  NAME,
  NEVER_INDEXED,
  NOT,
  nameFlags,
  valueFlags,
} from './index.ts';
import { readInteger, TOO_LARGE, TRUNCATED, writeInteger } from './integer.ts';
import { decodeAll, fieldsOf, hex } from './testing/fields.ts';

describe('integers', () => {
  test('every value up to the largest comes back, with every prefix', () => {
    const out = Buffer.alloc(8);
    for (let prefix = 1; prefix <= 8; prefix++)
      for (const value of [
        0,
        1,
        2,
        30,
        31,
        126,
        127,
        128,
        254,
        255,
        256,
        1337,
        16_383,
        16_384,
        2 ** 28,
        2 ** 31 - 1,
      ]) {
        const end = writeInteger(out, 0, 0, prefix, value);
        assert.equal(readInteger(out, 0, end, prefix), value, `${value} with ${prefix} bits`);
        if (end > 1) assert.equal(readInteger(out, 0, end - 1, prefix), TRUNCATED);
      }
  });

  test('refuses what is above 2^31 - 1, and endless rows of octets', () => {
    assert.equal(readInteger(hex('ff 80 ff ff ff 07'), 0, 6, 7), 127 + 0x7fffff80);
    assert.equal(readInteger(hex('ff 81 ff ff ff 07'), 0, 6, 7), TOO_LARGE);
    assert.equal(readInteger(hex('ff ff ff ff ff 0f'), 0, 6, 7), TOO_LARGE);
    assert.equal(readInteger(hex('ff 80 80 80 80 80 00'), 0, 7, 7), TOO_LARGE);
  });
});

describe("Huffman's code", () => {
  test('takes every byte there and back, in every place', () => {
    const bytes = Buffer.alloc(512);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 167;
    const coded = Buffer.alloc(bytes.length * 4);
    const back = Buffer.alloc(bytes.length);
    for (let start = 0; start < 256; start++)
      for (const end of [start, start + 1, start + 2, start + 5, start + 256]) {
        const length = encodeHuffman(bytes, start, end, coded, 0);
        assert.equal(length, huffmanLength(bytes, start, end));
        assert.equal(decodeHuffman(coded, 0, length, back, 0), end - start);
        assert.deepEqual(back.subarray(0, end - start), bytes.subarray(start, end));
      }
  });

  test('refuses EOS, padding of eight bits, and padding of zeros', () => {
    const back = Buffer.alloc(64);
    for (const broken of ['ff ff ff ff', 'ff ff ff fc', 'f8 ff', '18'])
      assert.equal(decodeHuffman(hex(broken), 0, hex(broken).length, back, 0), -1, broken);
    assert.equal(decodeHuffman(hex('1f'), 0, 1, back, 0), 1, 'a, then ones');
  });
});

describe('RFC 7541 Appendix C', () => {
  const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
  const second = [...first, 'cache-control: no-cache'];
  const third = [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ];

  test('C.2: single fields of every kind', () => {
    assert.deepEqual(decodeAll('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'), [
      'custom-key: custom-header',
    ]);
    assert.deepEqual(decodeAll('040c 2f73 616d 706c 652f 7061 7468'), [':path: /sample/path']);
    const list = new FieldList();
    list.begin(4096, 100);
    const block = hex('1008 7061 7373 776f 7264 0673 6563 7265 74');
    assert.equal(new Decoder().decode(block, 0, block.length, list), 0);
    assert.deepEqual(fieldsOf(list), ['password: secret']);
    assert.equal(list.info(0) & NEVER_INDEXED, NEVER_INDEXED);
    assert.deepEqual(decodeAll('82'), [':method: GET']);
  });

  test('C.3 and C.4: requests on one connection, plain and in Huffman code', () => {
    for (const blocks of [
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ]) {
      const decoder = new Decoder();
      assert.deepEqual(decodeAll(blocks[0]!, decoder), first);
      assert.equal(decoder.tableSize, 57);
      assert.deepEqual(decodeAll(blocks[1]!, decoder), second);
      assert.equal(decoder.tableSize, 110);
      assert.deepEqual(decodeAll(blocks[2]!, decoder), third);
      assert.equal(decoder.tableSize, 164);
    }
  });

  test('C.5 and C.6: answers with a table of 256 bytes that evicts', () => {
    const date = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
    const location = 'location: https://www.example.com';
    for (const blocks of [
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
    ]) {
      const decoder = new Decoder(256);
      assert.deepEqual(decodeAll(blocks[0]!, decoder), [
        ':status: 302',
        'cache-control: private',
        date,
        location,
      ]);
      assert.equal(decoder.tableSize, 222);
      assert.deepEqual(decodeAll(blocks[1]!, decoder), [
        ':status: 307',
        'cache-control: private',
        date,
        location,
      ]);
      assert.equal(decoder.tableSize, 222);
      assert.deepEqual(decodeAll(blocks[2]!, decoder), [
        ':status: 200',
        'cache-control: private',
        'date: Mon, 21 Oct 2013 20:13:22 GMT',
        location,
        'content-encoding: gzip',
        'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
      ]);
      assert.equal(decoder.tableSize, 215);
    }
  });
});

describe('the decoder', () => {
  const failing = (block: string, decoder = new Decoder()): number => {
    const bytes = hex(block);
    const list = new FieldList();
    list.begin(65_536, 1000);
    return decoder.decode(bytes, 0, bytes.length, list);
  };

  test('names what is wrong with a block', () => {
    for (const [block, fault] of [
      ['80', HPACK_FAULT.INDEX],
      ['be', HPACK_FAULT.INDEX],
      ['7e 01 61', HPACK_FAULT.INDEX],
      ['ff ff ff ff ff ff', HPACK_FAULT.INTEGER],
      ['ff', HPACK_FAULT.TRUNCATED],
      ['40', HPACK_FAULT.TRUNCATED],
      ['40 03 61', HPACK_FAULT.TRUNCATED],
      ['40 01 61', HPACK_FAULT.TRUNCATED],
      ['00 01 61 84 ff ff ff ff', HPACK_FAULT.HUFFMAN],
      ['3f e2 1f', HPACK_FAULT.TABLE_SIZE],
      ['82 20', HPACK_FAULT.TABLE_SIZE],
      ['20 21 22 82', HPACK_FAULT.TABLE_SIZE],
    ] as const)
      assert.equal(failing(block), fault, block);
    assert.equal(failing('20 3f e1 1f 82'), 0, 'two sizes: the smallest on the way and the last');
  });

  test('wants a smaller table confirmed in the next block', () => {
    const decoder = new Decoder();
    decoder.allow(1024);
    assert.equal(failing('82', decoder), HPACK_FAULT.TABLE_SIZE);
    const confirmed = new Decoder();
    confirmed.allow(1024);
    assert.equal(failing('3f e1 07 82', confirmed), 0);
    assert.equal(failing('82', confirmed), 0);
    assert.equal(failing('3f e2 07', confirmed), HPACK_FAULT.TABLE_SIZE);
  });

  test('a field that is larger than the table empties it', () => {
    const decoder = new Decoder(64);
    assert.deepEqual(decodeAll('4001 6101 62', decoder), ['a: b']);
    assert.equal(decoder.tableSize, 34);
    const large = `400161 20 ${'63'.repeat(32)}`;
    assert.deepEqual(decodeAll(large, decoder), [`a: ${'c'.repeat(32)}`]);
    assert.equal(decoder.tableSize, 0);
  });

  test('a name that its own entry drives out is still that name', () => {
    const decoder = new Decoder(80);
    decodeAll('4001 6101 62', decoder);
    decodeAll('4001 6301 64', decoder);
    assert.deepEqual(decodeAll(`7f00 0d ${'65'.repeat(13)}`, decoder), [`a: ${'e'.repeat(13)}`]);
  });

  test('tells names apart and what their bytes are not, of literals and of entries alike', () => {
    const decoder = new Decoder();
    const list = new FieldList();
    list.begin(4096, 100);
    const field = (name: string, value: string): string =>
      `40 ${Buffer.from([name.length]).toString('hex')} ${Buffer.from(name, 'latin1').toString('hex')} ${Buffer.from([value.length]).toString('hex')} ${Buffer.from(value, 'latin1').toString('hex')}`;
    const block = hex(
      `${field('Content-Length', '12x')} ${field('a b', 'c\nd')} ${field('connection', 'close')} c0 bf be`,
    );
    assert.equal(decoder.decode(block, 0, block.length, list), 0);
    for (const base of [0, 3]) {
      assert.equal(idOf(list.info(base)), NAME.CONTENT_LENGTH);
      assert.equal(nameFlags(list.info(base)) & NOT.LOWERCASE, NOT.LOWERCASE);
      assert.equal(valueFlags(list.info(base)) & NOT.DIGITS, NOT.DIGITS);
      assert.equal(valueFlags(list.info(base)) & NOT.FIELD, 0);
      assert.equal(idOf(list.info(base + 1)), NAME.OTHER);
      assert.equal(nameFlags(list.info(base + 1)) & NOT.TOKEN, NOT.TOKEN);
      assert.equal(valueFlags(list.info(base + 1)) & NOT.FIELD, NOT.FIELD);
      assert.equal(idOf(list.info(base + 2)), NAME.CONNECTION);
      assert.equal(nameFlags(list.info(base + 2)), nameFlags(list.info(2)));
    }
  });

  test('joins crumbs that follow each other to one Cookie, and takes blanks off values', () => {
    const block = '6003613d31 6003623d32 8286 6003633d33 5f3a 03 20 78 09';
    assert.deepEqual(decodeAll(block.replace('5f3a', '5a'), new Decoder()), [
      'cookie: a=1; b=2',
      ':method: GET',
      ':scheme: http',
      'cookie: c=3',
      'content-encoding: x',
    ]);
  });

  test('beyond the limits counts on, keeps nothing more, and stays in step', () => {
    const decoder = new Decoder();
    const list = new FieldList();
    list.begin(65_536, 3);
    const block = hex('82 86 84 4001 6101 62 be be');
    assert.equal(decoder.decode(block, 0, block.length, list), 0);
    assert.equal(list.over, true);
    assert.equal(list.count, 3);
    assert.equal(list.fields, 6);
    assert.deepEqual(decodeAll('be', decoder), ['a: b']);
    const bytes = new FieldList();
    bytes.begin(100, 1000);
    const crumbs = hex('6003613d31 be be be');
    assert.equal(new Decoder().decode(crumbs, 0, crumbs.length, bytes), 0);
    assert.equal(bytes.size, 4 * (6 + 3 + 32));
    assert.deepEqual(
      fieldsOf(bytes),
      ['cookie: a=1; a=1'],
      'a reference of one byte costs what it stands for',
    );
  });
});
