// weft-injector as a process, with a proxy's keeper and stream against it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { TokenIssuer } from '../ca/index.ts';
import { DiscoveryClient, remoteSigner } from '../discovery/index.ts';
import { RecordingSink } from '../discovery/testing/recording-sink.ts';
import { reviews, reviewsSlice, shopYaml } from '../discovery/testing/stream-suite.ts';
import { WeftError } from '../errors/index.ts';
import { CertificateKeeper } from '../identity/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';

const program = join(import.meta.dirname, 'weft-injector.ts');
const issuer = 'https://kubernetes.default.svc.cluster.local';

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'weft-injector-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Flags for a good start, with free ports; the folder has the objects of the shop. */
async function goodFlags(context: TestContext, tokens?: TokenIssuer): Promise<Record<string, string>> {
  const path = await folder(context);
  const objects = await folder(context);
  await writeFile(join(objects, 'shop.yaml'), shopYaml);
  await writeFile(join(path, 'keys.json'), JSON.stringify(tokens?.jwks() ?? newIssuer().jwks()));
  return {
    source: `files:${objects}`,
    'ca-dir': join(path, 'ca'),
    'token-keys': join(path, 'keys.json'),
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'certificate-lifetime': '1h',
  };
}

function newIssuer(): TokenIssuer {
  const tokens = TokenIssuer.create({ issuer, clock: systemClock });
  assert.ok(!(tokens instanceof WeftError));
  return tokens;
}

function start(context: TestContext, flags: Record<string, string>): ChildProcess {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

/** The first log line with this message. */
async function logLine(child: ChildProcess, message: string): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const fields = JSON.parse(line) as Record<string, unknown>;
    if (fields.message === message) return fields;
  }
  throw new Error(`weft-injector ended without saying '${message}'`);
}

async function failure(context: TestContext, flags: Record<string, string>): Promise<string> {
  const child = start(context, flags);
  let text = '';
  child.stderr!.on('data', chunk => {
    text += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1, text);
  return text;
}

test('a proxy gets its certificate and its resources, metrics tell of it, and SIGTERM ends it cleanly', async context => {
  const tokens = newIssuer();
  const flags = await goodFlags(context, tokens);
  const liveToken = 'a-secret-of-this-test';
  await writeFile(join(flags['ca-dir']!, '../live-token'), liveToken);
  const child = start(context, {
    ...flags,
    'live-listen': '127.0.0.1:0',
    'live-token': join(flags['ca-dir']!, '../live-token'),
  });
  const { port, metricsPort, livePort } = (await logLine(
    child,
    'the control plane serves proxies',
  )) as Record<string, number>;
  child.stdout!.resume();
  const roots = [await readFile(join(flags['ca-dir']!, 'root-cert.pem'), 'utf8')];
  const controlPlane = {
    address: { host: '127.0.0.1', port: port! },
    identity: 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
    bootstrapRoots: () => roots,
  };
  const token = await tokens.issue({ namespace: 'shop', serviceAccount: 'front', pod: 'front-0' });
  const sign = remoteSigner({
    controlPlane,
    token: async () => token,
    credentials: () => keeper.credentials,
  });
  const keeper = new CertificateKeeper({ clock: systemClock, sign });
  const stop = new AbortController();
  context.after(() => stop.abort());
  keeper.start(stop.signal);
  const sink = new RecordingSink();
  const client = new DiscoveryClient({
    controlPlane,
    credentials: keeper,
    namespace: 'shop',
    pod: 'front-0',
    proxyVersion: 'test',
    sink,
    clock: systemClock,
    log: silentLog,
  });
  client.start();
  context.after(() => client.close());
  client.want('10.96.0.5:80');
  await sink.until(() => sink.addresses(reviews)?.length === 2);
  const asked = await fetch(`http://127.0.0.1:${livePort}/live/tap?namespace=shop&target=pod/front-0`, {
    headers: { authorization: `Bearer ${liveToken}` },
  });
  let heard = '';
  for await (const chunk of asked.body!) {
    heard += Buffer.from(chunk).toString();
    if (heard.includes('this proxy')) break;
  }
  assert.deepEqual(
    heard
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown),
    [
      { type: 'begin', replica: asked.status === 200 && /"replica":"([^"]+)"/.exec(heard)![1], proxies: 1 },
      {
        ...{ type: 'failed', pod: 'shop/front-0' },
        why: "this proxy is too old for 'tap'; restart its pod to get the version of the control plane",
      },
    ],
  );
  assert.equal((await fetch(`http://127.0.0.1:${livePort}/live/tap`)).status, 401);
  await writeFile(
    join(flags.source!.slice(6), 'more.yaml'),
    reviewsSlice('10.9.9.9').replace('reviews-1', 'reviews-2'),
  );
  await sink.until(() => sink.addresses(reviews)?.length === 3);

  const get = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text();
  assert.match(await get('/ready'), /"ready": true/);
  const metrics = await get('/metrics');
  for (const line of [
    /^weft_control_plane_connected_proxies 1$/m,
    /^weft_control_plane_certificates_signed_total 1$/m,
    /^weft_control_plane_pushes_total\{kind="endpoints"\} [2-9]/m,
    /^weft_control_plane_problems\{severity="error"\} 0$/m,
    /^weft_control_plane_authority_not_after_seconds\{role="root",serial="[0-9A-F]+"\} \d+/m,
  ]) {
    assert.match(metrics, line);
  }
  const proxies = JSON.parse(await get('/debug/proxies')) as { pod: string }[];
  assert.deepEqual(
    proxies.map(each => each.pod),
    ['shop/front-0'],
  );
  assert.equal((JSON.parse(await get('/debug/mesh')) as { services: number }).services, 1);
  const authority = JSON.parse(await get('/debug/authority')) as { issuer: string; roots: string[] };
  assert.equal(authority.issuer, 'own');
  assert.equal(authority.roots.length, 1);
  assert.match(await get('/nothing'), /nothing is at \/nothing/);

  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  await sink.until(() => sink.connections.at(-1)!.up === false);
  assert.equal(sink.addresses(reviews)!.length, 3, 'what was known stays in use');
});

test('what keeps it from starting is said in a line with the remedy', async context => {
  const flags = await goodFlags(context);
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  context.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const bad = await folder(context);
  await writeFile(join(bad, 'ca-cert.pem'), 'not a certificate');
  const cases: [Record<string, string>, RegExp][] = [
    [{ source: 'files:/nonexistent/folder' }, /the folder \/nonexistent\/folder cannot be read .*create it/],
    [{ listen: `127.0.0.1:${port}` }, /port \d+ is in use on 127\.0\.0\.1; stop what listens there/],
    [{ 'metrics-listen': `127.0.0.1:${port}` }, /port \d+ is in use; .*--metrics-listen/],
    [{ 'token-keys': '/nonexistent' }, /the token keys in \/nonexistent cannot be read/],
    [{ 'ca-dir': bad }, /ca-key\.pem is missing/],
    [{ source: 'what' }, /--source 'what' is not a source/],
  ];
  for (const [change, message] of cases) {
    assert.match(await failure(context, { ...flags, ...change }), message);
  }
});
