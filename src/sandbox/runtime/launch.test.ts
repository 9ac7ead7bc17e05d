import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type LaunchSpec, launchContainer } from './launch.ts';
import { quote } from './quote.ts';

const machine = { realPath: (path: string) => path, mode: () => '755' };

function spec(more: Partial<LaunchSpec>): LaunchSpec {
  return {
    command: ['run', 'it is'],
    workingDir: '/srv',
    env: { A: "it's $HOME" },
    hostname: 'web-1',
    uid: 10_001,
    gid: 10_001,
    groups: [],
    mounts: [],
    netns: 'weft-a.shop-web-1',
    folder: '/pods/1',
    scratch: '/pods/1/scratch',
    readAnywhere: false,
    ...more,
  };
}

/** The last line of the script: what the process becomes. */
function becomes(more: Partial<LaunchSpec>): string {
  return launchContainer(spec(more), machine).script.trimEnd().split('\n').at(-1)!;
}

test('an app becomes its user with nothing it could gain rights by, and sees its own environment only', () => {
  assert.equal(
    becomes({}),
    `exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs env -i 'A=it'\\''s $HOME' run 'it is'`,
  );
});

test('root keeps what container engines leave it, and what the container adds', () => {
  const line = becomes({
    uid: 0,
    gid: 0,
    security: { capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'CAP_NET_RAW'] } },
  });
  assert.match(line, /--bounding-set=-all,\+net_admin,\+net_raw /);
  assert.match(becomes({ uid: 0, gid: 0 }), /--bounding-set=-all,\+chown,/);
  assert.doesNotMatch(becomes({ uid: 0, gid: 0, security: { privileged: true } }), /bounding-set/);
});

test('where a user could not read its own program, it gets the right to read and no other', () => {
  assert.match(
    becomes({ readAnywhere: true }),
    /--inh-caps=\+dac_read_search --ambient-caps=\+dac_read_search env/,
  );
});

test('without namespaces there is nothing but folder and environment', () => {
  const { script, command } = launchContainer(spec({ netns: undefined }), machine);
  assert.deepEqual(command, ['/bin/sh']);
  assert.equal(script, `set -e\nexec 3>&-\ncd /srv\nexec env -i 'A=it'\\''s $HOME' run 'it is'\n`);
});

test('quoted words come through sh as they are', () => {
  const words = ["it's", 'a b', '$HOME', '`id`', '\\', '"', '', '\n', 'plain-1.2/3'];
  const output = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`], {
    encoding: 'utf8',
  });
  assert.deepEqual(output.split('\0').slice(0, -1), words);
});
