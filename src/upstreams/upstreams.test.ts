import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HealthCheck, UpstreamSettings } from '../model/index.ts';
import { FakeClock, systemClock } from '../time/index.ts';
import { endpointsOf } from './file-discovery.ts';
import { probeOf } from './health.ts';
import { type UpstreamStatus, Upstreams } from './index.ts';
import { endpointsOfSlices } from './kubernetes-discovery.ts';
import { NameLookup } from './names.ts';

const noDns = new NameLookup(async () => ({ kind: 'none', ttlMs: 1_000 }), {
  servers: [],
  search: [],
  ndots: 1,
  timeoutMs: 1,
  hosts: new Map([['box', ['10.9.9.9']]]),
});
const target = (host: string, port = 80, weight = 1) => ({ host, port, weight });
const check: HealthCheck = {
  probe: { kind: 'tcp' },
  intervalMs: 1_000,
  timeoutMs: 100,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
};

/** Upstreams with answers of health checks by hand: `bad` has the addresses that are not well. */
function rig() {
  const clock = new FakeClock();
  const bad = new Set<string>();
  const probed: string[] = [];
  const told = new Map<string, UpstreamStatus>();
  const upstreams = new Upstreams(
    {
      clock,
      lookup: noDns,
      probe: async ({ address }) => {
        probed.push(address);
        return bad.has(address) ? 'refused' : undefined;
      },
    },
    status => told.set(status.name, status),
  );
  const shown = (name: string) =>
    told
      .get(name)!
      .endpoints.map(
        ({ address, port, weight, healthy }) => `${address}:${port}*${weight}${healthy ? '' : ' out'}`,
      );
  return { clock, bad, probed, told, upstreams, shown };
}

test('written targets are there at once, names among them when they are looked up', async () => {
  const { clock, upstreams, shown } = rig();
  upstreams.set([{ name: 'u', targets: [target('10.0.0.1', 80, 3), target('box', 81)], keepTargets: false }]);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*3']);
  await clock.advance(0);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*3', '10.9.9.9:81*1']);
  upstreams.close();
});

test('an endpoint is out after so many failures in a row, and back after so many successes', async () => {
  const { clock, bad, upstreams, shown, told } = rig();
  upstreams.set([
    { name: 'u', targets: [target('10.0.0.1'), target('10.0.0.2')], keepTargets: false, healthCheck: check },
  ]);
  await clock.advance(0);
  bad.add('10.0.0.1');
  await clock.advance(2_000);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*1', '10.0.0.2:80*1']);
  await clock.advance(1_000);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*1 out', '10.0.0.2:80*1']);
  assert.equal(told.get('u')!.endpoints[0]!.why, 'refused');
  bad.clear();
  await clock.advance(1_000);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*1 out', '10.0.0.2:80*1']);
  await clock.advance(1_000);
  assert.deepEqual(shown('u'), ['10.0.0.1:80*1', '10.0.0.2:80*1']);
  upstreams.close();
});

test('a failure between successes counts for nothing', async () => {
  const { clock, bad, upstreams, shown } = rig();
  upstreams.set([{ name: 'u', targets: [target('10.0.0.1')], keepTargets: false, healthCheck: check }]);
  for (let round = 0; round < 5; round++) {
    bad.add('10.0.0.1');
    await clock.advance(2_000);
    bad.clear();
    await clock.advance(1_000);
  }
  assert.deepEqual(shown('u'), ['10.0.0.1:80*1']);
  upstreams.close();
});

test('upstreams whose settings stay go on, others begin anew, those that are gone are asked no more', async () => {
  const { clock, bad, probed, upstreams, shown } = rig();
  const one: UpstreamSettings = {
    name: 'one',
    targets: [target('10.0.0.1')],
    keepTargets: false,
    healthCheck: check,
  };
  const two: UpstreamSettings = { ...one, name: 'two', targets: [target('10.0.0.2')] };
  bad.add('10.0.0.1');
  upstreams.set([one, two]);
  await clock.advance(0);
  await clock.advance(3_000);
  assert.deepEqual(shown('one'), ['10.0.0.1:80*1 out']);
  upstreams.set([{ ...one, targets: [...one.targets] }]);
  assert.deepEqual(shown('one'), ['10.0.0.1:80*1 out']);
  await clock.advance(0);
  probed.length = 0;
  await clock.advance(2_000);
  assert.deepEqual([...new Set(probed)], ['10.0.0.1']);
  upstreams.set([]);
  probed.length = 0;
  await clock.advance(5_000);
  assert.deepEqual(probed, []);
  assert.equal(clock.pending, 0);
});

