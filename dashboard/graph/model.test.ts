import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageEdge } from '../../src/dashboard/contract.ts';
import { largeView } from '../../src/dashboard/testing/large-view.ts';
import { edge, NOW_MS, shopEdges, shopView } from '../../src/dashboard/testing/shop-view.ts';
import { type GraphOptions, graphOf } from './model.ts';

const shown: GraphOptions = { namespace: '', versions: false, idle: true, closed: new Set<string>() };
const figuresOf = (edges: readonly PageEdge[]) => ({
  atMs: NOW_MS,
  seconds: 10,
  asked: 9,
  answered: 9,
  edges,
  pods: [],
});
const shop = (options: Partial<GraphOptions> = {}, edges = shopEdges()) =>
  graphOf(shopView(), figuresOf(edges), { ...shown, ...options });

test('edges between the same two are one link, whose rates add up and whose slowest quantile stays', () => {
  const link = shop().links.find(each => each.id === 'shop/storefront>shop/reviews')!;
  assert.deepEqual([link.signals.rps, link.signals.p99, link.edges.length], [42.5, 210, 2]);
});

test('with versions each has a node of its own', () => {
  const { nodes, links } = shop({ versions: true });
  assert.deepEqual(
    nodes.filter(each => each.label === 'reviews').map(each => [each.id, each.pods]),
    [
      ['shop/reviews@v1', 1],
      ['shop/reviews@v2', 1],
    ],
  );
  assert.ok(links.some(each => each.to === 'shop/reviews@v2'));
});

test('a namespace is shown with those outside of it who talk to it', () => {
  const { nodes } = shop({ namespace: 'back-office' });
  assert.deepEqual(nodes.map(each => each.id).sort(), ['back-office/reports', 'shop/catalog']);
});

test('what is idle is there unless nobody wants it', () => {
  const quiet = [edge('shop/storefront', 'shop/cart', { rps: 0, sent: 0, received: 0 })];
  assert.deepEqual([shop({}, quiet).nodes.length, shop({}, quiet).links.length], [8, 1]);
  assert.deepEqual(shop({ idle: false }, quiet), { nodes: [], links: [] });
});

test('who is no workload is drawn as what is outside', () => {
  const { nodes } = shop({}, [edge('unknown', 'shop/cart'), edge('shop/cart', 'api.example.com')]);
  const outside = nodes.filter(each => each.kind === 'outside').map(each => each.label);
  assert.deepEqual(outside, ['unknown', 'api.example.com']);
});

test('how grave failures are follows their share', () => {
  const standing = Object.fromEntries(shop().nodes.map(each => [each.label, each.standing]));
  assert.deepEqual([standing.ratings, standing.storefront, standing.cart], ['error', 'warning', 'ok']);
});

test('of a grouped mesh namespaces are drawn, and workloads of those that are open', () => {
  const { mesh } = largeView(100);
  const open = mesh.workloads.filter(each => each.namespace === 'team-1');
  const { nodes } = graphOf({ ...mesh, grouped: true, workloads: open }, figuresOf([]), shown);
  const kinds = Map.groupBy(nodes, each => each.kind);
  assert.deepEqual(
    [kinds.get('namespace')?.map(each => each.label), kinds.get('workload')?.length],
    [['team-0', 'team-2', 'team-3'], 25],
  );
});
