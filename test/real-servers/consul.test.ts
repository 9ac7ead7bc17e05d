// Services found in a real Consul, named by WEFT_CONSUL or on PATH: as an upstream of a gateway, and as services of the mesh.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RunningGateway } from '../../src/main/testing/running-gateway.ts';
import { until } from '../../src/main/testing/running-proxy.ts';
import type { ConsulDiscovery } from '../../src/model/index.ts';
import { Registry } from '../../src/registry/index.ts';
import { ConsulSource } from '../../src/source/consul/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { NameLookup, type UpstreamStatus, Upstreams } from '../../src/upstreams/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { MANAGEMENT, RealConsul } from './consul-server.ts';

const program = process.env.WEFT_CONSUL || 'consul';
const skip = spawnSync(program, ['version']).status === 0 ? false : 'there is no consul here (WEFT_CONSUL)';

/** A Consul and a folder that go with the test. */
async function consulOf(t: TestContext, options: { readonly acl?: boolean } = {}): Promise<RealConsul> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-consul-'));
  const consul = await RealConsul.start(program, folder, options);
  t.after(async () => {
    await consul.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return consul;
}

/** An upstream that is found in Consul: its endpoints as they come, and what went wrong. */
function upstream(t: TestContext, consul: RealConsul, more: Partial<ConsulDiscovery> = {}) {
  let last: UpstreamStatus | undefined;
  const lookup = new NameLookup(async () => ({ kind: 'none', ttlMs: 1_000 }), {
    ...{ servers: [], search: [], ndots: 1, timeoutMs: 1_000, hosts: new Map() },
  });
  const upstreams = new Upstreams({ clock: systemClock, lookup }, status => {
    last = status;
  });
  t.after(() => upstreams.close());
  const discovery: ConsulDiscovery = {
    ...{ kind: 'consul', address: consul.url, service: 'api', onlyPassing: true, refreshMs: 1_000 },
    ...more,
  };
  upstreams.set([{ name: 'api', targets: [], keepTargets: false, discovery }]);
  const found = (): string =>
    last?.known === true
      ? last.endpoints
          .map(({ address, port, weight }) => `${address}:${port}*${weight}`)
          .sort()
          .join(' ')
      : 'unknown';
  return { found, failures: (): string => last?.failures.join('; ') ?? '' };
}

const is = (found: () => string, wanted: string): Promise<void> =>
  until(`${wanted} (last ${found()})`, () => found() === wanted);

test('instances by health, tag and datacenter, as they change', { skip }, async t => {
  const consul = await consulOf(t);
  const [all, passing, tagged, elsewhere] = [
    upstream(t, consul, { onlyPassing: false }),
    upstream(t, consul),
    upstream(t, consul, { tag: 'production', datacenter: 'dc1' }),
    upstream(t, consul, { datacenter: 'dc2' }),
  ];
  await is(passing.found, '');
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port: 80, tags: ['production'] });
  await consul.register({ id: 'b', name: 'api', address: '10.0.0.2', port: 81, status: 'critical' });
  await consul.register({ id: 'c', name: 'other', address: '10.0.0.3', port: 82 });
  await is(all.found, '10.0.0.1:80*1 10.0.0.2:81*1');
  await is(passing.found, '10.0.0.1:80*1');
  await is(tagged.found, '10.0.0.1:80*1');
  await consul.put('/v1/agent/check/pass/check-b');
  await is(passing.found, '10.0.0.1:80*1 10.0.0.2:81*1');
  await consul.put('/v1/agent/check/fail/check-a');
  await is(passing.found, '10.0.0.2:81*1');
  await is(tagged.found, '');
  await consul.put('/v1/agent/service/deregister/b');
  await is(passing.found, '');
  await until('another datacenter is no answer', () =>
    /answered 500 No path to datacenter/.test(elsewhere.failures()),
  );
  assert.equal(elsewhere.found(), 'unknown');
});

test('killed and started again, with and without its memory', { skip }, async t => {
  const consul = await consulOf(t);
  const { found, failures } = upstream(t, consul);
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port: 80 });
  // So that its index is far ahead of that of a new one.
  for (let port = 81; port < 120; port++)
    await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port });
  await is(found, '10.0.0.1:119*1');
  await consul.kill();
  await until('it is missed', () => failures() !== '');
  assert.equal(found(), '10.0.0.1:119*1');
  await consul.up();
  await until('it is found again', () => failures() === '');
  await is(found, '10.0.0.1:119*1');
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.2', port: 80 });
  await is(found, '10.0.0.2:80*1');
  // A server with nothing in it, whose index is lower.
  await consul.kill();
  consul.forget();
  await consul.up();
  await consul.register({ id: 'z', name: 'api', address: '10.0.0.9', port: 90 });
  await is(found, '10.0.0.9:90*1');
  await consul.register({ id: 'z', name: 'api', address: '10.0.0.9', port: 91 });
  await is(found, '10.0.0.9:91*1');
});

