import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { headOf } from './flags.ts';

const root = join(import.meta.dirname, '..');
const run = (program: string, ...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' });

test('a word that a program of the bench does not take is one line with what it takes', () => {
  for (const [word, what] of [
    ['--rouds', "Unknown option '--rouds'"],
    ['hop', "Unexpected argument 'hop'"],
    ['--rounds', "Option '--rounds <value>' argument missing"],
  ] as const) {
    const { status, stdout, stderr } = run('bench/run.ts', word);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.ok(stderr.startsWith(`bench/run.ts: ${what}; it takes --scenario, --quick`), stderr);
    assert.match(stderr, /\(node bench\/run\.ts --help\)$/m);
  }
});

test('--help says how a program is called', () => {
  const { status, stdout, stderr } = run('bench/run.ts', '--quick', '--help');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^The bench: .*\n {2}node bench\/run\.ts \[--scenario/);
});

test('every program of the bench that has options begins with how it is called', () => {
  const programs = globSync('bench/**/*.ts', { cwd: root }).filter(file => {
    if (file.endsWith('.test.ts')) return false;
    const text = readFileSync(join(root, file), 'utf8');
    // scale/ checks its options itself.
    assert.ok(!text.includes('= parseArgs(') || file.startsWith('bench/scale/'), `${file}: use readFlags`);
    return text.includes('= readFlags(');
  });
  assert.ok(programs.length > 10);
  for (const program of programs)
    assert.ok(headOf(readFileSync(join(root, program), 'utf8')).includes(`  node ${program}`), program);
});
