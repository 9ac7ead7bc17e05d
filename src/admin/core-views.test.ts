import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeConfigs, mergeListeners } from './core-views.ts';

test("destinations of all cores are told, once each; the rest is the first core's", () => {
  const own = { self: { pod: 'a' }, inbound: null, destinations: [{ key: 'a:80', from: 0 }] };
  const other = {
    self: { pod: 'b' },
    inbound: {},
    destinations: [
      { key: 'a:80', from: 1 },
      { key: 'b:80', from: 1 },
    ],
  };
  assert.deepEqual(mergeConfigs(own, [other, other]), {
    ...own,
    destinations: [
      { key: 'a:80', from: 0 },
      { key: 'b:80', from: 1 },
    ],
  });
  assert.deepEqual(mergeConfigs(own, []), own);
});

test('open connections of a listener are those of all cores; ports of the first alone stay as they are', () => {
  const listener = (name: string, openConnections: number) => ({ name, port: 1, openConnections });
  assert.deepEqual(
    mergeListeners(
      [listener('outbound', 2), listener('inbound', 0), { name: 'admin', port: 2 }],
      [[listener('outbound', 3), listener('inbound', 1)], [listener('outbound', 1)]],
    ),
    [listener('outbound', 6), listener('inbound', 1), { name: 'admin', port: 2 }],
  );
});
