// Writes the code that V8 makes of weft-proxy's files beside them: of a proxy that has come up with a control plane and has
// carried requests both ways, so that the next one finds compiled what it needs until then.
//   node scripts/merged/code-cache.ts FOLDER    where weft-proxy.mjs and weft-injector.mjs are, as in dist/
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { type AddressInfo, createServer as listen } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenIssuer } from '../../src/ca/index.ts';
import { ANNOTATIONS } from '../../src/config/names.ts';
import { systemClock } from '../../src/time/index.ts';

const namespace = 'code-cache';
/** Addresses of the pods. */
const pods = { one: '127.0.0.2', other: '127.0.0.3' } as const;
type Pod = keyof typeof pods;
/** Enough that what runs for each request was compiled, too few for V8 to optimise it. */
const requests = 20;
/** An image may be built by an emulator. */
const patienceMs = 120_000;

/** Where a proxy is reached. */
interface Proxy {
  readonly outbound: number;
  readonly health: number;
  readonly child: ChildProcess;
}

const programs = resolve(process.argv[2] ?? 'dist');
const folder = mkdtempSync(join(tmpdir(), 'weft-code-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const name of await record()) console.log(name);
process.exit(0);

async function record(): Promise<string[]> {
  const app = createServer((_, response) => response.end('hello')).listen(0, '0.0.0.0');
  await once(app, 'listening');
  const inbound = { one: await freePort(), other: await freePort() };
  const issuer = TokenIssuer.create({
    issuer: 'https://kubernetes.default.svc.cluster.local',
    clock: systemClock,
  });
  if (issuer instanceof Error) throw issuer;
  const port = await startControlPlane(issuer, objects((app.address() as AddressInfo).port, inbound));
  const one = await startProxy('one', issuer, port, inbound.one);
  const other = await startProxy('other', issuer, port, inbound.other);
  for (let each = 0; each < requests; each++) {
    await ask(pods.one, one.outbound, 'other');
    await ask(pods.other, other.outbound, 'one');
  }
  let said = '';
  one.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  one.child.kill('SIGUSR2');
  await once(one.child, 'close');
  const written = said.split('\n').filter(line => line.endsWith('.code'));
  if (written.length === 0) throw new Error('weft-proxy has written no code');
  return written;
}

async function startControlPlane(issuer: TokenIssuer, yaml: string): Promise<number> {
  mkdirSync(join(folder, 'objects'));
  writeFileSync(join(folder, 'objects/all.yaml'), yaml);
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(issuer.jwks()));
  const [port, metrics] = [await freePort(), await freePort()];
  start('weft-injector', [], {
    source: `files:${join(folder, 'objects')}`,
    'ca-dir': join(folder, 'ca'),
    'token-keys': join(folder, 'keys.json'),
    listen: `127.0.0.1:${port}`,
    'metrics-listen': `127.0.0.1:${metrics}`,
  });
  await answers(`http://127.0.0.1:${metrics}/ready`);
  return port;
}

async function startProxy(name: Pod, issuer: TokenIssuer, plane: number, inbound: number): Promise<Proxy> {
  const token = join(folder, `${name}-token`);
  writeFileSync(token, await issuer.issue({ namespace, serviceAccount: name, pod: name }));
  const [outbound, admin, health] = [await freePort(), await freePort(), await freePort()];
  const recorder = ['--import', new URL('./record.ts', import.meta.url).href];
  const child = start(
    'weft-proxy',
    ['run', '--no-redirect'],
    {
      'control-plane': `127.0.0.1:${plane}`,
      'root-certificate': join(folder, 'ca/root-cert.pem'),
      token,
      listen: pods[name],
      'outbound-port': `${outbound}`,
      'inbound-port': `${inbound}`,
      'admin-port': `${admin}`,
      'health-port': `${health}`,
      'pod-name': name,
      'pod-namespace': namespace,
      'pod-ips': pods[name],
      'service-account': name,
    },
    recorder,
  );
  await answers(`http://${pods[name]}:${health}/ready`);
  return { outbound, health, child };
}

function start(
  program: string,
  words: readonly string[],
  flags: Readonly<Record<string, string>>,
  node: readonly string[] = [],
): ChildProcess {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const env = { ...process.env, WEFT_MERGED_PROGRAM: join(programs, 'proxy/program.cjs') };
  const child = spawn(process.execPath, [...node, join(programs, `${program}.mjs`), ...words, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout!.resume();
  children.push(child);
  child.once('exit', code => {
    if (code !== 0 && code !== null) throw new Error(`${program} ended with ${code}`);
  });
  return child;
}

/** Asks until the answer is 200. */
async function answers(url: string): Promise<void> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(50))
    if ((await fetch(url).catch(() => undefined))?.status === 200) return;
  throw new Error(`${url} does not answer 200`);
}

/** A request of the app at `address` to a Service. */
function ask(address: string, port: number, service: Pod): Promise<void> {
  return new Promise((done, failed) => {
    get({ host: address, port, headers: { host: `${service}.${namespace}` } }, response => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) done();
        else
          failed(
            new Error(`${service} was asked through the proxy, and the answer is ${response.statusCode}`),
          );
      });
    }).once('error', failed);
  });
}

async function freePort(): Promise<number> {
  const server = listen().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function objects(app: number, inbound: Readonly<Record<Pod, number>>): string {
  return (Object.keys(pods) as Pod[])
    .map(
      (name, at) => `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}}, annotations: {${ANNOTATIONS.status}: '{}', ${ANNOTATIONS.tunnelPort}: '${inbound[name]}'}}
spec: {serviceAccountName: ${name}}
status: {podIP: ${pods[name]}}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {clusterIP: 10.96.0.${at + 1}, ports: [{name: http, port: 80, targetPort: ${app}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: ${namespace}, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: http, port: ${app}}]
endpoints: [{addresses: [${pods[name]}], conditions: {ready: true}}]
`,
    )
    .join('');
}
