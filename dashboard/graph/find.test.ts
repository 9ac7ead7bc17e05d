import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW_MS, shopEdges, shopView } from '../../src/dashboard/testing/shop-view.ts';
import { readFind } from './find.ts';
import { graphOf } from './model.ts';

const figures = { atMs: NOW_MS, seconds: 10, asked: 9, answered: 9, edges: shopEdges(), pods: [] };
const shown = { namespace: '', versions: false, idle: true, closed: new Set<string>() };
const model = graphOf(shopView(), figures, shown);

function found(text: string): { nodes: string[]; links: string[] } {
  const finder = readFind(text);
  assert.ok(typeof finder === 'object', String(finder));
  return {
    nodes: model.nodes.filter(each => finder.node(each)).map(each => each.label),
    links: model.links.filter(each => finder.link(each)).map(each => each.id),
  };
}

test('finds by a part of the name, by namespace, and by what is not', () => {
  assert.deepEqual(found('rat').nodes, ['ratings']);
  assert.deepEqual(found('ns:back-office').nodes, ['reports']);
  assert.deepEqual(found('ns:shop -re -st -ca -loadgen').nodes, ['ratings']);
});

test('finds nodes and links by their figures', () => {
  assert.deepEqual(found('errors>10%').nodes, ['ratings']);
  assert.deepEqual(found('errors>10%').links, ['shop/reviews>shop/ratings']);
  assert.deepEqual(found('p99>=0.5s').links, ['shop/reviews>shop/ratings']);
  assert.deepEqual(found('rps<5 mtls:no').links, ['back-office/reports>shop/catalog']);
  assert.deepEqual(found('protocol:tcp').links, ['shop/cart>shop/stock']);
});

test('what holds of neither is not found by its opposite either', () => {
  // Names are no matter of links: neither `cart` nor `-cart` means one.
  assert.deepEqual(found('cart').links, []);
  assert.deepEqual(found('-cart').links, []);
});

test('what cannot be read is told with an example, and nothing means nothing', () => {
  assert.equal(readFind('  '), undefined);
  assert.match(String(readFind('errors>')), /errors>1%/);
  assert.match(String(readFind('colour:red')), /there are ns:/);
});
