import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import {
  type DestinationResource,
  type OriginatedTls,
  parseSpiffe,
  type Resource,
} from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { closeAll, httpServer, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually, redirectedOutbound } from '../testing/redirected.ts';
import { credentialsOf, resourceOf, StaticMesh } from '../testing/static-mesh.ts';

const key = '10.9.9.9:443';
const get = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** The address that the app calls, about which the mesh says only this. */
function unknown(more: Partial<DestinationResource>, at = key): Resource[] {
  const resource: DestinationResource = {
    kind: 'destination',
    key: at,
    found: 'unknown',
    host: at,
    port: Number(at.split(':')[1]),
    protocol: 'auto',
    routes: [],
    tcp: [],
    clusters: [],
    ...more,
  };
  return [resource];
}

/** A server of TLS that says its name, with a certificate of the mesh's authority. */
async function tlsServer(mesh: StaticMesh, name: string, greet = true) {
  const { keyPem, chainPem, roots } = credentialsOf(
    mesh.ca,
    parseSpiffe('spiffe://cluster.local/ns/x/sa/server')!,
  );
  const options = {
    key: keyPem,
    cert: chainPem,
    ca: [...roots],
    requestCert: true,
    rejectUnauthorized: false,
  };
  const seen: TLSSocket[] = [];
  const server = createServer(options, socket => {
    seen.push(socket);
    socket.on('error', () => {});
    if (greet) socket.write(name);
    socket.on('data', data => {
      if (data.includes('HTTP/1.1'))
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    for (const socket of seen) socket.destroy();
    server.close();
  };
  return { port: (server.address() as { port: number }).port, seen, close };
}

/** What a TLS client hears first, asking for `servername`; '' when it is refused. */
async function hearTls(port: number, servername: string): Promise<string> {
  const socket = tlsConnect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  return new Promise(resolve => {
    socket.on('data', data => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(''));
  });
}

test('TLS that is passed through goes by its server name', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const [a, b] = [await tlsServer(mesh, 'a'), await tlsServer(mesh, 'b')];
  const outbound = redirectedOutbound(client.plane, '10.9.9.9', 443);
  t.after(() => closeAll(outbound, mesh, a, b));
  const [first, second] = [
    resourceOf({ key: 'a:443', endpoints: [] }),
    resourceOf({ key: 'b:443', endpoints: [] }),
  ];
  mesh.resources.set(key, [
    {
      ...first,
      key,
      protocol: 'tls',
      tls: [{ serverNames: ['b.example', '*.b.example'], clusters: second.tcp }],
      clusters: [...first.clusters, ...second.clusters],
    },
    { kind: 'endpoints', key: 'a:443', endpoints: [mesh.plain(a.port)], total: 1 },
    { kind: 'endpoints', key: 'b:443', endpoints: [mesh.plain(b.port)], total: 1 },
  ]);
  assert.equal(await hearTls(outbound.port, 'b.example'), 'b');
  assert.equal(await hearTls(outbound.port, 'x.B.example'), 'b');
  assert.equal(await hearTls(outbound.port, 'other.example'), 'a');
});

test('an address that says nothing: HTTP goes by its authority and TLS by its server name, the rest is passed through', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const app = await httpServer((_request, response) => response.end('by name'));
  const tls = await tlsServer(mesh, 'tls by name');
  const outbound = redirectedOutbound(client.plane, '10.9.9.9', 443);
  t.after(() => closeAll(outbound, mesh, app, tls));
  mesh.resources.set(key, unknown({ askByName: true }));
  mesh.set({ key: 'api.example:443', endpoints: [mesh.plain(app.port)] });
  mesh.set({ key: 'tls.example:443', endpoints: [mesh.plain(tls.port)] });
  const raw = await rawConnection(outbound.port);
  raw.write(get('api.example'));
  await raw.until(({ text }) => text.endsWith('by name'));
  assert.equal(await hearTls(outbound.port, 'tls.example'), 'tls by name');
  assert.ok([...client.plane.destinations.keys].includes('api.example:443'));
});

test('what may not be reached is refused in words where the client speaks HTTP, and reset elsewhere', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  const refused = 'Sidecar default.shop lets its workloads reach only hosts that the mesh knows';
  const outbound = redirectedOutbound(client.plane, '10.9.9.9', 443);
  t.after(() => closeAll(outbound, mesh));
  for (const askByName of [false, true]) {
    mesh.resources.set(key, unknown({ refused, ...(askByName && { askByName }) }));
    const raw = await rawConnection(outbound.port);
    raw.write(get('evil.example'));
    await raw.until(({ text, closed }) => text.includes('\n\n') || text.endsWith('knows\n') || closed);
    assert.match(raw.text, /^HTTP\/1\.1 404 [\s\S]*Sidecar default\.shop/);
    assert.equal(await hearTls(outbound.port, 'evil.example'), '');
    const tcp = await rawConnection(outbound.port);
    tcp.write('\x01\x02\x03\x04');
    await tcp.until(({ closed }) => closed);
    assert.equal(tcp.error, 'ECONNRESET');
    client.plane.destinations.close();
  }
  assert.ok(client.log.lines.some(({ message }) => message.includes(refused)));
});

