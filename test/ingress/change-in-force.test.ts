// One Ingress among many changes, at a real API server where there is one: the gateway answers the new way there and the old way
// everywhere else, and at no time in any other way. bench/gateway-routes.ts measures how soon.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type IngressOrigin, ingressOrigin } from '../../bench/ingress-origin.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';

const count = 60;
const changes = 20;
const program = join(import.meta.dirname, '../../src/main/weft-proxy.ts');

interface Place {
  readonly origin: IngressOrigin;
  /** `200 3`: status and version of the answer of a host. */
  readonly ask: (host: number) => Promise<string>;
}

async function place(t: TestContext): Promise<Place> {
  const [port = 0, admin = 0, health = 0] = await freePorts(3);
  const backend = createServer((_request, response) => void response.end('ok')).listen(0);
  await once(backend, 'listening');
  t.after(() => {
    backend.close();
    backend.closeAllConnections();
  });
  const origin = await ingressOrigin(port, (backend.address() as AddressInfo).port, count);
  t.after(() => origin.close());
  for (let number = 0; number < count; number++) await origin.put(number, 0);
  const flags = [
    ...['gateway', '--gateway', 'shop/edge', '--discovery', 'kubernetes', '--kubeconfig', origin.kubeconfig],
    ...['--listen', '127.0.0.1', '--admin-port', `${admin}`, '--health-port', `${health}`],
    ...['--log-level', 'warn', '--access-log', 'off'],
  ];
  const gateway = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'inherit', 'inherit'] });
  t.after(() => stopped(gateway));
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const ask = async (host: number): Promise<string> => {
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host: `h${host}.example` } }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    return `${answer.statusCode} ${answer.headers['x-version'] ?? ''}`;
  };
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${admin}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    assert.equal(gateway.exitCode, null, 'the gateway has ended');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return { origin, ask };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a change of one of many Ingresses is in force, and nothing else is', { timeout: 180_000 }, async t => {
  const { origin, ask } = await place(t);
  const versions = new Array<number>(count).fill(0);
  for (const host of versions.keys()) assert.equal(await ask(host), '200 0', 'when it is ready');
  for (let version = 1; version <= changes; version++) {
    const host = (version * 7) % count;
    const other = (host + 1) % count;
    const old = `200 ${versions[host]}`;
    await origin.put(host, version);
    versions[host] = version;
    for (let answer = ''; answer !== `200 ${version}`; ) {
      answer = await ask(host);
      assert.ok(answer === old || answer === `200 ${version}`, answer);
      assert.equal(await ask(other), `200 ${versions[other]}`);
    }
  }
  for (const [host, version] of versions.entries()) assert.equal(await ask(host), `200 ${version}`);
});
