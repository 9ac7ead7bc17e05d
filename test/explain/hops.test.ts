// A request that comes through four pods: each app passes the id on, and what the proxies wrote down becomes one chain.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterTools, explain } from '../../src/explain/index.ts';
import type { ProxyRecords } from '../../src/model/index.ts';
import { ask, closeAll, httpServer } from '../../src/proxy/testing/clients.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';

const names = ['web', 'cart', 'stock', 'prices'] as const;

/** `web` calls `cart`, which calls `stock`, which calls `prices`; that answers `status`. `passesId`: whether cart's app does. */
async function chain(status: number, passesId = true) {
  const mesh = new StaticMesh();
  const proxies = names.map(name => mesh.proxy(name));
  const servers: { close(): void }[] = [];
  for (const [at, name] of names.entries()) {
    if (at === 0) continue;
    const server = await httpServer(async (request, response) => {
      const next = names[at + 1];
      if (next === undefined) return void response.writeHead(status).end();
      const id = request.headers['x-request-id'] as string;
      const headers: Record<string, string> = name === 'cart' && !passesId ? {} : { 'x-request-id': id };
      const answer = await ask(proxies[at]!.plane.outboundPort, `${next}:80`, { headers });
      response.writeHead(answer.status).end();
    });
    servers.push(server);
    mesh.set({
      key: `${name}:80`,
      endpoints: [mesh.meshed(proxies[at]!, server.port)],
      retry: { attempts: 0 },
    });
  }
  const id = '6f1d0b52-8e0e-4f6f-9a8e-3c1f0c1c2d3e';
  const answer = await ask(proxies[0]!.plane.outboundPort, 'cart:80', { headers: { 'x-request-id': id } });
  return { id, answer, proxies, close: () => closeAll(...servers, mesh) };
}

/** What each says, once both of its sides have written it down. */
async function told(proxies: readonly TestProxy[], id: string, records: number): Promise<ProxyRecords[]> {
  const all = (): ProxyRecords[] => proxies.map(({ plane }) => plane.recorded({ id }));
  await eventually(() => all().reduce((sum, each) => sum + each.records.length, 0) === records);
  return all();
}

test('a request over three hops is one chain, and the last app is the cause', async t => {
  const { id, answer, proxies, close } = await chain(500);
  t.after(close);
  assert.equal(answer.status, 500);
  const found = explain(id, await told(proxies, id, 6), clusterTools)!;
  assert.deepEqual(
    found.hops.map(
      ({ depth, proxy, record }) => `${depth} ${proxy.pod} ${record.direction} ${record.status}`,
    ),
    [
      '0 web-0 outbound 500',
      '1 cart-0 inbound 500',
      '2 cart-0 outbound 500',
      '3 stock-0 inbound 500',
      '4 stock-0 outbound 500',
      '5 prices-0 inbound 500',
    ],
  );
  assert.deepEqual(
    [found.cause?.code, found.cause?.object?.name, found.decidedAt, found.notes],
    ['app-error', 'prices-0', 5, []],
  );
});

test('where an app does not pass the id on, the chain ends there, and its app is what is known', async t => {
  const { id, proxies, close } = await chain(500, false);
  t.after(close);
  const found = explain(id, await told(proxies, id, 2), clusterTools)!;
  assert.deepEqual(
    found.hops.map(({ depth, proxy }) => `${depth} ${proxy.pod}`),
    ['0 web-0', '1 cart-0'],
  );
  assert.deepEqual([found.cause?.code, found.cause?.object?.name], ['app-error', 'cart-0']);
});

test('a proxy that was not asked leaves a gap, and a note says so', async t => {
  const { id, proxies, close } = await chain(500);
  t.after(close);
  const all = await told(proxies, id, 6);
  const found = explain(
    id,
    all.filter(({ self }) => self.pod !== 'prices-0'),
    clusterTools,
  )!;
  assert.equal(found.hops.length, 5);
  assert.ok(
    found.notes.includes('the proxy of default/prices-0 was not asked, or did not answer'),
    found.notes.join('\n'),
  );
});
