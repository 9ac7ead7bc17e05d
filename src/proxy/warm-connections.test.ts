// Real proxies over real mutual TLS: handshakes are counted by the one that begins them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ask, closeAll, httpServer } from './testing/clients.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

const key = 'server.default:80';

function handshakes({ plane }: TestProxy): number {
  return [...plane.services.tls.peers.groups].reduce((sum, [, count]) => sum + count, 0);
}

test('after a rollout the first request to the new pod finds a connection, and no handshake is on its way', async t => {
  const mesh = new StaticMesh();
  const [old, young] = await Promise.all(
    ['old', 'new'].map(name => httpServer((_request, response) => response.end(name))),
  );
  const client = mesh.proxy('client');
  const servers = [mesh.proxy('server'), mesh.proxy('server')] as const;
  t.after(() => closeAll(mesh, old!, young!));
  mesh.set({ key, endpoints: [mesh.meshed(servers[0], old!.port)] });
  for (let i = 0; i < 30; i++) assert.equal((await ask(client.plane.outboundPort, key)).body, 'old');
  assert.equal(handshakes(client), 1);
  mesh.set({ key, endpoints: [mesh.meshed(servers[1], young!.port)] });
  while (handshakes(client) < 2) await turn();
  assert.equal((await ask(client.plane.outboundPort, key)).body, 'new');
  assert.equal(handshakes(client), 2, 'the request has made none');
  const log = [...client.log.lines, ...servers.flatMap(each => each.log.lines)];
  assert.deepEqual(
    log.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});

test('what was called a few times gets no connection that nobody asked for', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('ok'));
  const client = mesh.proxy('client');
  const servers = [mesh.proxy('server'), mesh.proxy('server')] as const;
  t.after(() => closeAll(mesh, app));
  mesh.set({ key, endpoints: [mesh.meshed(servers[0], app.port)] });
  for (let i = 0; i < 3; i++) await ask(client.plane.outboundPort, key);
  mesh.set({ key, endpoints: [mesh.meshed(servers[1], app.port)] });
  const [cluster] = client.plane.destinations.clusters;
  assert.deepEqual([cluster!.size, cluster!.occupancy.connections], [1, 0]);
});