test('a service without addresses of its own is reached where the app called it', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const app = await tcpServer(socket => socket.end('here'));
  const outbound = redirectedOutbound(client.plane, '127.0.0.1', app.port);
  t.after(() => closeAll(outbound, mesh, app));
  const resource = resourceOf({ key: 'any.example:443', endpoints: [] });
  const at = `127.0.0.1:${app.port}`;
  const clusters = resource.clusters.map(each => ({ ...each, originalDestination: true }));
  mesh.resources.set(at, [{ ...resource, key: at, protocol: 'tcp', clusters }]);
  const raw = await rawConnection(outbound.port);
  await raw.until(({ ended }) => ended);
  assert.equal(raw.text, 'here');
});

test('TLS is originated, its server checked, and what cannot be is said in words', async t => {
  const mesh = new StaticMesh();
  const folder = mkdtempSync(join(tmpdir(), 'weft-tls-'));
  const client = mesh.proxy('client');
  const upstream = await tlsServer(mesh, 'secure', false);
  const outbound = redirectedOutbound(client.plane, '10.9.9.9', 80);
  t.after(() => {
    closeAll(outbound, mesh, upstream);
    rmSync(folder, { recursive: true });
  });
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, mesh.ca.roots.join('\n'));
  const { keyPem, chainPem } = credentialsOf(mesh.ca, parseSpiffe('spiffe://cluster.local/ns/x/sa/client')!);
  writeFileSync(join(folder, 'key.pem'), keyPem);
  writeFileSync(join(folder, 'cert.pem'), chainPem);
  const subjectAltNames = ['spiffe://cluster.local/ns/x/sa/server'];
  const answer = async (tls: OriginatedTls): Promise<string> => {
    client.plane.destinations.close();
    mesh.set({
      key: '10.9.9.9:80',
      endpoints: [mesh.plain(upstream.port)],
      settings: { tls },
      retry: { attempts: 0 },
    });
    const raw = await rawConnection(outbound.port);
    raw.write(get('secure.example'));
    await raw.until(({ text, closed }) => /\r\n\r\n[\s\S]+/.test(text) || closed);
    raw.socket.destroy();
    return raw.text;
  };
  assert.match(await answer({ mode: 'simple', caFile, subjectAltNames }), /^HTTP\/1\.1 200 OK[\s\S]*secure$/);
  assert.match(await answer({ mode: 'simple', caFile, subjectAltNames: ['evil'] }), /expected evil/);
  assert.match(await answer({ mode: 'simple', subjectAltNames }), /comes from another root/);
  assert.match(
    await answer({ mode: 'simple', caFile: '/nowhere/ca.pem' }),
    /\/nowhere\/ca\.pem cannot be read/,
  );
  assert.match(await answer({ mode: 'mutual', caFile, subjectAltNames }), /needs a client certificate/);
  const files = { certificateFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const before = upstream.seen.length;
  await answer({ mode: 'mutual', caFile, subjectAltNames, ...files });
  await eventually(() => upstream.seen.length > before);
  assert.equal(upstream.seen.at(-1)!.authorized, true);
});
