// The images are bundled from what their Dockerfiles copy: an import of anything else builds here and fails there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, matchesGlob, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every file that the sources import or the build bundles, from the root. */
function imported(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of globSync('{src,webhook}/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts') || file.includes('/testing/')) continue;
    for (const [, path] of read(file).matchAll(/\b(?:from\s+|import\()'(\.[^']+)'/g))
      found.add(relative('.', join(dirname(file), path!)));
  }
  // The page of the dashboard: src/dashboard/assets/plugin.ts gives its entry points to the bundler.
  for (const file of globSync('dashboard/**/*.{ts,tsx,css}', { cwd: root }))
    if (!file.includes('.test.') && !file.includes('/testing/')) found.add(file);
  return found;
}

test('the Dockerfiles copy everything that the sources import, and .dockerignore lets it through', () => {
  const isIn = (file: string, folders: readonly string[]): boolean =>
    folders.some(each => file.startsWith(`${each}/`));
  const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path!);
  for (const dockerfile of ['Dockerfile.sidecar', 'Dockerfile.injector']) {
    const copied = [...read(dockerfile).matchAll(/^COPY (\S+) \1$/gm)].map(([, path]) => path!);
    const missing = [...imported()].filter(file => !isIn(file, copied) || !isIn(file, allowed));
    assert.deepEqual(missing, [], `${dockerfile} does not copy what is imported`);
  }
});

const dockerfiles = [
  ['Dockerfile.sidecar', 'weft-proxy.mjs'],
  ['Dockerfile.injector', 'weft-injector.mjs'],
] as const;

for (const [dockerfile, program] of dockerfiles) {
  test(`${dockerfile}: the programs are built from what it copies, and nothing else`, async context => {
    const place = mkdtempSync(join(tmpdir(), 'weft-image-'));
    context.after(() => rmSync(place, { recursive: true, force: true }));
    const text = read(dockerfile);
    const ignored = read('.dockerignore')
      .split('\n')
      .filter(line => line.startsWith('**/'));
    const isSent = (path: string): boolean => {
      const inside = relative(root, path);
      return !ignored.some(each => matchesGlob(inside, each) || basename(inside) === each.slice(3));
    };
    for (const [, path = ''] of text.matchAll(/^COPY (\S+) (?:\1|\.\/)$/gm))
      cpSync(join(root, path), join(place, 'build', path), { recursive: true, filter: isSent });
    cpSync(join(root, 'package.json'), join(place, 'build/package.json'));
    symlinkSync(join(root, 'node_modules'), join(place, 'build/node_modules'));
    const [, commands = ''] = /^RUN (node scripts\/build\.ts .*)$/m.exec(text) ?? [];
    assert.notEqual(commands, '');
    for (const command of commands.replaceAll('/opt/weft', join(place, 'weft')).split(' && ')) {
      const [node, ...args] = command.split(' ');
      assert.equal(node, 'node');
      await promisify(execFile)(process.execPath, args, { cwd: join(place, 'build') });
    }
    assert.ok(existsSync(join(place, 'weft', program)));
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(place, 'weft', program),
      '--version',
    ]);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
}
