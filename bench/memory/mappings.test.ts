import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { test } from 'node:test';
import { byKind, KINDS, privateByKind, readMappings } from './mappings.ts';

const node = '/usr/local/bin/node';

/** A mapping as the kernel writes it. */
function lines(range: string, permissions: string, path: string, cleanKb: number, dirtyKb: number): string {
  return `${range} ${permissions} 00000000 00:00 0                          ${path}
Size:                132 kB
Shared_Clean:         64 kB
Private_Clean:  ${cleanKb} kB
Private_Dirty:  ${dirtyKb} kB
VmFlags: rd wr mr mw me ac
`;
}

test('each mapping counts once, for the kind that it is', () => {
  const text = [
    lines('00400000-00500000', 'r-xp', node, 3, 0),
    lines('00500000-00600000', 'r--p', node, 0, 40),
    lines('00600000-00700000', 'rw-p', node, 0, 5),
    lines('00700000-00710000', 'rw-p', '', 0, 7),
    lines('01000000-02000000', 'rw-p', '[heap]', 0, 100),
    lines('7f0000000000-7f0000100000', 'rw-p', '', 1, 10),
    lines('7f0004000000-7f0004200000', 'rw-p', '', 0, 200),
    lines('7f0004200000-7f0008000000', '---p', '', 0, 0),
    lines('7f0009000000-7f0009001000', '---p', '', 0, 0),
    lines('7f0009001000-7f0009801000', 'rw-p', '', 0, 9),
    lines('7f000a000000-7f000a100000', 'rwxp', '', 0, 50),
    lines('7f000b000000-7f000b100000', 'rw-p', '/lib/libc.so.6', 0, 2),
    lines('7ffc00000000-7ffc00021000', 'rw-p', '[stack]', 0, 11),
  ].join('');
  assert.deepEqual(byKind(readMappings(text), node), {
    'v8 and large blocks': 11,
    'compiled code': 50,
    'malloc: main heap': 100,
    'malloc: arenas': 200,
    stacks: 20,
    'node: data and relocations': 52,
    'node: code': 3,
    libraries: 2,
    'other files': 0,
  });
});

test('of this process the kinds add up to what the kernel says of it as a whole', () => {
  const kinds = privateByKind(process.pid, realpathSync(process.execPath));
  const sum = KINDS.reduce((total, kind) => total + kinds[kind], 0);
  const rollup = readFileSync('/proc/self/smaps_rollup', 'latin1');
  let whole = 0;
  for (const [, kb] of rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)) whole += Number(kb);
  assert.ok(Math.abs(sum - whole) < whole / 4, `${sum} and ${whole} kB`);
  assert.ok(kinds['v8 and large blocks'] > 4_000 && kinds['malloc: main heap'] > 500, JSON.stringify(kinds));
});
