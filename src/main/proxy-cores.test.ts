// weft-proxy on several cores, as a process: connections spread, discovery and certificate shared, figures added up.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, httpServer } from '../proxy/testing/clients.ts';
import { oneService } from './testing/one-service.ts';
import { RunningProxy, until } from './testing/running-proxy.ts';

const program = join(import.meta.dirname, 'weft-proxy.ts');

test('several cores: connections are spread over them, and asked together they are one proxy', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-cores-'));
  const app = await httpServer((_request, response) => response.end('app'));
  writeFileSync(join(folder, 'objects.yaml'), oneService(app.port));
  const proxy = await RunningProxy.start(folder, { concurrency: 3 });
  const { outbound, child } = proxy;
  t.after(() => {
    child.kill('SIGKILL');
    app.close();
    rmSync(folder, { recursive: true });
  });
  await proxy.ready();
  await until('what holds for a proxy that is no pod of the folder', async () => {
    const { inbound } = JSON.parse(await proxy.get('/config_dump')) as { inbound: { ports: [] } | null };
    return inbound?.ports.length === 0;
  });
  const requests = 120;
  for (let i = 0; i < requests; i++) assert.equal((await ask(outbound, 'app.default:80')).body, 'app');
  const clusters = JSON.parse(await proxy.get('/clusters')) as { core?: number; name: string }[];
  const cores = clusters.filter(({ name }) => name.startsWith('app.default')).map(({ core }) => core ?? 0);
  assert.deepEqual(cores.sort(), [0, 1, 2], 'each core has carried some of them');
  const metrics = await proxy.get('/stats/prometheus');
  const counted = metrics
    .split('\n')
    .filter(line => line.startsWith('istio_requests_total{'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  assert.equal(counted, requests);
  assert.equal(metrics.match(/^# TYPE istio_requests_total /gm)?.length, 1);
  assert.match(metrics, /^weft_cluster_endpoints\{cluster_name="app\.default\.svc\.cluster\.local:80"\} 1$/m);
  // What any of them holds open is waited for.
  const slow = await httpServer((_request, response) => setTimeout(() => response.end('late'), 1_000));
  t.after(() => slow.close());
  const late = Array.from({ length: 9 }, () => ask(outbound, `127.0.0.1:${slow.port}`));
  await until(
    'nine requests under way',
    async () => JSON.parse(await proxy.get('/connections')).activeExchanges === 9,
  );
  const busy = await proxy.get('/stats/prometheus');
  assert.match(busy, /^weft_requests_under_way\{direction="outbound"\} 9$/m);
  assert.match(busy, /^weft_requests_under_way\{direction="inbound"\} 0$/m);
  const loops = (text: string): number =>
    (['active', 'idle'] as const)
      .map(state => Number(text.match(`\nweft_event_loop_seconds_total{state="${state}"} (.*)`)?.[1]))
      .reduce((sum, seconds) => sum + seconds);
  assert.ok(loops(busy) > loops(metrics), 'the loops of all cores go on');
  child.kill('SIGTERM');
  assert.deepEqual(
    (await Promise.all(late)).map(({ body }) => body),
    Array(9).fill('late'),
  );
  if (child.exitCode === null) await once(child, 'exit');
  assert.equal(child.exitCode, 0, proxy.log);
});

test('several cores: spans that wait when the proxy ends reach the collector, whichever core they are of', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-cores-'));
  const app = await httpServer((_request, response) => response.end('app'));
  let spans = 0;
  const collector = await httpServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    spans += (JSON.parse(body) as unknown[]).length;
    response.writeHead(202).end();
  });
  writeFileSync(join(folder, 'objects.yaml'), oneService(app.port));
  const proxy = await RunningProxy.start(folder, {
    ...{ concurrency: 3, 'trace-zipkin': `127.0.0.1:${collector.port}`, 'trace-sampling': 100 },
  });
  t.after(() => {
    proxy.child.kill('SIGKILL');
    app.close();
    collector.close();
    rmSync(folder, { recursive: true });
  });
  await proxy.ready();
  // The tracer is loaded by each core after it has begun.
  await until('spans of all cores', async () => {
    await Promise.all(Array.from({ length: 12 }, () => ask(proxy.outbound, 'app.default:80')));
    return spans > 0;
  });
  const sent = (text: string): number =>
    Number(/^weft_spans_total\{outcome="sent"\} (\d+)$/m.exec(text)?.[1] ?? 0) +
    Number(/^weft_spans_waiting (\d+)$/m.exec(text)?.[1] ?? 0);
  await until('no span waits', async () => /^weft_spans_waiting 0$/m.test(await proxy.get('/metrics')));
  const before = spans;
  assert.equal(sent(await proxy.get('/metrics')), before);
  await Promise.all(Array.from({ length: 30 }, () => ask(proxy.outbound, 'app.default:80')));
  await proxy.end();
  assert.equal(spans - before, 30, proxy.log);
});

test('a number of cores that is none is refused in words', () => {
  const { status, stderr } = spawnSync(process.execPath, [program, 'run', '--concurrency', 'all'], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /--concurrency is 'all'; it takes a number of cores, 1 to 64/);
});
