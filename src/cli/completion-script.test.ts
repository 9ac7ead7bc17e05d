import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Command, Option } from 'commander';
import { completionScript } from './completion-script.ts';

function program(): Command {
  const made = new Command('weft').version('1');
  made
    .command('install')
    .summary("what's needed")
    .addOption(new Option('--policy <p>', 'a: b').choices(['Ignore', 'Fail']));
  const sandbox = made.command('sandbox').description('a mesh here');
  sandbox.command('up').option('-n, --name <name>', 'its name');
  return made;
}

/** What bash offers for the words, the last of which is being typed. */
function offered(...words: string[]): string[] {
  const quoted = ['weft', ...words].map(word => `'${word}'`).join(' ');
  const script = `${completionScript('bash', program())}
COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; cd /proc/self/fdinfo; _weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

test('bash completes commands, flags and values', () => {
  assert.deepEqual(offered(''), ['install', 'sandbox', '--version', '-V', '--help']);
  assert.deepEqual(offered('in'), ['install']);
  assert.deepEqual(offered('sandbox', ''), ['up', '--help']);
  assert.deepEqual(offered('sandbox', 'up', '--'), ['--name', '--help']);
  assert.deepEqual(offered('install', '--policy', ''), ['Ignore', 'Fail']);
  assert.deepEqual(offered('install', '--policy', 'F'), ['Fail']);
});

test('zsh and fish know every command and flag, with texts that are quoted right', () => {
  const zsh = completionScript('zsh', program());
  assert.match(zsh, /'install:what'\\''s needed'/);
  assert.match(zsh, /'--policy:a\\: b'/);
  assert.match(zsh, /'sandbox up'\)/);
  const fish = completionScript('fish', program());
  assert.match(fish, /-a 'install' -d 'what'\\''s needed'/);
  assert.match(fish, /-l policy -x -a 'Ignore Fail'/);
  assert.match(fish, /__fish_seen_subcommand_from sandbox; and __fish_seen_subcommand_from up' -l name -r/);
});
