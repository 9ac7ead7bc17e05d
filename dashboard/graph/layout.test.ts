import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextInDirection } from './direction.ts';
import { type Box, layOut } from './layout.ts';

const apart = (a: Box, b: Box): boolean =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

const input = {
  nodes: [
    ...['a', 'b', 'c', 'alone'].map(id => ({ id, group: 'shop' })),
    ...['d', 'e'].map(id => ({ id, group: 'office' })),
    { id: 'unknown', group: '' },
  ],
  links: [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'a'],
    ['c', 'c'],
    ['d', 'b'],
    ['unknown', 'a'],
  ] as const,
};

test('no node lies on another, each lies in its namespace, and no namespace lies on another', () => {
  const { nodes, groups, width, height } = layOut(input);
  const all = Object.entries(nodes);
  assert.equal(all.length, 7);
  for (const [id, box] of all) {
    for (const [other, second] of all) assert.ok(id === other || apart(box, second), `${id} on ${other}`);
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, id);
  }
  assert.deepEqual(Object.keys(groups).sort(), ['office', 'shop']);
  assert.ok(apart(groups.office!, groups.shop!));
  for (const { id, group } of input.nodes)
    if (group !== '') assert.ok(!apart(nodes[id]!, groups[group]!), id);
});

test('who calls stands before who is called', () => {
  const { nodes } = layOut({
    nodes: input.nodes,
    links: [
      ['a', 'b'],
      ['b', 'c'],
    ],
  });
  assert.ok(nodes.a!.x < nodes.b!.x && nodes.b!.x < nodes.c!.x);
});

test('the same input gives the same picture, and nothing gives none', () => {
  assert.deepEqual(layOut(input), layOut(structuredClone(input)));
  assert.deepEqual(layOut({ nodes: [], links: [] }), {
    nodes: {},
    groups: {},
    links: {},
    width: 0,
    height: 0,
  });
});

test('arrow keys go to the nearest in their direction', () => {
  const at = (x: number, y: number): Box => ({ x, y, width: 10, height: 10 });
  const boxes = {
    here: at(0, 0),
    right: at(100, 5),
    farRight: at(300, 0),
    below: at(5, 80),
    aside: at(60, 90),
  };
  assert.equal(nextInDirection(boxes, 'here', [1, 0]), 'right');
  assert.equal(nextInDirection(boxes, 'here', [0, 1]), 'below');
  assert.equal(nextInDirection(boxes, 'farRight', [-1, 0]), 'right');
  assert.equal(nextInDirection(boxes, 'here', [-1, 0]), undefined);
  assert.equal(nextInDirection(boxes, 'gone', [1, 0]), undefined);
});