test('over TLS, as its authority says', { skip }, async t => {
  const consul = await consulOf(t);
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port: 80 });
  const { found } = upstream(t, consul, { address: consul.tlsUrl, caFile: consul.caFile });
  await is(found, '10.0.0.1:80*1');
  const stranger = upstream(t, consul, { address: consul.tlsUrl });
  await until('an unknown authority is named', () => /certificate/.test(stranger.failures()));
  assert.equal(stranger.found(), 'unknown');
});

test('with rules of access, by a token that is renewed in its file', { skip }, async t => {
  const consul = await consulOf(t, { acl: true });
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port: 80 });
  await consul.put('/v1/acl/policy', {
    Name: 'reader',
    Rules: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
  });
  const made = (await consul.put('/v1/acl/token', { Policies: [{ Name: 'reader' }] })) as {
    SecretID: string;
    AccessorID: string;
  };
  const file = join(mkdtempSync(join(tmpdir(), 'weft-token-')), 'token');
  t.after(() => rmSync(join(file, '..'), { recursive: true, force: true }));
  writeFileSync(file, `${made.SecretID}\n`);
  const { found, failures } = upstream(t, consul, { tokenFile: file });
  await is(found, '10.0.0.1:80*1');
  // Who may not read it is told that there is nothing: not to be taken for the end of all instances.
  const stranger = upstream(t, consul);
  await until('a missing token is named', () => /who has no token may not read it/.test(stranger.failures()));
  await consul.put('/v1/acl/policy', { Name: 'other', Rules: 'service "other" { policy = "read" }' });
  const other = (await consul.put('/v1/acl/token', { Policies: [{ Name: 'other' }] })) as {
    SecretID: string;
  };
  const poor = upstream(t, consul, { token: other.SecretID });
  await until('a poor token is named', () => /the token may not read it/.test(poor.failures()));
  assert.deepEqual([stranger.found(), poor.found()], ['unknown', 'unknown']);
  // Revoked: what was found stays. Renewed: changes are heard of again.
  const revoked = await fetch(`${consul.url}/v1/acl/token/${made.AccessorID}`, {
    method: 'DELETE',
    headers: { 'x-consul-token': MANAGEMENT },
  });
  assert.equal(revoked.status, 200);
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.2', port: 80 });
  await until('a revoked token is named', () => failures() !== '');
  assert.equal(found(), '10.0.0.1:80*1');
  writeFileSync(file, MANAGEMENT);
  await is(found, '10.0.0.2:80*1');
});

async function echo(t: TestContext, name: string): Promise<number> {
  const server: Server = createServer((_, response) => void response.end(name));
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('a gateway follows it, and serves on while it is dead', { skip }, async t => {
  const consul = await consulOf(t);
  const [one, two, [port = 0]] = [await echo(t, 'one'), await echo(t, 'two'), await freePorts(1)];
  await consul.register({ id: '1', name: 'api', address: '127.0.0.1', port: one });
  const folder = mkdtempSync(join(tmpdir(), 'weft-consul-edge-'));
  const file = join(folder, 'sentinel.kdl');
  writeFileSync(
    file,
    `listener "http" { address "127.0.0.1:${port}" }
upstream "api" { discovery "consul" { address "${consul.url}"; service "api" } }
route "all" { matches { path-prefix "/" }; upstream "api" }`,
  );
  const gateway = await RunningGateway.start(file);
  t.after(async () => {
    await gateway.end();
    rmSync(folder, { recursive: true, force: true });
  });
  await gateway.ready();
  const answer = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
  await until('the instance', async () => (await answer()) === 'one');
  await consul.register({ id: '1', name: 'api', address: '127.0.0.1', port: two });
  await until('the other instance', async () => (await answer()) === 'two');
  await consul.kill();
  await until('it is missed', () => /cannot be asked of Consul/.test(gateway.log));
  for (let n = 0; n < 20; n++) assert.equal(await answer(), 'two');
});

test('its services are services of the mesh', { skip }, async t => {
  const consul = await consulOf(t);
  const meta = { protocol: 'http', version: 'v2' };
  await consul.register({ id: 'a', name: 'api', address: '10.0.0.1', port: 80, meta });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const registry = new Registry({ clock: systemClock });
  const source = new ConsulSource({
    ...{ address: consul.url, namespace: 'consul', domain: 'consul', clock: systemClock },
  });
  await source.start(registry.of(source), stop.signal);
  const hosts = (): readonly string[] =>
    [...registry.list('ServiceEntry.networking.istio.io')].map(each => JSON.stringify(each.object.spec));
  assert.deepEqual(hosts(), [
    JSON.stringify({
      ...{ hosts: ['api.service.consul'], location: 'MESH_INTERNAL', resolution: 'STATIC' },
      ports: [{ number: 80, name: 'service', protocol: 'HTTP' }],
      endpoints: [{ address: '10.0.0.1', ports: { service: 80 }, weight: 1, labels: meta }],
    }),
  ]);
  await consul.register({ id: 'b', name: 'web', address: '10.0.0.2', port: 80 });
  await until('a new service', () => hosts().some(each => each.includes('web.service.consul')));
  await consul.put('/v1/agent/service/deregister/a');
  await until('one that is gone', () => !hosts().some(each => each.includes('api.service.consul')));
  assert.deepEqual(source.problems(), []);
});
