// The images are bundled from what their Dockerfiles copy: an import of anything else builds here and fails there.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

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
