// weft-proxy as it is shipped: merged, with the code that V8 made of it before. That it starts the same without that code,
// and that code which is not of its sources is never taken.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { packProgram, unpackProgram } from '../src/handover/program.ts';
import { freePorts } from '../src/wire/testing/ports.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'weft-merged-'));
const program = join(folder, 'weft-proxy.mjs');
const proxy = join(folder, 'proxy');
const filesOf = (end: string): string[] => readdirSync(proxy).filter(name => name.endsWith(end));

before(() => {
  // Beside the build of others, which may run now.
  execFileSync(process.execPath, ['scripts/build.ts', folder], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
after(() => rmSync(folder, { recursive: true }));

/** What the loader tells of each file that it compiled: whether V8 took the code that was there. */
const tell = (at: string): string => `
  const { scripts } = require(${JSON.stringify(join(dirname(at), 'proxy/program.cjs'))});
  for (const [path, { cachedDataRejected }] of scripts) console.log('COMPILED', path.split('/').pop(), cachedDataRejected);
  console.log('BUFFERS', process.memoryUsage().arrayBuffers);
`;

/** Starts a proxy that carries traffic without a control plane; ends it. Gives what was compiled, by file. */
async function run(node: readonly string[] = [], at = program): Promise<Map<string, string>> {
  const names = ['outbound', 'inbound', 'admin', 'health'];
  const ports = await freePorts(names.length);
  const flags = names.flatMap((name, at) => [`--${name}-port`, `${ports[at]}`]);
  const hook = `data:text/javascript,${encodeURIComponent(
    `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(at)}); process.on('SIGUSR2', () => {${tell(at)}});`,
  )}`;
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...node,
      '--import',
      hook,
      at,
      'run',
      '--no-redirect',
      '--discovery',
      'none',
      '--listen',
      '127.0.0.1',
      ...flags,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  let step = 0;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (step === 0 && said.includes('weft-proxy carries traffic')) {
      step = 1;
      child.kill('SIGUSR2');
    }
    if (step === 1 && /^COMPILED run-.*\n/m.test(said)) {
      step = 2;
      child.kill('SIGTERM');
    }
  });
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, said);
  assert.match(said, /drained; goodbye/);
  // Beside its own, a proxy that starts has none; the code of V8 alone would be larger.
  const buffers = Number(/^BUFFERS (\d+)$/m.exec(said)![1]);
  assert.ok(buffers < 1 << 20, `${buffers} bytes of buffers stay`);
  return new Map(
    Array.from(said.matchAll(/^COMPILED (\S+) (\w+)$/gm), ([, file, rejected]) => [file!, rejected!]),
  );
}

test('a command is one file; without compiled code it starts, and V8 compiles it', async () => {
  const compiled = await run();
  const [file, ...more] = compiled.keys();
  assert.match(file!, /^run-[0-9a-f]{16}\.cjs$/);
  assert.deepEqual(more, [], 'what a plain proxy needs is in one file');
  assert.equal(compiled.get(file!), 'undefined');
});

test('the code is made by proxies with a control plane, taken, and of no use to other sources or other flags', async () => {
  execFileSync(process.execPath, ['scripts/merged/code-cache.ts', folder], { cwd: root, stdio: 'pipe' });
  const [code] = filesOf('.code');
  const file = code!.replace(/\.v.*$/, '.cjs');
  assert.match(code!, new RegExp(`^run-[0-9a-f]{16}\\.${process.version}-${process.arch}\\.code$`));
  assert.equal((await run()).get(file), 'false', 'V8 takes it');
  // Sizes of V8's heap are no matter; what changes its code is.
  assert.equal((await run(['--max-semi-space-size=2', '--max-old-space-size=200'])).get(file), 'false');
  assert.equal(
    (await run(['--no-opt'])).get(file),
    'true',
    'V8 refuses it, and the proxy starts all the same',
  );
  // Cut off, as by a full disk.
  writeFileSync(join(proxy, code!), readFileSync(join(proxy, code!)).subarray(0, 50_000));
  assert.equal((await run()).get(file), 'true');
  writeFileSync(join(proxy, code!), '');
  assert.equal((await run()).get(file), 'true');
});

test('the name of a file holds the hash of its text', () => {
  const files = filesOf('.cjs').filter(name => /^(run|gateway|other)-[0-9a-f]{16}\.cjs$/.test(name));
  assert.equal(files.length, 3);
  for (const file of files) {
    const text = readFileSync(join(proxy, file), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n$/, '');
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    assert.ok(file.endsWith(`-${hash}.cjs`), file);
  }
});

test('the image gets sources and code; a proxy that is upgraded in place gets sources', () => {
  const [plain, full] = [join(folder, 'plain'), join(folder, 'full')];
  mkdirSync(join(folder, 'work'));
  symlinkSync(folder, join(folder, 'work/dist'));
  const copy = (...args: string[]) =>
    execFileSync(process.execPath, [join(root, 'scripts/image/programs.ts'), ...args], {
      cwd: join(folder, 'work'),
    });
  copy('--code', full, 'weft-proxy');
  copy(plain, 'weft-proxy');
  const ends = (at: string) =>
    [...new Set(readdirSync(join(at, 'proxy')).map(name => name.replace(/^.*\./, '')))].sort();
  assert.deepEqual(ends(full), ['cjs', 'code']);
  assert.deepEqual(ends(plain), ['cjs']);
  assert.deepEqual(readdirSync(plain).sort(), ['proxy', 'weft-proxy.mjs']);
});

test('a proxy that is upgraded in place runs what it was given', async () => {
  const packed = packProgram(folder, '1.2.3')!;
  const entry = unpackProgram(
    packed.bytes,
    packed.digest,
    join(folder, 'upgrade'),
    join(root, 'node_modules'),
  );
  const [file] = (await run([], entry)).keys();
  assert.match(file!, /^run-/);
});
