import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaticMesh } from '../testing/static-mesh.ts';

test('a scan of all ports leaves a bounded number of them, and neither those that are named nor those in use go', t => {
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const service = { host: 'app', name: 'app', namespace: 'default' };
  const ports = [{ number: 8080, protocol: 'http' as const, mtls: 'strict' as const, service }];
  const { inboundPorts } = mesh.proxy('app', { ports }).plane;
  const named = inboundPorts.find('10.0.0.1', 8080);
  const busy = inboundPorts.find('10.0.0.1', 9090);
  const [cluster] = [...inboundPorts.clusters].filter(({ config }) => config.name.endsWith(':9090'));
  cluster!.occupancy.connections++;
  const idle = inboundPorts.find('10.0.0.1', 7);
  for (let port = 1; port <= 65_535; port++) inboundPorts.find('10.0.0.1', port);
  assert.equal([...inboundPorts.clusters].length, 1024);
  assert.equal(inboundPorts.find('10.0.0.1', 8080), named);
  assert.equal(inboundPorts.find('10.0.0.1', 9090), busy);
  assert.notEqual(inboundPorts.find('10.0.0.1', 7), idle);
  cluster!.occupancy.connections--;
});
