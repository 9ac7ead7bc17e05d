import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandOf, findWorkingDir } from './command.ts';

test('command and args are one line, node is the Node that runs the sandbox', () => {
  const found = commandOf(
    { name: 'app', command: ['node', 'a.ts'], args: ['--who', '$(WHO)'] },
    undefined,
    { WHO: 'me' },
    '/bin/node24',
  );
  assert.deepEqual(found, { command: ['/bin/node24', 'a.ts', '--who', 'me'] });
});

test("an image of Weft's own runs its program, with or without the program's name as the command", () => {
  const program = ['/bin/node24', 'weft-proxy.ts'];
  assert.deepEqual(commandOf({ name: 'p', args: ['run'] }, program, {}, 'node'), {
    command: [...program, 'run'],
  });
  assert.deepEqual(commandOf({ name: 'p', command: ['weft-proxy', 'wait'] }, program, {}, 'node'), {
    command: [...program, 'wait'],
  });
});

test('a container without a command says what to do', () => {
  const found = commandOf({ name: 'app', image: 'nginx' }, undefined, {}, 'node');
  assert.match(
    'problem' in found ? found.problem : '',
    /container app has no command, and the sandbox runs no images \(nginx\); give it one/,
  );
});

test('a working directory is relative, mapped, real, or found by its last parts', context => {
  const root = mkdtempSync(join(tmpdir(), 'weft-dir-'));
  context.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'shop/kubernetes'), { recursive: true });
  mkdirSync(join(root, 'src'));
  const baseDir = join(root, 'shop/kubernetes');
  const find = (wanted: string | undefined, map: [string, string][] = []) => {
    const found = findWorkingDir(wanted, { baseDir, pathMap: new Map(map) });
    return 'path' in found ? found.path : found.problem;
  };
  assert.equal(find(undefined), baseDir);
  assert.equal(find('../../src'), join(root, 'src'));
  assert.equal(find('/nowhere/src', [['/nowhere', root]]), join(root, 'src'));
  assert.equal(
    find('/nowhere', [
      ['/nowhere', root],
      ['/now', '/tmp'],
    ]),
    root,
  );
  assert.equal(find('/usr'), '/usr');
  assert.equal(find('/image/shop'), join(root, 'shop'));
  assert.match(
    find('/image/absent'),
    /its workingDir \/image\/absent does not exist .* --map \/image\/absent=FOLDER/,
  );
});
