import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largeView } from '../testing/large-view.ts';
import { edge, shopEdges, shopView } from '../testing/shop-view.ts';
import { grouped, groupedEdges } from './grouping.ts';

const none: ReadonlySet<string> = new Set();

test('a mesh of the usual size is told whole', () => {
  const shop = shopView();
  assert.equal(grouped(shop, none), shop);
  assert.deepEqual(groupedEdges(shopEdges(), shop, none), shopEdges());
});

test('10,000 workloads are 400 namespaces, and those of one that is opened', () => {
  const { mesh, edges } = largeView(10_000);
  const closed = grouped(mesh, none);
  assert.deepEqual([closed.grouped, closed.namespaces.length, closed.workloads.length], [true, 400, 0]);
  const open = grouped(mesh, new Set(['team-7']));
  assert.deepEqual([open.workloads.length, open.services.length], [25, 25]);
  const told = groupedEdges(edges, mesh, new Set(['team-7']));
  const ends = new Set(told.flatMap(each => [each.from, each.to]));
  for (const end of ends) assert.ok(end.endsWith('/*') || end.startsWith('team-7/'), end);
  assert.ok(told.length < edges.length / 2, `${told.length} of ${edges.length}`);
});

test('edges of closed namespaces add up', () => {
  const { mesh } = largeView(2_000);
  const edges = [
    edge('team-0/a', 'team-1/b', { rps: 1, errors: 1, p99: 5, flags: { UF: 1 } }),
    edge('team-0/c', 'team-1/d', { rps: 3, mtls: 0, p99: 50, flags: { UF: 2 } }),
    edge('team-0/a', 'team-0/c'),
    edge('unknown', 'team-1/b', { rps: 2 }),
  ];
  const told = groupedEdges(edges, mesh, none);
  assert.deepEqual(
    told.map(({ from, to, rps, errors, mtls, p99, flags }) => [from, to, rps, errors, mtls, p99, flags]),
    [
      ['team-0/*', 'team-1/*', 4, 1, 0.25, 50, { UF: 3 }],
      ['unknown', 'team-1/*', 2, 0, 1, 23, {}],
    ],
  );
});
