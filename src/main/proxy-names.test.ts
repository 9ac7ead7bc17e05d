// Names of ServiceEntries in a running proxy, by a DNS server of the test's own.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fakeDns } from '../upstreams/testing/dns-server.ts';
import { RunningProxy, until } from './testing/running-proxy.ts';

async function server(t: TestContext, host: string, port: number): Promise<Server> {
  const made = createServer((_, response) => void response.end(host));
  await new Promise<void>(resolve => void made.listen(port, host, resolve));
  t.after(() => {
    made.closeAllConnections();
    made.close();
  });
  return made;
}

test('every address of a name is an endpoint: balanced, ejected, and followed by TTL', async t => {
  const first = await server(t, '127.0.0.1', 0);
  const { port } = first.address() as AddressInfo;
  await server(t, '127.0.0.2', port);
  let addresses: readonly string[] | undefined = ['127.0.0.1', '127.0.0.2'];
  const dns = await fakeDns(
    (name, type) =>
      addresses && (type === 'A' ? addresses.map(data => ({ type: 'A' as const, name, data, ttl: 1 })) : []),
  );
  t.after(() => dns.close());
  const folder = mkdtempSync(join(tmpdir(), 'weft-names-'));
  writeFileSync(
    join(folder, 'entry.yaml'),
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: shop }
spec:
  hosts: [api.service.consul]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${port} }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api, namespace: shop }
spec: { host: api.service.consul, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }
`,
  );
  const forward = `consul=127.0.0.1:${dns.server.port}`;
  const proxy = await RunningProxy.start(folder, { 'dns-forward': forward, 'pod-namespace': 'shop' });
  t.after(async () => {
    await proxy.end();
    rmSync(folder, { recursive: true, force: true });
  });
  await proxy.ready();
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const asked = request({
        ...{ host: '127.0.0.1', port: proxy.outbound, agent: false, path: 'http://api.service.consul/' },
        headers: { host: 'api.service.consul' },
      });
      asked.on('error', reject);
      asked.on('response', answer => {
        let text = '';
        answer.on('data', chunk => {
          text += chunk;
        });
        answer.on('end', () => resolve(text));
      });
      asked.end();
    });
  const seen = async (count: number): Promise<string> => {
    const all = new Set<string>();
    for (let n = 0; n < count; n++) all.add(await ask());
    return [...all].sort().join(' ');
  };
  assert.equal(await seen(10), '127.0.0.1 127.0.0.2', 'from the first request on');
  addresses = ['127.0.0.2'];
  await until('the address that is left', async () => (await seen(10)) === '127.0.0.2');
  // Nobody answers any more: what is known stays.
  addresses = undefined;
  await until('a failure is told', () => /cannot be looked up/.test(proxy.log));
  assert.equal(await seen(10), '127.0.0.2');
  addresses = ['127.0.0.1', '127.0.0.2'];
  await until('both are back', async () => (await seen(10)) === '127.0.0.1 127.0.0.2');
  // One of them goes: requests are tried at the other, and it is named in the proxy's view of its clusters.
  first.closeAllConnections();
  first.close();
  assert.equal(await seen(20), '127.0.0.2');
  assert.match(await proxy.get('/clusters'), /127\.0\.0\.1:/);
});
