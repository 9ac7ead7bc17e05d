import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProfile, selfTimes } from './cpu-profile.ts';
import { flameGraph } from './flame-graph.ts';

const frame = (functionName: string, url = ''): object => ({
  functionName,
  url,
  lineNumber: 0,
  columnNumber: 0,
});
const profile = JSON.stringify({
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 4] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('serve', 'node:net'), children: [5] },
    { id: 4, callFrame: frame('write', 'node:net') },
    { id: 5, callFrame: frame('write', 'node:net') },
  ],
  samples: [2, 3, 5, 4, 5],
  timeDeltas: [1000, 10, 20, 30, 40],
});

test('idle time does not count, and a function counts wherever it was called from', () => {
  const tree = readProfile(profile);
  assert.equal(tree.total, 100);
  assert.deepEqual(
    selfTimes([tree])
      .slice(0, 2)
      .map(({ name, amount }) => [name, amount]),
    [
      ['write', 90],
      ['serve', 10],
    ],
  );
});

test('the flame graph has a box for each call, as wide as its time, and escapes names', () => {
  const svg = flameGraph([readProfile(profile.replaceAll('serve', '<serve>'))], 'a & b');
  assert.match(svg, /a &amp; b: 0\.0 s/);
  assert.match(svg, /<title>&lt;serve&gt; node:net 70\.0 %<\/title><rect [^>]*width="839\.5"/);
  assert.equal(svg.match(/<rect /g)!.length, 5, 'background, root, serve, two writes');
});
