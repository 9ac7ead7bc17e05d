import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../config/index.ts';

const main = new URL('./weft.ts', import.meta.url).pathname;
const pod = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n';

function weft(
  args: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], { input, encoding: 'utf8' });
}

test('without arguments it shows what there is and where to start', () => {
  const { status, stdout } = weft([]);
  assert.equal(status, 0);
  assert.match(stdout, /Weft in a cluster:\n {2}install /);
  assert.match(stdout, /Start here:\n/);
});

test('help of one command is the whole of it, in both ways of asking', () => {
  for (const args of [
    ['inject', '--help'],
    ['help', 'inject'],
  ]) {
    assert.match(weft(args).stdout, /--native-sidecar/);
  }
});

test('an unknown command is an error with a suggestion', () => {
  const { status, stderr } = weft(['injct']);
  assert.equal(status, 1);
  assert.match(stderr, /Did you mean inject\?/);
});

test('the help of a command that does not exist is an error too, however it is asked for', () => {
  for (const args of [
    ['bogus', '--help'],
    ['bogus', '-h'],
    ['help', 'bogus'],
    ['--help', 'bogus'],
    ['bogus', '--version'],
  ]) {
    const { status, stdout, stderr } = weft(args);
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /unknown command 'bogus'/);
  }
  for (const args of [['--help'], ['help'], ['help', 'check'], ['check', '--help'], ['--version']])
    assert.equal(weft(args).status, 0, args.join(' '));
});

test('version prints the version', () => {
  assert.equal(weft(['version', '--short']).stdout, `${VERSION}\n`);
});

test('inject reads stdin, writes stdout, reports on stderr, and uninject undoes it', () => {
  const injected = weft(['inject', '-'], pod);
  assert.equal(injected.status, 0);
  assert.match(injected.stdout, /- name: weft-proxy\n/);
  assert.equal(
    injected.stderr,
    'injected   Pod web.default (stdin:1)\n1 injected, 0 skipped, 0 without pods\n',
  );
  const back = weft(['uninject', '-q'], injected.stdout);
  assert.equal(back.stdout, pod);
  assert.equal(back.stderr, '');
});

test('bad input leaves stdout empty and exits with 1', () => {
  const { status, stdout, stderr } = weft(['inject'], `${pod}---\na: [\n`);
  assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
  assert.match(stderr, /^error {6}stdin:\d+:\d+: /);
});

test('files and folders are read by name, and a missing one is named', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.match(weft(['inject', folder]).stderr, /cannot read .*: no \*\.yaml/);
  writeFileSync(join(folder, 'b.yaml'), pod);
  writeFileSync(join(folder, 'a.yml'), 'kind: Service\napiVersion: v1\n');
  const { stdout, stderr } = weft(['inject', '-f', folder, '--native-sidecar']);
  assert.ok(stdout.startsWith('kind: Service\napiVersion: v1\n---\napiVersion: v1\nkind: Pod\n'));
  assert.match(stdout, /restartPolicy: Always/);
  assert.match(stderr, /b\.yaml:1/);
  const missing = weft(['inject', join(folder, 'none.yaml')]);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /^error: cannot read .*none\.yaml: no such file or directory\n$/);
});
