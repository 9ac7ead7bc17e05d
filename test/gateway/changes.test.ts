// Row "no connection is cut" of gateways: WebSockets and requests at a rate go on while routes, certificates and endpoints
// change under them. WEFT_TEST_CHANGES says how many changes, WEFT_TEST_WEBSOCKETS and WEFT_TEST_RATE under how much load; `make
// edge-changes` has the large one.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunningGateway } from '../../src/main/testing/running-gateway.ts';
import { until } from '../../src/main/testing/running-proxy.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { Backend, certificates, version } from './churn.ts';
import { Requests, Upgraded } from './clients.ts';

const changes = Number(process.env.WEFT_TEST_CHANGES ?? 12);
const websockets = Number(process.env.WEFT_TEST_WEBSOCKETS ?? 100);
const rate = Number(process.env.WEFT_TEST_RATE ?? 50);

const title = `${websockets} WebSockets and ${rate} requests/s over ${changes} changes of routes, certificates and endpoints: none cut, no error`;
test(title, { timeout: 300_000 + changes * 10_000 }, async t => {
  const work = mkdtempSync(join(tmpdir(), 'weft-changes-'));
  const folder = join(work, 'edge');
  mkdirSync(folder);
  const backends = await Promise.all(['a', 'b', 'c'].map(name => new Backend(name).start()));
  const [http = 0, https = 0] = await freePorts(2);
  const ports = { http, https };
  /** As a whole, so that nobody reads half of it. */
  const tell = (n: number): void => {
    writeFileSync(join(work, 'next.yaml'), version(n, backends, ports));
    renameSync(join(work, 'next.yaml'), join(folder, 'edge.yaml'));
  };
  tell(0);
  const gateway = await RunningGateway.start(folder);
  const requests = new Requests(ports);
  const upgraded: Upgraded[] = [];
  let talk: NodeJS.Timeout | undefined;
  let load: NodeJS.Timeout | undefined;
  t.after(async () => {
    clearInterval(talk);
    clearInterval(load);
    for (const each of upgraded) each.end();
    requests.end();
    await gateway.end();
    for (const each of backends) each.close();
    rmSync(work, { recursive: true, force: true });
  });
  await gateway.ready();

  // A few at a time: what is tested is not how many may come at once.
  while (upgraded.length < websockets) {
    const more = Array.from(
      { length: Math.min(25, websockets - upgraded.length) },
      (_, index) => new Upgraded(index % 2 === 0 ? http : https, index % 2 === 1),
    );
    upgraded.push(...more);
    await until('they are open', () => more.every(each => each.open || each.cut !== ''));
  }
  assert.deepEqual(
    upgraded.flatMap(each => (each.cut === '' ? [] : [each.cut])),
    [],
    'all are open',
  );
  talk = setInterval(() => upgraded.forEach(each => void each.say()), 1_000);
  load = setInterval(() => requests.ask(), 1_000 / rate);
  const memory = async (): Promise<number> =>
    Number(/process_resident_memory_bytes (\d+)/.exec(await gateway.get('/metrics'))?.[1] ?? 0) / 1e6;
  const before = await memory();
  for (let n = 1; n <= changes; n++) {
    tell(n);
    await until(
      `version ${n} is in force`,
      () => requests.versions.has(String(n)) || requests.failures.length > 0,
    );
  }
  clearInterval(load);
  await until('every request is answered', () => requests.underWay === 0);
  clearInterval(talk);
  for (const each of upgraded) each.say();
  await until('every word has come back', () =>
    upgraded.every(each => each.missing === 0 || each.cut !== ''),
  );
  t.diagnostic(
    `${requests.done} requests; resident memory ${before.toFixed(0)} MB before, ${(await memory()).toFixed(0)} MB after`,
  );
  assert.deepEqual(requests.failures, []);
  assert.deepEqual(
    upgraded.flatMap(each => (each.cut === '' ? [] : [each.cut])),
    [],
    'none was cut',
  );
  assert.equal(requests.versions.size, changes + 1);
  assert.deepEqual([...requests.backends].sort(), ['a', 'b', 'c']);
  assert.equal(requests.certificates.size, certificates.length, 'every certificate was seen');
  assert.equal(
    backends.reduce((sum, each) => sum + each.upgraded, 0),
    websockets,
  );
});
