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

test('callers whose addresses are kept have connections of their own, share the rate limits, and are not too many', t => {
  const mesh = new StaticMesh();
  t.after(() => mesh.close());
  const service = { host: 'app', name: 'app', namespace: 'default' };
  const limit = {
    bucket: { maxTokens: 2, perFill: 2, fillIntervalMs: 60_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
  };
  const ports = [
    { number: 8080, protocol: 'http' as const, mtls: 'strict' as const, service, rateLimits: [limit] },
  ];
  const { inboundPorts } = mesh.proxy('app', { ports }).plane;
  const [ada, bob] = ['10.0.0.8', '10.0.0.9'].map(caller => inboundPorts.find('10.0.0.1', 8080, caller));
  assert.equal(inboundPorts.find('10.0.0.1', 8080, '10.0.0.8'), ada);
  const clusterOf = (port: typeof ada) => port!.destination.tcp.pick();
  assert.notEqual(clusterOf(ada), clusterOf(bob));
  assert.equal(ada!.destination.resource.key, '10.0.0.1:8080');
  const limitsOf = (port: typeof ada) => port!.destination.routes[0]!.limits;
  assert.equal(limitsOf(ada)[0], limitsOf(bob)[0]);
  for (let i = 0; i < 5000; i++) inboundPorts.find('10.0.0.1', 8080, `10.1.${i >> 8}.${i & 255}`);
  assert.equal([...inboundPorts.clusters].length, 1024);
});
