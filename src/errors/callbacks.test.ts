// Whoever lets the outside call it says in docs/callbacks.md what happens when that goes wrong.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
/** Ways to be called by others than ourselves. Deadlines and clocks are guarded where they run. */
const registrations =
  /(?<![#.\w])(?:setImmediate|queueMicrotask|setTimeout|setInterval|lookup|createServer)\(|\bFSWatcher\b|\.(?:oncomplete|onread|onconnection) =|\b(?:process|socket|server|request|response|stream|session|secure|call|watcher|worker|child|port|first|destination)\.(?:on|once)\(\s*'/;
/** Command line and sandbox are programs that end with an error of theirs; tests are no part of a process. */
const outside =
  /\.test\.ts$|\/testing\/|^src\/(?:sandbox|cli)\/|^src\/time\/fake-clock\.ts$|^src\/main\/weft\.ts$|^src\/errors\/internal\.ts$|interface\.ts$/;

test('every file that registers callbacks stands in docs/callbacks.md with its guard', () => {
  const page = readFileSync(join(root, 'docs/callbacks.md'), 'utf8');
  const missing: string[] = [];
  let found = 0;
  for (const file of globSync('{src,webhook}/**/*.ts', { cwd: root })) {
    if (outside.test(file)) continue;
    const code = readFileSync(join(root, file), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    if (!registrations.test(code)) continue;
    found++;
    const named =
      page.includes(file) || page.includes(`${dirname(file)}/ `) || page.includes(`${dirname(file)}/,`);
    const besides =
      page.includes(`${dirname(file)}/`) &&
      new RegExp(`[ ,]${basename(file).replace('.', '\\.')}\\b`).test(page);
    if (!named && !besides) missing.push(file);
  }
  assert.deepEqual(missing, [], 'guard the callback (errors/internal.ts) and add a row');
  assert.ok(found > 25, `${found} files found`);
});
