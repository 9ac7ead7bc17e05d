import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, get } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../ca/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { systemClock } from '../time/index.ts';
import { awayMs } from './api-error.ts';
import { ApiError, KubeClient, TYPES } from './index.ts';
import { loadKubeConfig } from './kubeconfig.ts';
import { FakeApi } from './testing/fake-api.ts';

async function setUp(context: TestContext) {
  const api = new FakeApi();
  await api.start();
  api.put(TYPES.namespace, { metadata: { name: 'shop' } });
  const folder = await mkdtemp(join(tmpdir(), 'weft-kubeconfig-'));
  context.after(async () => {
    await api.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const kubeconfig = async (user: object, cluster: object = {}): Promise<string> => {
    const path = join(folder, 'kubeconfig.json');
    const config = {
      'current-context': 'main',
      clusters: [{ name: 'c', cluster: { server: api.url, 'insecure-skip-tls-verify': true, ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [
        { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
        { name: 'broken', context: { cluster: 'none', user: 'u' } },
      ],
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  };
  const authorizationOf = async (client: KubeClient): Promise<string | undefined> => {
    const answer = await client.get(TYPES.namespace, undefined, 'shop');
    assert.ok(!(answer instanceof ApiError), String(answer));
    return api.calls.at(-1)!.authorization;
  };
  return { api, folder, kubeconfig, authorizationOf };
}

test('tokens, token files, passwords, plugins and providers of a kubeconfig are used', async context => {
  const { folder, kubeconfig, authorizationOf } = await setUp(context);
  const file = join(folder, 'token');
  await writeFile(file, 'from-file');
  const plugin = join(folder, 'plugin');
  const status = '{"kind":"ExecCredential","status":{"token":"from-\'$KIND\'"}}';
  await writeFile(plugin, `#!/bin/sh\necho '${status}'\n`);
  await chmod(plugin, 0o755);
  const cloud = join(folder, 'cloud');
  await writeFile(cloud, `#!/bin/sh\necho '{"token":"from-'$1'","until":"2099-01-01T00:00:00Z"}'\n`);
  await chmod(cloud, 0o755);
  const cloudUser = (name: string) => ({
    'auth-provider': {
      name,
      config: { 'cmd-path': cloud, 'cmd-args': name, 'token-key': '{.token}', 'expiry-key': '{.until}' },
    },
  });
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const idToken = `${part({ alg: 'none' })}.${part({ exp: Math.round(Date.now() / 1000) + 3_600 })}.c2ln`;
  const users: [object, string][] = [
    [{ token: 'plain' }, 'Bearer plain'],
    [{ 'token-file': file }, 'Bearer from-file'],
    [{ 'auth-provider': { name: 'tokenFile', config: { tokenFile: file } } }, 'Bearer from-file'],
    [{ username: 'me', password: 'secret' }, `Basic ${Buffer.from('me:secret').toString('base64')}`],
    [{ exec: { command: plugin, env: [{ name: 'KIND', value: 'exec' }] } }, 'Bearer from-exec'],
    [cloudUser('gcp'), 'Bearer from-gcp'],
    [cloudUser('azure'), 'Bearer from-azure'],
    [{ 'auth-provider': { name: 'oidc', config: { 'id-token': idToken } } }, `Bearer ${idToken}`],
  ];
  for (const [user, expected] of users) {
    assert.equal(await authorizationOf(new KubeClient({ kubeconfig: await kubeconfig(user) })), expected);
  }
});

test('a proxy before the server, and whom to act for, are taken from the kubeconfig', async context => {
  const { api, kubeconfig } = await setUp(context);
  const through: string[] = [];
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket: Duplex) => {
    through.push(`${request.method} ${request.url}`);
    const { hostname, port } = new URL(api.url);
    const onward = connect(Number(port), hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.pipe(socket).pipe(onward);
    for (const each of [socket, onward]) each.on('error', () => {});
    socket.on('close', () => onward.destroy());
    context.after(() => socket.destroy());
  });
  proxy.on('request', (request, response) => {
    through.push(`${request.method} ${request.url}`);
    const onward = get(request.url!, { headers: request.headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  context.after(() => proxy.close().closeAllConnections());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const path = await kubeconfig({ token: 'plain', as: 'auditor' }, { 'proxy-url': proxyUrl });
  const answer = await new KubeClient({ kubeconfig: path }).get(TYPES.namespace, undefined, 'shop');
  assert.ok(!(answer instanceof ApiError), String(answer));
  assert.equal(through.length, 1, 'the call went through the proxy');
  const { authorization, impersonated } = api.calls.at(-1)!;
  assert.deepEqual(
    { authorization, impersonated },
    { authorization: 'Bearer plain', impersonated: 'auditor' },
  );
});

test('credentials that were replaced in the file are used as soon as the old ones are refused', async context => {
  const { api, kubeconfig, authorizationOf } = await setUp(context);
  const client = new KubeClient({ kubeconfig: await kubeconfig({ token: 'old' }) });
  assert.equal(await authorizationOf(client), 'Bearer old');
  api.fault = call =>
    call.authorization === 'Bearer old' ? { status: 401, message: 'Unauthorized' } : undefined;
  const refused = await client.get(TYPES.namespace, undefined, 'shop');
  assert.ok(refused instanceof ApiError);
  assert.match(refused.message, /does not accept these credentials \(Unauthorized\); renew them/);
  const later = new KubeClient({ kubeconfig: await kubeconfig({ token: 'old' }) });
  await kubeconfig({ token: 'new' });
  assert.equal(await authorizationOf(later), 'Bearer new');
});

test('a plugin that fails, and a server that is not there, are results with the remedy', async context => {
  const { kubeconfig } = await setUp(context);
  const cases: [object, object, string, RegExp][] = [
    [
      { exec: { command: '/nonexistent/plugin' } },
      {},
      'api-unauthorized',
      /no credentials .*\/nonexistent\/plugin.*see the user/,
    ],
    [
      { exec: { command: '/bin/sh', args: ['-c', 'echo no login >&2; exit 1'] } },
      {},
      'api-unauthorized',
      /no login/,
    ],
    [{ token: 'a' }, { server: 'http://127.0.0.1:1' }, 'api-unreachable', /ECONNREFUSED.*check its address/],
    [
      { token: 'a' },
      { server: 'http://127.0.0.1:1', 'insecure-skip-tls-verify': false },
      'api-unauthorized',
      /HTTP protocol is not allowed/,
    ],
  ];
  for (const [user, cluster, code, message] of cases) {
    const answer = await new KubeClient({ kubeconfig: await kubeconfig(user, cluster) }).call({
      path: '/version',
    });
    assert.ok(answer instanceof ApiError);
    assert.equal(answer.code, code);
    assert.match(answer.message, message);
  }
});

const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });

function issue(name: string): { key: string; certificate: string } {
  const { csrPem, keyPem } = createKeyAndCsr();
  const identity = { trustDomain: 'cluster.local', namespace: 'x', serviceAccount: name };
  const signed = authority.sign(csrPem, identity, { dnsNames: ['api.test'] });
  assert.ok(!(signed instanceof Error));
  return { key: keyPem, certificate: signed.chainPem };
}

test('client certificates are shown, the server’s is checked, and a renewed one is used', async context => {
  const { folder, kubeconfig } = await setUp(context);
  const own = issue('server');
  const seen: (string | undefined)[] = [];
  const ca = authority.roots.join('');
  const server = createHttpsServer(
    { key: own.key, cert: own.certificate, ca, requestCert: true },
    (request, response) => {
      seen.push((request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName);
      response.end('{}');
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const cluster = {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'insecure-skip-tls-verify': false,
    'certificate-authority-data': base64(ca),
    'tls-server-name': 'api.test',
  };
  const files = { 'client-certificate': join(folder, 'tls.crt'), 'client-key': join(folder, 'tls.key') };
  const write = async (name: string): Promise<void> => {
    const { key, certificate } = issue(name);
    await writeFile(files['client-certificate'], certificate);
    await writeFile(files['client-key'], key);
  };
  const client = new KubeClient({ kubeconfig: await kubeconfig(files, cluster) });
  for (const name of ['first', 'second']) {
    await write(name);
    assert.deepEqual(await client.call({ path: '/version' }), {});
  }
  assert.deepEqual(
    seen.map(each => /sa\/(\w+)/.exec(each ?? '')?.[1]),
    ['first', 'second'],
  );
  const wrong = await kubeconfig(files, { ...cluster, 'tls-server-name': 'other.test' });
  const refused = await new KubeClient({ kubeconfig: wrong }).call({ path: '/version' });
  assert.ok(refused instanceof ApiError);
  assert.equal(refused.code, 'api-unreachable');
});

test('a configuration that cannot be used is refused by name', async context => {
  const { kubeconfig, folder } = await setUp(context);
  const path = await kubeconfig({ token: 'a' });
  const empty = { HOME: folder };
  assert.throws(() => loadKubeConfig({ kubeconfig: '/nonexistent' }), {
    code: 'kubeconfig',
    message: /\/nonexistent cannot be read/,
  });
  assert.throws(() => loadKubeConfig({ kubeconfig: path, context: 'other' }), {
    message: /no context 'other'; choose one with --context: main, broken/,
  });
  assert.throws(() => loadKubeConfig({ kubeconfig: path, context: 'broken' }), {
    message: /names no cluster with a server/,
  });
  assert.throws(() => loadKubeConfig({}, empty), { message: /there is no Kubernetes API to talk to/ });
  assert.equal(loadKubeConfig({}, { KUBECONFIG: path }).getCurrentContext(), 'main');
});

test('answers that are none are errors, and how long to stay away is kept', async context => {
  const { api } = await setUp(context);
  const client = api.client();
  for (const text of ['', '[]', 'null', '<html>']) {
    api.fault = () => ({ text });
    const answer = await client.call({ path: '/version' });
    assert.ok(answer instanceof ApiError);
    assert.equal(answer.code, 'api-unreadable');
  }
  api.fault = () => ({ status: 429, reason: 'TooManyRequests', retryAfter: 7 });
  api.calls.length = 0;
  const busy = await client.call({ path: '/version', timeoutMs: 5_000 });
  assert.ok(busy instanceof ApiError);
  assert.deepEqual([busy.code, busy.retryAfterMs, busy.passing], ['api-busy', 7_000, true]);
  assert.equal(api.calls.length, 1, 'there is no time to come again');
  api.fault = () => ({ status: 429, reason: 'TooManyRequests', retryAfter: 86_400 });
  const day = await client.call({ path: '/version' });
  assert.equal(day instanceof ApiError && day.retryAfterMs, 120_000);
});

test('a call that the server sends away comes again when it may, whatever it does, and not for ever', async context => {
  const { api } = await setUp(context);
  const client = new KubeClient({ load: () => api.kubeConfig(), random: () => 0 });
  const times: number[] = [];
  api.fault = () => (times.push(performance.now()) === 1 ? { status: 429, retryAfter: 1 } : undefined);
  const made = await client.create(TYPES.configMap, 'shop', { metadata: { name: 'one' } });
  assert.ok(!(made instanceof ApiError), String(made));
  assert.equal(times.length, 2);
  // Timers of Node may be a millisecond early.
  assert.ok(times[1]! - times[0]! >= 995, `${times}`);
  api.calls.length = 0;
  api.fault = () => ({ status: 503, retryAfter: 0 });
  const refused = await client.call({ path: '/version' });
  assert.equal(refused instanceof ApiError && refused.status, 503);
  assert.equal(api.calls.length, 11);
  api.calls.length = 0;
  api.fault = () => ({ status: 500 });
  await client.call({ path: '/version' });
  assert.equal(api.calls.length, 1, 'without Retry-After nobody knows whether it was done');
});

test('whoever was sent away comes back no sooner than told, and not with all the others', () => {
  assert.deepEqual([awayMs(1_000, 0), awayMs(1_000, 0.5), awayMs(0, 0.5)], [1_000, 1_375, 125]);
});

test('what a pod answers through the server may be any JSON; what the API answers is an object', async context => {
  const { api, kubeconfig } = await setUp(context);
  const client = new KubeClient({ kubeconfig: await kubeconfig({ token: 'a' }), userAgent: 'test' });
  api.fault = () => ({ text: '[{"code":"x"}]' });
  const ofPod = '/api/v1/namespaces/weft-system/pods/injector:15014/proxy/debug/problems';
  assert.deepEqual(await client.call({ path: ofPod }), [{ code: 'x' }]);
  const ofApi = await client.call({ path: '/api/v1/namespaces/proxy' });
  assert.match(String(ofApi), /no JSON object/);
  api.fault = () => ({ text: '<html>' });
  assert.match(String(await client.call({ path: ofPod })), /no JSON/);
});
