// A machine outside of the cluster: weft-injector and weft-proxy as processes, a token, a WorkloadEntry, and a call each way.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { TokenIssuer } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { freePort } from '../wire/testing/ports.ts';

const main = import.meta.dirname;
const run = promisify(execFile);

/** Starts a program of ours; resolves with the fields of the log line that says `message`. */
async function start(
  context: TestContext,
  program: string,
  args: readonly string[],
  message: string,
): Promise<{ readonly child: ChildProcess; readonly fields: Readonly<Record<string, number>> }> {
  const child = spawn(process.execPath, [join(main, program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  const seen: string[] = [];
  child.stderr!.on('data', chunk => seen.push(String(chunk)));
  for await (const line of createInterface({ input: child.stdout! })) {
    seen.push(line);
    if (!line.includes(message)) continue;
    child.stdout!.resume();
    return { child, fields: JSON.parse(line) as Record<string, number> };
  }
  throw new Error(`${program} ended: ${seen.join('\n')}`);
}

/** A workload outside of the cluster, whose proxy takes mesh TLS at `inbound`, and the host that stands for it. */
const machine = (name: string, address: string, inbound: number, port: number): string => `---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: ${name}, namespace: vm, annotations: {weft.dev/tunnel-port: "${inbound}"}}
spec: {address: ${address}, serviceAccount: ${name}, labels: {app: ${name}, security.istio.io/tlsMode: istio}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: vm}
spec:
  hosts: [${name}.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: ${port}}]
  workloadSelector: {labels: {app: ${name}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${name}, namespace: vm}
spec: {selector: {matchLabels: {app: ${name}}}, mtls: {mode: STRICT}}
`;

test('two machines join by token, and call each other by mutual TLS under their own names', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-machine-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const names = ['billing', 'ledger'] as const;
  const addresses = { billing: '127.0.0.21', ledger: '127.0.0.22' };
  const app = createServer((incoming, response) => {
    response.end(String(incoming.headers['x-forwarded-client-cert'] ?? 'nobody'));
  }).listen(0, addresses.ledger);
  await once(app, 'listening');
  context.after(() => app.close());
  const { port: appPort } = app.address() as AddressInfo;
  const ports = Object.fromEntries(
    await Promise.all(
      names.map(async name => [name, { inbound: await freePort(), outbound: await freePort() }] as const),
    ),
  );
  const objects = names.map(name => machine(name, addresses[name], ports[name]!.inbound, appPort));
  await writeFile(join(folder, 'vm.yaml'), objects.join(''));
  const tokens = TokenIssuer.create({ issuer: 'https://kubernetes.default.svc', clock: systemClock });
  assert.ok(!(tokens instanceof WeftError));
  const keys = join(folder, 'keys.json');
  await writeFile(keys, JSON.stringify(tokens.jwks()));
  const caDir = join(folder, 'ca');
  const injector = await start(
    context,
    'weft-injector.ts',
    [
      ...['--source', `files:${folder}`, '--ca-dir', caDir, '--token-keys', keys, '--listen', '127.0.0.1:0'],
      ...['--metrics-listen', '127.0.0.1:0', '--live-listen', '127.0.0.1:0', '--certificate-lifetime', '1h'],
    ],
    'the control plane serves proxies',
  );
  for (const name of names) {
    const token = join(folder, `${name}.token`);
    const made = ['token', 'create', '--namespace', 'vm', '--service-account', name, '--ca-dir', caDir];
    await writeFile(token, (await run(process.execPath, [join(main, 'weft.ts'), ...made])).stdout);
    const health = await freePort();
    await start(
      context,
      'weft-proxy.ts',
      [
        ...['run', '--no-redirect', '--listen', addresses[name], '--pod-name', `vm~${name}`],
        ...['--pod-namespace', 'vm', '--service-account', name, '--pod-ips', addresses[name]],
        ...['--control-plane', `127.0.0.1:${injector.fields.port}`, '--token', token],
        ...['--root-certificate', join(caDir, 'root-cert.pem')],
        ...['--outbound-port', `${ports[name]!.outbound}`, '--inbound-port', `${ports[name]!.inbound}`],
        ...['--admin-port', '0', '--health-port', `${health}`],
      ],
      'connected to the control plane',
    );
  }
  assert.ok((await readFile(join(folder, 'billing.token'), 'utf8')).startsWith('weft-join.'));
  const sent = request({
    ...{ host: addresses.billing, port: ports.billing!.outbound, agent: false },
    ...{ path: 'http://ledger.example/', headers: { host: 'ledger.example' } },
  }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.equal(
    await text(response),
    'By=spiffe://cluster.local/ns/vm/sa/ledger;URI=spiffe://cluster.local/ns/vm/sa/billing',
  );
});
