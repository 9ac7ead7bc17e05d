// Row 34 of what users suffer from: Host headers, paths, methods and user agents are the callers' words, and must not make
// series.
import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { proxyMetricPieces } from './index.ts';
import { closeAll, httpServer, rawConnection } from './testing/clients.ts';
import { type Redirected, redirectedInbound, redirectedOutbound } from './testing/redirected.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

/** Samples of everything that a proxy gives, without their values. */
function seriesOf({ plane }: TestProxy): readonly string[] {
  return [...proxyMetricPieces(plane, () => {})]
    .join('')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.slice(0, line.lastIndexOf(' ')));
}

// Those that a server of Node knows and that have a body to answer with.
const methods = METHODS.filter(method => !['CONNECT', 'HEAD'].includes(method));

/** A request all of whose words are of its own. */
const odd = (i: number): string =>
  `${methods[i % methods.length]} /p${i}?q=${i} HTTP/1.1\r\nHost: h${i}.example:${1 + (i % 9999)}\r\nUser-Agent: u${i}\r\n` +
  `X-Request-Id: r${i}\r\nX-Forwarded-Host: f${i}\r\nContent-Length: 0\r\n\r\n`;

async function ask(redirected: Redirected, from: number, to: number): Promise<void> {
  const raw = await rawConnection(redirected.port);
  for (let i = from; i < to; i++) {
    raw.text = '';
    raw.write(odd(i));
    await raw.until(connection => connection.text.endsWith('good') || connection.closed);
    assert.match(raw.text, /^HTTP\/1\.1 200 /, `request ${i}`);
  }
  raw.socket.destroy();
}

type Place = (mesh: StaticMesh, proxy: TestProxy, port: number) => Redirected;
const places: Readonly<Record<string, Place>> = {
  'to a Service': (mesh, { plane }, port) => {
    mesh.set({ key: '10.0.0.1:80', endpoints: [mesh.plain(port)] });
    return redirectedOutbound(plane, '10.0.0.1', 80);
  },
  'to an address that nobody knows': (_, { plane }, port) => redirectedOutbound(plane, '127.0.0.1', port),
  'to this workload': (_, { plane }, port) => redirectedInbound(plane, port),
};
for (const [where, open] of Object.entries(places)) {
  test(`random Host headers, paths and methods ${where} make no series`, async t => {
    const app = await httpServer((_request, response) => response.end('good'));
    const mesh = new StaticMesh();
    const ports = [{ number: app.port, protocol: 'http', mtls: 'permissive' } as const];
    const proxy = mesh.proxy('client', { mtls: 'permissive', ports });
    const redirected = open(mesh, proxy, app.port);
    t.after(() => closeAll(redirected, mesh, app));
    await ask(redirected, 0, 3);
    const before = seriesOf(proxy);
    assert.ok(before.some(line => /^istio_(requests_total|tcp_)/.test(line)));
    await ask(redirected, 3, 300);
    assert.deepEqual(seriesOf(proxy), before);
    assert.doesNotMatch(before.join('\n'), /example|h1\b|\/p1|"PURGE"|\bu1\b|\br1\b|\bf1\b/);
  });
}
