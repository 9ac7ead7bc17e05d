import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { packProgram, unpackProgram } from './program.ts';

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-program-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('a program goes through its bytes with the chunks that it imports, and nothing else', context => {
  const from = folder(context);
  mkdirSync(join(from, 'chunks'));
  writeFileSync(
    join(from, 'weft-proxy.mjs'),
    'import { a } from "./chunks/a.mjs"; import("./chunks/lazy.mjs");',
  );
  writeFileSync(join(from, 'chunks/a.mjs'), 'export const a = 1; export const text = "from \'./b.mjs\'";');
  writeFileSync(join(from, 'chunks/lazy.mjs'), 'import"../weft-proxy.mjs";');
  writeFileSync(join(from, 'weft-injector.mjs'), 'secret');
  const program = packProgram(from, '1.2.3')!;
  assert.equal(program.digest, packProgram(from, '1.2.3')!.digest, 'the same program has the same digest');
  const to = join(folder(context), 'programs', 'one');
  const entry = unpackProgram(program.bytes, program.digest, to, from);
  assert.equal(readFileSync(entry, 'utf8'), readFileSync(join(from, 'weft-proxy.mjs'), 'utf8'));
  assert.deepEqual(readdirSync(to).sort(), ['chunks', 'node_modules', 'weft-proxy.mjs']);
  assert.deepEqual(readdirSync(join(to, 'chunks')).sort(), ['a.mjs', 'lazy.mjs']);
  assert.equal(packProgram(join(from, 'chunks'), '1'), undefined);
});

test('of a program in CommonJS the sources of its folder go along, and nothing that was made of them', context => {
  const from = folder(context);
  mkdirSync(join(from, 'proxy'));
  writeFileSync(
    join(from, 'weft-proxy.mjs'),
    "process.getBuiltinModule('module').createRequire(import.meta.url)('./proxy/program.cjs');",
  );
  writeFileSync(join(from, 'proxy/program.cjs'), 'require("./" + "run.cjs"); "import(\'../secret.mjs\')"');
  writeFileSync(join(from, 'proxy/run.cjs'), 'process.exitCode = 0');
  for (const other of ['proxy/run.cjs.map', 'proxy/run.v24-x64.code', 'secret.mjs'])
    writeFileSync(join(from, other), 'secret');
  const program = packProgram(from, '1.2.3')!;
  const to = join(folder(context), 'program');
  unpackProgram(program.bytes, program.digest, to, from);
  assert.deepEqual(readdirSync(to).sort(), ['node_modules', 'proxy', 'weft-proxy.mjs']);
  assert.deepEqual(readdirSync(join(to, 'proxy')).sort(), ['program.cjs', 'run.cjs']);
});

test('what is not the program of the digest, or none for this proxy, is refused and nothing is written', context => {
  const to = join(folder(context), 'program');
  const pack = (packed: unknown): Buffer => brotliCompressSync(JSON.stringify(packed));
  const entry = { 'weft-proxy.mjs': '' };
  const refuse = (bytes: Buffer, words: RegExp, digest = digestOf(bytes)): void => {
    assert.throws(() => unpackProgram(bytes, digest, to, to), { code: 'program-refused', message: words });
    assert.equal(existsSync(to), false);
  };
  const good = pack({ version: '1', node: 24, files: entry });
  refuse(good, /its digest is .* and not 0000/, '0'.repeat(64));
  refuse(good.subarray(0, -3), /it cannot be unpacked/);
  refuse(brotliCompressSync(Buffer.alloc(64 << 20)), /it cannot be unpacked/);
  refuse(pack({ version: '1', node: 99, files: entry }), /needs Node 99, and the image of this pod has Node/);
  refuse(pack({ version: '1', node: 24, files: { 'a.mjs': '' } }), /it has no weft-proxy\.mjs/);
  for (const name of ['../a.mjs', '/etc/a', 'a/../../b', 'a//b', '.env', 'a\nb'])
    refuse(pack({ version: '1', node: 24, files: { ...entry, [name]: '' } }), /it has a file/);
  refuse(pack({ version: '1', node: 24, files: { ...entry, 'a.mjs': 1 } }), /it has a file/);
  refuse(pack([]), /it has no files/);
});
