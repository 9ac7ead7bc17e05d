// Against a real redis-server, named by WEFT_REDIS_SERVER or on PATH.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { EdgePolicy } from '../../model/index.ts';
import { edgeFiltersSharing } from '../edge/index.ts';
import { certificateFor } from '../gateway/testing/gateway-rig.ts';
import { ask, httpServer } from '../testing/clients.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';
import { RedisCounts } from './index.ts';

const program =
  process.env.WEFT_REDIS_SERVER ||
  (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0 ? 'redis-server' : undefined);
const skip = program === undefined && 'no redis-server on PATH or in WEFT_REDIS_SERVER';

/** One without persistence, that can be killed and started again at its port. */
class RedisServer {
  readonly port: number;
  #process: ChildProcess | undefined;
  readonly #arguments: readonly string[];

  constructor(port: number, more: readonly string[] = []) {
    this.port = port;
    this.#arguments = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...more];
  }

  async start(): Promise<void> {
    const child = spawn(program!, this.#arguments, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    for await (const line of child.stdout.setEncoding('utf8'))
      if (String(line).includes('Ready to accept connections')) break;
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    if (signal !== 'SIGSTOP') await gone;
    else this.#process = child;
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function redis(t: TestContext, more?: readonly string[]): Promise<RedisServer> {
  const server = new RedisServer(await freePort(), more);
  await server.start();
  t.after(() => server.stop());
  return server;
}

interface Counting {
  readonly counts: RedisCounts;
  /** Resolves as soon as it is so. */
  readonly becomes: (usable: boolean) => Promise<void>;
}

function counting(t: TestContext, url: string, more: object = {}): Counting {
  let heard = (): void => {};
  const counts = new RedisCounts({ url, passwordFile: '', caFile: '', timeoutMs: 10_000, ...more }, () =>
    heard(),
  );
  t.after(() => counts.close());
  const becomes = async (usable: boolean): Promise<void> => {
    while (counts.usable !== usable)
      await new Promise<void>(resolve => {
        heard = resolve;
      });
  };
  return { counts, becomes };
}

/** Two gateways of one app that count together. */
async function gateways(
  t: TestContext,
  server: RedisServer,
  edge: EdgePolicy,
  more: object = {},
): Promise<readonly (TestProxy & Counting)[]> {
  const app = await httpServer((request, response) => {
    if (request.url !== '/wait') response.end('fine');
  });
  const mesh = new StaticMesh();
  t.after(() => {
    mesh.close();
    app.close();
  });
  const all = [0, 1].map(index => {
    const counted = counting(t, `redis://127.0.0.1:${server.port}`, more);
    return Object.assign(
      mesh.proxy(`gateway-${index}`, { edge: edgeFiltersSharing(counted.counts) }),
      counted,
    );
  });
  mesh.set({ key: 'app:80', endpoints: [mesh.plain(app.port)], route: { edge } });
  await Promise.all(all.map(each => each.becomes(true)));
  return all;
}

const rate: EdgePolicy = {
  clientLimits: [{ zone: 'a', key: { kind: 'address' }, perSecond: 0.001, burst: 9, delay: false }],
};

async function statuses(proxy: TestProxy, count: number): Promise<string> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await ask(proxy.plane.outboundPort, 'app:80')).status);
  return [200, 503].map(status => all.filter(each => each === status).length).join(' ');
}

test('a rate holds for all replicas together, and for none that has not asked', { skip }, async t => {
  const [one, other] = await gateways(t, await redis(t), rate);
  assert.equal(await statuses(one!, 6), '6 0');
  assert.equal(await statuses(other!, 6), '4 2');
  assert.equal(await statuses(one!, 2), '0 2');
});

test('what one rate refuses, another has not counted', { skip }, async t => {
  const { port } = await redis(t);
  const { counts, becomes } = counting(t, `redis://127.0.0.1:${port}`);
  await becomes(true);
  const wide = { key: 'wide', perSecond: 0.001, burst: 100 };
  const narrow = { key: 'narrow', perSecond: 0.001, burst: 0 };
  assert.deepEqual(await counts.take([wide, narrow]), { excesses: [0, 0] });
  assert.deepEqual(await counts.take([wide, narrow]), { refused: 1 });
  const answer = (await counts.take([wide])) as { excesses: readonly number[] };
  assert.equal(Math.round(answer.excesses[0]!), 1, 'the second request is the first that it counts beyond');
});

