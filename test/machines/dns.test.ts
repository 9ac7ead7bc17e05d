// Names of the mesh on a machine outside of the cluster: control plane, the proxy with its packet rules and `weft machine dns`
// as processes in network namespaces, asked by the C library as any program asks.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenIssuer } from '../../src/ca/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { cannotRun, Namespace } from '../../src/redirect/testing/namespace.ts';
import { systemClock } from '../../src/time/index.ts';

const root = join(import.meta.dirname, '../..');
const main = (program: string): readonly string[] => [process.execPath, join(root, `src/main/${program}.ts`)];
const [cluster, machine] = ['192.0.2.1', '192.0.2.10'];

const objects = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: m1, namespace: vm}
spec: {address: ${machine}, serviceAccount: m1, labels: {app: m1}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {clusterIP: 10.96.0.5, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{port: 8080, protocol: TCP, name: ""}]
endpoints: [{addresses: [${cluster}], conditions: {ready: true}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ledger, namespace: vm}
spec:
  hosts: [ledger.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints: [{address: ${cluster}}]
`;

/** The app of both Services, and the machine's own server of names, which knows example.com. */
const others = `
const { createServer } = require('node:http');
const { createSocket } = require('node:dgram');
const { decode, encode } = require(${JSON.stringify(join(root, 'node_modules/dns-packet'))});
createServer((q, r) => r.end(q.headers.host + (q.headers['x-request-id'] ? ' through a proxy' : ''))).listen(8080, '${cluster}');
const names = createSocket('udp4');
names.on('message', (message, from) => {
  const { id, questions } = decode(message);
  const [{ name, type }] = questions;
  const known = name === 'example.com';
  const answers = known && type === 'A' ? [{ type, name, ttl: 9, data: '203.0.113.9' }] : [];
  names.send(encode({ type: 'response', id, flags: known ? 0x8180 : 0x8183, questions, answers }), from.port, from.address);
});
names.bind(53, '${cluster}', () => console.log('ready'));`;

interface Ran {
  readonly ok: boolean;
  readonly out: string;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const limitMs = performance.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > limitMs) throw new Error(`waited in vain: ${what}`);
    await sleep(50);
  }
}

/** A process in a namespace that goes with the test; resolves when it has printed `word`. */
async function start(
  t: TestContext,
  { name }: Namespace,
  command: readonly string[],
  word: string,
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn('ip', ['netns', 'exec', name, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const seen: string[] = [];
  child.stderr!.on('data', chunk => seen.push(String(chunk)));
  for await (const line of createInterface({ input: child.stdout! })) {
    seen.push(line);
    if (!line.includes(word)) continue;
    child.stdout!.resume();
    return { child, line };
  }
  throw new Error(`${command.join(' ')} ended: ${seen.join('\n')}`);
}

test('apps of a machine find names of the mesh, reach them through the proxy, and lose no other name', {
  skip: cannotRun(),
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-machine-dns-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await using inside = new Namespace('machine');
  await using outside = new Namespace('cluster');
  outside.ip(`link add c0 type veth peer name m0 netns ${inside.name}`);
  for (const [each, link, address] of [
    [outside, 'c0', cluster],
    [inside, 'm0', machine],
  ] as const) {
    each.ip(`addr add ${address}/24 dev ${link}`);
    each.ip(`link set ${link} up`);
  }
  inside.ip(`route add default via ${cluster}`);

  const tokens = TokenIssuer.create({ issuer: 'https://kubernetes.default.svc', clock: systemClock });
  assert.ok(!(tokens instanceof WeftError));
  const [etc, state, caDir] = ['etc', 'state', 'ca'].map(each => join(folder, each)) as [
    string,
    string,
    string,
  ];
  for (const each of [join(folder, 'mesh'), join(etc, 'weft'), state]) mkdirSync(each, { recursive: true });
  chmodSync(state, 0o777);
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(tokens.jwks()));
  writeFileSync(join(folder, 'mesh/mesh.yaml'), objects);
  const own = `# the machine's own\nnameserver ${cluster}\nsearch corp.example\noptions timeout:2\n`;
  writeFileSync(join(etc, 'resolv.conf'), own);

  await start(t, outside, [process.execPath, '-e', others], 'ready');
  const injector = await start(
    t,
    outside,
    [
      ...main('weft-injector'),
      ...[
        '--source',
        `files:${join(folder, 'mesh')}`,
        '--ca-dir',
        caDir,
        '--token-keys',
        join(folder, 'keys.json'),
      ],
      ...[
        '--listen',
        `${cluster}:15012`,
        '--metrics-listen',
        `${cluster}:0`,
        '--live-listen',
        `${cluster}:0`,
      ],
    ],
    'the control plane serves proxies',
  );

  const run = (command: readonly string[]): Promise<Ran> =>
    new Promise(resolve => {
      // A mount namespace of its own comes with ip netns exec.
      const script = `mount --bind ${etc}/resolv.conf /etc/resolv.conf && exec "$0" "$@"`;
      const args = ['netns', 'exec', inside.name, 'sh', '-c', script, ...command];
      execFile('ip', args, { timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ ok: error === null, out: `${stdout}${stderr}`.trim() }),
      );
    });
  const weft = (...args: readonly string[]): Promise<Ran> => run([...main('weft'), 'machine', ...args]);

  const prepared = await weft(
    ...['prepare', '--group', 'm', '-n', 'vm', '--address', machine, '--control-plane', `${cluster}:15012`],
    ...[
      '--dns',
      '--intercept',
      '10.96.0.0/12',
      '--ca-dir',
      caDir,
      '--service-account',
      'm1',
      '--ports',
      '9000',
    ],
    ...['-o', join(folder, 'prepared')],
  );
  assert.ok(prepared.ok, prepared.out);
  const env = readFileSync(join(folder, 'prepared/proxy.env'), 'utf8');
  writeFileSync(join(etc, 'weft/proxy.env'), env);
  for (const name of ['token', 'root-cert.pem']) chmodSync(join(folder, 'prepared', name), 0o644);
  chmodSync(join(folder, 'prepared'), 0o755);
  const flags = (name: string): string[] => new RegExp(`^${name}=(.*)$`, 'm').exec(env)![1]!.split(' ');
  // There is no API server that would write the group's entry: ours has one of that name already.
  const proxyFlags = flags('WEFT_PROXY_FLAGS')
    .join(' ')
    .replace('--workload-group m', '--pod-name vm~m1')
    .replaceAll('/etc/weft/', `${join(folder, 'prepared')}/`)
    .replace('/var/lib/weft-proxy', state)
    .split(' ');
  const startProxy = () =>
    start(
      t,
      inside,
      [
        ...['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups'],
        ...['--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service'],
        ...[...main('weft-proxy'), 'run', ...proxyFlags],
      ],
      'weft-proxy carries traffic',
    );
  let proxy = await startProxy();

  const printed = await weft('dns', '--root', folder);
  assert.match(
    printed.out,
    /nameserver 127\.15\.0\.53\nnameserver 192\.0\.2\.1\nsearch vm\.svc\.cluster\.local/,
  );
  assert.ok((await weft('dns', '--write', '--root', folder)).ok);
  const rules = await run([...main('weft-proxy'), 'init', ...flags('WEFT_INIT_FLAGS')]);
  assert.ok(rules.ok, rules.out);

  const address = async (name: string): Promise<string> =>
    (await run(['getent', 'ahostsv4', name])).out.split(/\s/)[0]!;
  const get = async (url: string): Promise<string> =>
    (
      await run([
        process.execPath,
        '-e',
        `fetch('${url}').then(r => r.text()).then(console.log, e => console.log(e.cause))`,
      ])
    ).out;
  // Until the control plane has answered, the machine's own server does.
  await until('names of the mesh', async () => (await address('cart.shop')) === '10.96.0.5' || undefined);
  assert.equal(await address('cart.shop.svc.cluster.local'), '10.96.0.5');
  assert.equal(await get('http://cart.shop/'), 'cart.shop through a proxy');
  const virtual = await address('ledger.example');
  assert.match(virtual, /^240\.240\./);
  assert.equal(await get('http://ledger.example/'), 'ledger.example through a proxy');
  assert.equal(await address('example.com'), '203.0.113.9');
  assert.equal(await address('nobody.shop.svc.cluster.local'), '');

  // The control plane goes, and then the proxy comes back without it: what was known holds, addresses included.
  injector.child.kill('SIGKILL');
  await once(injector.child, 'exit');
  assert.equal(await address('ledger.example'), virtual);
  proxy.child.kill('SIGTERM');
  await once(proxy.child, 'exit');
  assert.equal(await address('example.com'), '203.0.113.9', 'the machine’s own server is behind the proxy');
  proxy = await startProxy();
  assert.equal(await address('ledger.example'), virtual);
  assert.equal(await get('http://ledger.example/'), 'ledger.example through a proxy');
  assert.equal(await address('cart.shop'), '10.96.0.5');
  assert.equal(await address('example.com'), '203.0.113.9');

  assert.ok((await weft('dns', '--undo', '--root', folder)).ok);
  assert.equal(readFileSync(join(etc, 'resolv.conf'), 'utf8'), own);
  assert.equal(await address('ledger.example'), '');
});
