import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config } from '../../cluster/testing/clusters.ts';
import { DEFAULT_RETRY, type DestinationResource } from '../../model/index.ts';
import { pinOriginalDestination } from './original-destination.ts';

test('every mention of a cluster without addresses of its own is given the address that was called', () => {
  const mirrors = [{ cluster: 'wild:443', percent: 100 }];
  const resource: DestinationResource = {
    kind: 'destination',
    key: '192.0.2.7:443',
    found: 'service',
    host: '*.example.com',
    port: 443,
    protocol: 'auto',
    routes: [
      {
        name: 'r',
        action: { kind: 'forward', clusters: [{ cluster: 'wild:443', weight: 1, mirrors }] },
        mirrors,
        timeoutMs: 0,
        idleTimeoutMs: 0,
        retry: DEFAULT_RETRY,
      },
    ],
    tcp: [{ cluster: 'wild:443', weight: 1 }],
    tls: [{ serverNames: ['a.example.com'], clusters: [{ cluster: 'wild:443', weight: 1 }] }],
    clusters: [{ ...config({}, 'wild:443'), originalDestination: true }],
  };
  const pinned = pinOriginalDestination(resource);
  assert.equal(JSON.stringify(pinned.resource).split('"wild:443@192.0.2.7:443"').length - 1, 6);
  assert.doesNotMatch(JSON.stringify(pinned.resource), /"wild:443"/);
  assert.deepEqual(
    pinned.endpoints.map(each => each.key),
    ['wild:443@192.0.2.7:443'],
  );
});
