import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEndpoint, EndpointsResource } from '../model/index.ts';
import { applyEndpointsChange, endpointsChange } from './endpoints-change.ts';

const peer = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };

function set(...endpoints: (readonly [address: string, port: number, zone?: string])[]): EndpointsResource {
  const sorted = endpoints.map(([address, port, zone]): ClusterEndpoint => {
    return { address, port, tls: 'plaintext', peer, ...(zone !== undefined && { zone }) };
  });
  sorted.sort((left, right) =>
    left.address < right.address ? -1 : left.address > right.address ? 1 : left.port - right.port,
  );
  return { kind: 'endpoints', key: 'c', endpoints: sorted, total: sorted.length };
}

test('a change turns the set before into the set after, over random sets', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const draw = (): EndpointsResource => {
    const chosen = new Map<string, readonly [string, number, string]>();
    for (let count = random(12); count > 0; count--) {
      const [address, port] = [`10.0.0.${random(8)}`, 80 + random(2)];
      chosen.set(`${address} ${port}`, [address, port, `z${random(2)}`]);
    }
    return set(...chosen.values());
  };
  let changes = 0;
  for (let round = 0; round < 2_000; round++) {
    const [before, after] = [draw(), draw()];
    const change = endpointsChange(before, after);
    if (!change) continue;
    changes++;
    assert.deepEqual(applyEndpointsChange(before, change), after);
    assert.ok(change.put.length + change.remove.length < after.endpoints.length);
  }
  assert.ok(changes > 100, `${changes} of 2000 were worth a change`);
});

test('where a change would be no shorter there is none', () => {
  assert.equal(endpointsChange(set(['a', 1], ['b', 1]), set(['c', 1], ['d', 1])), undefined);
  assert.equal(endpointsChange(set(['a', 1]), set()), undefined);
});

test('a change that removes what is not there is noticed', () => {
  assert.equal(
    applyEndpointsChange(set(['a', 1]), { key: 'c', put: [], remove: ['b:1'], total: 0 }),
    undefined,
  );
});
