// Requests that would go in a circle: a proxy that is named to itself, and two that lead to each other.
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { type TestContext, test } from 'node:test';
import { OwnListener } from './connect/own-listener.ts';
import { closeAll, rawConnection } from './testing/clients.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

function setUp(context: TestContext) {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  context.after(() => closeAll(mesh));
  return { mesh, client, port: client.plane.outboundPort };
}

async function ask(port: number, head: string): Promise<string> {
  const raw = await rawConnection(port);
  raw.write(`${head}\r\nConnection: close\r\n\r\n`);
  await raw.until(connection => connection.ended || connection.closed);
  return raw.text;
}

/** Requests that a proxy has handled, all in all. */
function handled({ plane }: TestProxy): number {
  let sum = 0;
  for (const { requests } of plane.services.requests.values()) sum += requests;
  return sum;
}

const selves = [
  '127.0.0.1',
  '127.8.9.10',
  '0.0.0.0',
  'localhost',
  'LOCALHOST',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::1]',
  '[::]',
];
for (const host of selves) {
  test(`${host} with the port of the proxy is the proxy itself: refused at once, in words`, async context => {
    const { client, port } = setUp(context);
    const forms = [
      `GET / HTTP/1.1\r\nHost: ${host}:${port}`,
      `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}:${port}`,
      `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}`,
    ];
    for (const form of forms) {
      const answer = await ask(port, form);
      assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*x-weft-flag: NR[\s\S]* is this proxy itself/, form);
    }
    assert.equal(handled(client), 2);
    assert.equal(client.plane.services.active, 0);
  });
}

test('an own listener is known by every address that leads to it, and by its port alone it is not', () => {
  const own = new OwnListener({ hosts: ['127.0.0.1', '::1'], address: '10.1.2.3', port: () => 15001 });
  for (const address of [
    '127.0.0.1',
    '127.1.1.1',
    '::1',
    '0:0:0:0:0:0:0:1',
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '0.0.0.0',
  ])
    assert.equal(own.is(address, 15001), true, address);
  for (const address of ['10.1.2.4', '8.8.8.8', '2001:db8::1'])
    assert.equal(own.is(address, 15001), false, address);
  assert.equal(own.is('127.0.0.1', 15002), false);
  const one = new OwnListener({ hosts: ['127.0.0.2'], address: '127.0.0.2', port: () => 15001 });
  assert.equal(one.is('127.0.0.2', 15001), true);
  assert.equal(one.is('127.0.0.3', 15001), false, 'another proxy on this machine');
});

test('the host’s own name is found out too, where it has an address', async context => {
  const { client, port } = setUp(context);
  const answer = await ask(port, `GET / HTTP/1.1\r\nHost: ${hostname()}:${port}`);
  assert.match(answer, /x-weft-flag: (NR|DF|UF)/);
  assert.ok(handled(client) < 5, `${handled(client)} exchanges`);
});

test('an endpoint of a policy that is the proxy itself is not connected to, for HTTP and for CONNECT', async context => {
  const { mesh, client, port } = setUp(context);
  mesh.set({ key: 'circle:80', endpoints: [mesh.plain(port)] });
  for (const form of ['GET / HTTP/1.1\r\nHost: circle', 'CONNECT circle:80 HTTP/1.1\r\nHost: circle:80']) {
    const answer = await ask(port, form);
    assert.match(answer, /^HTTP\/1\.1 \d+ [\s\S]*is this proxy itself/);
  }
  assert.ok(handled(client) <= 2, `${handled(client)} exchanges`);
});

test('two proxies that lead to each other give up after four hops', async context => {
  const { mesh, client, port } = setUp(context);
  const other = mesh.proxy('other');
  const endpoints = [mesh.plain(port), mesh.plain(other.plane.outboundPort)];
  mesh.set({ key: 'circle:80', endpoints, retry: { attempts: 5 } });
  const answer = await ask(port, 'GET / HTTP/1.1\r\nHost: circle');
  assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*has come through 4 proxies of Weft/);
  assert.ok(handled(client) + handled(other) <= 6, `${handled(client)} and ${handled(other)} exchanges`);
});

test('a mark that is no count ends the request, and one of a client’s own counts', async context => {
  const { mesh, port } = setUp(context);
  mesh.set({ key: 'a:80', endpoints: [mesh.plain(1)] });
  for (const mark of ['4', '99', '-1', 'x', ''])
    assert.match(
      await ask(port, `GET / HTTP/1.1\r\nHost: a\r\nX-Weft-Hops: ${mark}`),
      /goes in a circle/,
      mark,
    );
  assert.doesNotMatch(await ask(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Weft-Hops: 3'), /goes in a circle/);
});
