import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Registry } from '../../registry/index.ts';
import { FakeClock, systemClock } from '../../time/index.ts';
import { FilesSource } from './files-source.ts';

function service(name: string, port = 80): string {
  return `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n  - port: ${port}\n`;
}

interface Setup {
  readonly folder: string;
  readonly source: FilesSource;
  readonly registry: Registry;
  readonly stop: AbortController;
  names(): string[];
  write(file: string, text: string): Promise<void>;
}

async function setUp(context: TestContext, files: Record<string, string>): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-files-'));
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  });
  const write = (file: string, text: string): Promise<void> => writeFile(join(folder, file), text);
  for (const [file, text] of Object.entries(files)) await write(file, text);
  const clock = new FakeClock();
  const registry = new Registry({ clock });
  const source = new FilesSource({ folder, clock });
  await source.start(registry.of(source), stop.signal);
  const names = (): string[] => [...registry.list('Service')].map(each => each.object.metadata.name).sort();
  return { folder, source, registry, stop, names, write };
}

test('reads every yaml and json file of the folder and below, and nothing else', async context => {
  const { folder, source, names } = await setUp(context, {
    'a.yaml': service('a'),
    'b.yml': service('b'),
    'c.json': '{"apiVersion":"v1","kind":"Service","metadata":{"name":"c"}}',
    'readme.txt': service('no'),
    '.hidden.yaml': service('no'),
  });
  await mkdir(join(folder, 'deep/er'), { recursive: true });
  await writeFile(join(folder, 'deep/er/d.yaml'), service('d'));
  await symlink(join(folder, 'nowhere'), join(folder, 'dangling.yaml'));
  await source.refresh();
  assert.deepEqual(names(), ['a', 'b', 'c', 'd']);
  assert.deepEqual(source.problems(), []);
});

test('follows edits, new files and removals', async context => {
  const { folder, source, registry, names, write } = await setUp(context, { 'a.yaml': service('a') });
  await write('a.yaml', service('a', 8080));
  await write('b.yaml', service('b'));
  await source.refresh();
  assert.deepEqual(names(), ['a', 'b']);
  const changed = registry.get('Service', 'default/a')!.object.spec as { ports: { port: number }[] };
  assert.equal(changed.ports[0]!.port, 8080);
  await rm(join(folder, 'a.yaml'));
  await source.refresh();
  assert.deepEqual(names(), ['b']);
});

test('an unreadable file keeps its last good objects until it is mended', async context => {
  const { source, names, write } = await setUp(context, { 'a.yaml': service('a'), 'b.yaml': service('b') });
  await write('a.yaml', 'kind: [');
  await source.refresh();
  assert.deepEqual(names(), ['a', 'b']);
  assert.match(source.problems()[0]!.message, /^a\.yaml:\d+: /);
  await write('a.yaml', service('mended'));
  await source.refresh();
  assert.deepEqual(names(), ['b', 'mended']);
  assert.deepEqual(source.problems(), []);
});

test('a file that is empty for a moment loses nothing, one that stays empty does', async context => {
  const { source, names, write } = await setUp(context, { 'a.yaml': service('a') });
  await write('a.yaml', '');
  await source.refresh();
  assert.deepEqual(names(), ['a']);
  await source.refresh();
  assert.deepEqual(names(), []);
});

test('a folder that vanishes keeps what it held, and is read again when it returns', async context => {
  const { folder, source, names } = await setUp(context, { 'a.yaml': service('a') });
  await rename(folder, `${folder}.away`);
  await source.refresh();
  assert.deepEqual(names(), ['a']);
  assert.equal(source.problems()[0]!.code, 'source-folder-unreadable');
  await rename(`${folder}.away`, folder);
  await writeFile(join(folder, 'b.yaml'), service('b'));
  await source.refresh();
  assert.deepEqual([names(), source.problems()], [['a', 'b'], []]);
});

test('of duplicates the first counts and the second is named with both places', async context => {
  const { source, registry } = await setUp(context, { 'a.yaml': service('x', 1), 'b.yaml': service('x', 2) });
  assert.equal(registry.get('Service', 'default/x')!.ref.origin, 'a.yaml:1');
  assert.deepEqual(
    source.problems().map(each => each.message),
    ['b.yaml:1: Service default/x stands in a.yaml:1 too, and that one counts; remove one of them'],
  );
});

test('a folder that is missing at the start is an error with its remedy', async () => {
  const clock = new FakeClock();
  const source = new FilesSource({ folder: '/nonexistent/weft', clock });
  await assert.rejects(source.start(new Registry({ clock }).of(source), new AbortController().signal), {
    code: 'source-folder-unreadable',
    message: /create it/,
  });
  assert.equal(clock.pending, 0);
});

test('notices by itself a file that an editor replaces, and a file in a new subfolder', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-files-'));
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  });
  await writeFile(join(folder, 'a.yaml'), service('a'));
  const registry = new Registry({ clock: systemClock, quietMs: 0 });
  // Rescans are out of reach, so that only watching can have noticed.
  const source = new FilesSource({ folder, clock: systemClock, quietMs: 5, rescanMs: 3_600_000 });
  await source.start(registry.of(source), stop.signal);
  const has = (name: string): Promise<void> =>
    new Promise(resolve => {
      const unsubscribe = registry.subscribe(() => {
        if (!registry.get('Service', `default/${name}`)) return;
        setImmediate(() => unsubscribe());
        resolve();
      });
    });
  // Timers of the system clock do not keep a process alive, and nothing else does while this test waits.
  const alive = setInterval(() => {}, 1000);
  context.after(() => clearInterval(alive));
  for (const name of ['b', 'c']) {
    const seen = has(name);
    await writeFile(join(folder, '.a.yaml.swp'), service(name));
    await rename(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'));
    await seen;
  }
  const seen = has('deep');
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub/deep.yaml'), service('deep'));
  await seen;
});