test('targets serve until discovery has answered, or stay where that is wanted; a broken file keeps what it said', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-upstreams-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'endpoints');
  writeFileSync(path, '# two\n10.1.0.1:81 weight=2\n[fd00::1]:82\n');
  const discovery = { kind: 'file', path, refreshMs: 1_000 } as const;
  const told = new Map<string, UpstreamStatus>();
  let heard: () => void = () => {};
  const upstreams = new Upstreams({ clock: systemClock, lookup: noDns }, status => {
    told.set(status.name, status);
    heard();
  });
  context.after(() => upstreams.close());
  const until = (ready: () => boolean): Promise<void> =>
    new Promise(resolve => {
      heard = () => ready() && resolve();
      heard();
    });
  const addresses = (name: string) =>
    told
      .get(name)
      ?.endpoints.map(each => each.address)
      .join();
  const targets = [target('10.0.0.1')];
  upstreams.set([
    { name: 'gives way', targets, keepTargets: false, discovery },
    { name: 'stays', targets, keepTargets: true, discovery },
  ]);
  assert.equal(addresses('gives way'), '10.0.0.1');
  await until(
    () => addresses('gives way') === '10.1.0.1,fd00::1' && addresses('stays') === '10.1.0.1,fd00::1,10.0.0.1',
  );
  writeFileSync(path, '10.1.0.1\n');
  await until(() => (told.get('stays')?.failures.length ?? 0) > 0);
  assert.match(
    told.get('stays')!.failures[0]!,
    /endpoints: line 1 is '10\.1\.0\.1'; it takes an address and a port/,
  );
  assert.equal(addresses('stays'), '10.1.0.1,fd00::1,10.0.0.1');
});

test('lines of a file are an address, a port and a weight', () => {
  assert.deepEqual(endpointsOf('10.0.0.1:80 weight=5 # five\n\n'), [
    { address: '10.0.0.1', port: 80, weight: 5 },
  ]);
  for (const line of ['host:80', '10.0.0.1', '10.0.0.1:80 wieght=1', '10.0.0.1:80 weight=x'])
    assert.equal(typeof endpointsOf(line), 'string', line);
});

test('an HTTP check goes by the status, asks for the path and host that it is told, and says what is wrong', async context => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host} ${request.url}`);
    response.writeHead(request.url === '/ok' ? 204 : 503).end('x');
  });
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  context.after(() => void server.close());
  const { port } = server.address() as { port: number };
  const endpoint = { address: '127.0.0.1', port, weight: 1 };
  const http = (path: string) =>
    probeOf({
      ...check,
      timeoutMs: 10_000,
      probe: { kind: 'http', path, host: 'api.test', statuses: [{ min: 200, max: 204 }] },
    });
  assert.equal(await http('/ok')(endpoint), undefined);
  assert.equal(await http('/bad')(endpoint), `GET /bad of 127.0.0.1:${port} answered 503`);
  assert.deepEqual(asked, ['api.test /ok', 'api.test /bad']);
  assert.equal(await probeOf({ ...check, timeoutMs: 10_000 })(endpoint), undefined);
  await new Promise(resolve => server.close(resolve));
  assert.match((await http('/ok')(endpoint))!, /ECONNREFUSED/);
  assert.match((await probeOf(check)(endpoint))!, /ECONNREFUSED/);
});

test('of EndpointSlices the ready endpoints count, on the port that is named; where none is ready, those that still serve', () => {
  const slice = (endpoints: unknown[]) => ({
    ports: [
      { name: 'admin', port: 9000 },
      { name: 'http', port: 8080 },
    ],
    endpoints,
  });
  const ready = { addresses: ['10.0.0.1'], conditions: { ready: true }, zone: 'a' };
  const ending = { addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } };
  const down = { addresses: ['10.0.0.3'], conditions: { ready: false } };
  assert.deepEqual(endpointsOfSlices([slice([ready]), slice([ending, down])], 'http'), [
    { address: '10.0.0.1', port: 8080, weight: 1, zone: 'a' },
  ]);
  assert.deepEqual(endpointsOfSlices([slice([ending, down])], undefined), [
    { address: '10.0.0.2', port: 9000, weight: 1 },
  ]);
  assert.deepEqual(endpointsOfSlices([slice([ready])], 'gone'), []);
});
