// A proxy whose collector is away, as a process: requests do not notice, what waits has a bound, and what is lost is counted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, httpServer } from '../proxy/testing/clients.ts';
import { CLOSED_PORT } from '../wire/testing/ports.ts';
import { oneService } from './testing/one-service.ts';
import { RunningProxy, until } from './testing/running-proxy.ts';

/** Of a queue of 1,024. */
const requests = 1_400;

test('a collector that is away holds no request up; 1,024 spans wait, and each beyond them is counted', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-collector-'));
  const app = await httpServer((_request, response) => response.end('app'));
  writeFileSync(join(folder, 'objects.yaml'), oneService(app.port));
  const proxy = await RunningProxy.start(folder, {
    ...{ 'trace-otlp': `127.0.0.1:${CLOSED_PORT}`, 'trace-sampling': 100, 'log-level': 'info' },
  });
  t.after(() => {
    proxy.child.kill('SIGKILL');
    app.close();
    rmSync(folder, { recursive: true });
  });
  await proxy.ready();
  const span = async (name: string): Promise<number> =>
    Number(new RegExp(`^weft_spans_${name} (\\d+)$`, 'm').exec(await proxy.get('/metrics'))?.[1] ?? -1);
  await until('traced', async () => {
    await ask(proxy.outbound, 'app.default:80');
    return (await span('waiting')) > 0;
  });
  for (let i = 0; i < requests; i += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(proxy.outbound, 'app.default:80')),
    );
    assert.ok(answers.every(({ status, body }) => status === 200 && body === 'app'));
  }
  assert.equal(await span('waiting'), 1_024);
  assert.ok((await span('total\\{outcome="queue_full"\\}')) >= requests - 1_024);
  assert.equal(await span('total\\{outcome="sent"\\}'), 0);
  const { tracing } = JSON.parse(await proxy.get('/status')) as {
    tracing: { collectors: { trouble: string }[] };
  };
  assert.match(tracing.collectors[0]!.trouble, /ECONNREFUSED/);
  await proxy.end();
  assert.equal(proxy.child.exitCode, 0, proxy.log);
  const told = proxy.log.split('\n').filter(line => line.includes('spans cannot be reported'));
  assert.equal(told.length, 1, 'once for each trouble, not for each call');
});