test('requests under way are counted together, and those of a replica that is gone are forgotten', {
  skip,
}, async t => {
  const { port } = await redis(t);
  const [one, other] = [counting(t, `redis://127.0.0.1:${port}`), counting(t, `redis://127.0.0.1:${port}`)];
  await Promise.all([one.becomes(true), other.becomes(true)]);
  assert.equal(await one.counts.enter('a', 1, 2), true);
  assert.equal(await other.counts.enter('a', 1, 2), true);
  assert.equal(await other.counts.enter('a', 2, 2), false);
  assert.equal(await one.counts.enter('b', 1, 1), true);
  one.counts.left('a', 0);
  // On one connection what was told before is done before.
  assert.equal(await one.counts.enter('c', 1, 1), true);
  assert.equal(await other.counts.enter('a', 2, 2), true);
});

test('a Redis that is killed costs no request, and is used again when it is back', { skip }, async t => {
  const server = await redis(t);
  const [one, other] = await gateways(t, server, rate);
  assert.equal(await statuses(one!, 3), '3 0');
  await server.stop();
  await one!.becomes(false);
  // Its own counts decide, and what it has let in before is among them.
  assert.equal(await statuses(one!, 8), '7 1');
  assert.equal(await statuses(other!, 8), '8 0');
  await server.start();
  await Promise.all([one!.becomes(true), other!.becomes(true)]);
  const { clientLimits } = rate;
  assert.deepEqual(
    await other!.counts.take(clientLimits!.map(({ zone, ...each }) => ({ ...each, key: zone }))),
    {
      excesses: [0],
    },
  );
  assert.equal(await statuses(other!, 3), '2 1', 'what it knows itself holds on');
});

test('a Redis that hangs is waited for no longer than told, and then not asked', { skip }, async t => {
  const server = await redis(t);
  const [one] = await gateways(t, server, rate, { timeoutMs: 50 });
  await server.stop('SIGSTOP');
  assert.equal(await statuses(one!, 10), '10 0');
  assert.equal(one!.counts.usable, false);
  assert.equal(await statuses(one!, 1), '0 1');
  server.resume();
  await one!.becomes(true);
});

test('with a password, and keys that name no client', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-redis-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'secret\n');
  const { port } = await redis(t, ['--requirepass', 'secret']);
  const { counts, becomes } = counting(t, `redis://127.0.0.1:${port}`, { passwordFile });
  await becomes(true);
  await counts.take([{ key: 'zone 192.0.2.1', perSecond: 0.001, burst: 1 }]);
  const { Redis } = await import('ioredis');
  const client = new Redis(port, '127.0.0.1', { password: 'secret' });
  t.after(() => client.disconnect());
  const keys = await client.keys('*');
  assert.equal(keys.length, 1);
  assert.match(keys[0]!, /^\{weft\}:[\w-]{27}$/);
  assert.throws(
    () => new RedisCounts({ url: 'redis://127.0.0.1:1', passwordFile: '/nowhere', caFile: '', timeoutMs: 1 }),
    /the file \/nowhere of the Redis for limits cannot be read/,
  );
});

test('by TLS, with an authority of its own', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-redis-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { keyPem, pem } = certificateFor(['localhost']);
  const files = { key: keyPem, crt: pem };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const file = (name: string): string => join(folder, name);
  const tlsPort = await freePort();
  await redis(t, [
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', '--tls-ca-cert-file', file('crt')],
    ...['--tls-cert-file', file('crt'), '--tls-key-file', file('key')],
  ]);
  const url = `rediss://localhost:${tlsPort}`;
  const { counts, becomes } = counting(t, url, { caFile: file('crt') });
  await becomes(true);
  assert.deepEqual(await counts.take([{ key: 'a', perSecond: 1, burst: 1 }]), { excesses: [0] });
});
