// weft-proxy as a process: what Telemetry objects and the mesh's settings ask of it, in its lines and its metrics.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, httpServer } from '../proxy/testing/clients.ts';
import { RunningProxy, until } from './testing/running-proxy.ts';

const objects = (app: number, collector: number, file: string): string => `
apiVersion: v1
kind: Service
metadata: { name: app, namespace: shop }
spec: { clusterIP: 10.96.0.9, ports: [{ name: http, port: 80, targetPort: ${app} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: app-1, namespace: shop, labels: { kubernetes.io/service-name: app } }
addressType: IPv4
ports: [{ name: http, port: ${app} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
---
apiVersion: v1
kind: Pod
metadata: { name: cart-1, namespace: shop, labels: { app: cart } }
spec: { containers: [{ name: app, image: app }] }
status: { phase: Running, podIP: 127.0.0.9, podIPs: [{ ip: 127.0.0.9 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
    - name: lines
      envoyFileAccessLog:
        path: ${file}
        logFormat: { text: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER%" }
    - name: otel
      envoyOtelAls: { service: localhost, port: ${collector}, logFormat: { labels: { path: "%REQ(:PATH)%" } } }
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: cart, namespace: shop }
spec:
  selector: { matchLabels: { app: cart } }
  accessLogging:
  - providers: [{ name: envoy }, { name: lines }]
    filter: { expression: "request.url_path != '/healthz'" }
  - providers: [{ name: otel }]
  metrics:
  - overrides:
    - match: { metric: REQUEST_COUNT, mode: CLIENT }
      tagOverrides:
        request_method: { value: request.method }
        source_version: { operation: REMOVE }
    - match: { metric: REQUEST_SIZE }
      disabled: true
`;

test('access logs to three places, a filter, and metrics as a Telemetry has them', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-telemetry-'));
  const app = await httpServer((_request, response) => response.end('app'));
  let records = '';
  const collector = createServer((request, response) => {
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      records += text;
    });
    request.on('end', () => response.end());
  });
  await new Promise<void>(resolve => collector.listen(0, 'localhost', resolve));
  const file = join(folder, 'access.log');
  const { port } = collector.address() as AddressInfo;
  writeFileSync(join(folder, 'objects.yaml'), objects(app.port, port, file));
  const proxy = await RunningProxy.start(folder, { 'pod-name': 'cart-1', 'pod-namespace': 'shop' });
  const { outbound } = proxy;
  t.after(() => {
    proxy.child.kill('SIGKILL');
    app.close();
    collector.closeAllConnections();
    collector.close();
    rmSync(folder, { recursive: true });
  });
  await proxy.ready();
  // What settings ask for is loaded then; the first lines show that it is there.
  await until('the first line', async () => {
    await ask(outbound, 'app.shop:80', { path: '/first' });
    return (await proxy.get('/stats/prometheus')).includes('weft_access_log_lines_total');
  });
  await ask(outbound, 'app.shop:80', { path: '/healthz' });
  await ask(outbound, 'app.shop:80', { path: '/cart?id=7' });
  await ask(outbound, 'none.shop:80', { path: '/gone' });
  await until('records at the collector', () => records.includes('/gone'));
  const metrics = await proxy.get('/stats/prometheus');
  await proxy.end();
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.ok(
    lines.includes('GET /cart?id=7 200 via_upstream app.shop.svc.cluster.local:80'),
    lines.join('\n'),
  );
  assert.ok(
    lines.some(line => /^GET \/gone \d+ /.test(line)),
    lines.join('\n'),
  );
  assert.ok(!lines.some(line => line.includes('/healthz')));
  assert.match(
    proxy.log,
    /^\[\d{4}-.*Z\] "GET \/cart\?id=7 HTTP\/1\.1" 200 - via_upstream - "-" 0 3 \d+ \d+ "-" /m,
  );
  assert.doesNotMatch(proxy.log, /"log":"access"/);
  assert.match(records, /"key":"path","value":\{"stringValue":"\/healthz"\}/);
  assert.match(metrics, /^istio_requests_total\{reporter="source",.*,request_method="GET"\} \d+$/m);
  assert.doesNotMatch(metrics, /^istio_requests_total\{reporter="source",.*source_version=/m);
  assert.match(metrics, /^istio_request_duration_milliseconds_count\{reporter="source",.*source_version=/m);
  assert.doesNotMatch(metrics, /^istio_request_bytes_count/m);
});
