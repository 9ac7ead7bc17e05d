import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboundPort, RateLimit } from '../model/index.ts';
import { expositionText, LimitMetrics } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { proxyMetricPieces } from './render-metrics.ts';
import { closeAll, httpServer, rawConnection } from './testing/clients.ts';
import { redirectedInbound } from './testing/redirected.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

const limit = (name: string, more: Partial<RateLimit> = {}): RateLimit => ({
  bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
  matches: [],
  status: 429,
  enabledPercent: 100,
  enforcedPercent: 100,
  from: {
    apiVersion: 'policy.weft.dev/v1alpha1',
    kind: 'RateLimit',
    namespace: 'shop',
    name,
    origin: 'limits.yaml:1',
  },
  ...more,
});

function counted({ plane }: TestProxy): string[] {
  const text = [...proxyMetricPieces(plane, () => {})].join('');
  return text.split('\n').filter(line => line.startsWith('weft_rate_limit_requests_total{'));
}

test('what limits let pass, refuse, and with dryRun would refuse is shown by policy, and goes on when the policy changes', async t => {
  const app = await httpServer((_request, response) => void response.end());
  const mesh = new StaticMesh();
  const ports = (...rateLimits: RateLimit[]): InboundPort[] => [
    { number: app.port, protocol: 'http', mtls: 'permissive', rateLimits },
  ];
  const tried = limit('tried', { enforcedPercent: 0 });
  const server = mesh.proxy('server', { mtls: 'permissive', clock: new FakeClock(), ports: ports(tried) });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  assert.deepEqual(counted(server), []);
  const get = async (): Promise<string> => {
    const raw = await rawConnection(inbound.port);
    raw.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await raw.until(({ ended, closed }) => ended || closed);
    return raw.text.slice(9, 12);
  };
  assert.deepEqual([await get(), await get(), await get()], ['200', '200', '200']);
  assert.deepEqual(counted(server), [
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="allowed"} 1',
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="over"} 2',
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="refused"} 0',
  ]);
  server.plane.apply({ ...server.plane.inboundPorts.resource!, ports: ports(limit('tried'), tried) });
  assert.deepEqual([await get(), await get()], ['200', '429']);
  assert.deepEqual(counted(server), [
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="allowed"} 2',
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="over"} 3',
    'weft_rate_limit_requests_total{policy="RateLimit tried.shop",outcome="refused"} 1',
  ]);
});

test('of ever new policies a thousand are shown by themselves and the others as one', () => {
  const metrics = new LimitMetrics();
  for (let i = 0; i < 1_500; i++) metrics.open(`RateLimit p${i}.shop`).allowed++;
  const text = expositionText(out => metrics.render(out));
  assert.ok(text.includes('{policy="RateLimit p999.shop",outcome="allowed"} 1\n'));
  assert.ok(text.includes('{policy="overflow",overflow="true",outcome="allowed"} 500\n'));
});
