// The real control plane against a real API server, as its own ServiceAccount with the roles that are installed: whatever it
// needs and may not do is found here.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { installObjects, installOptions, settingsText } from '../../src/cli/install/index.ts';
import { post, review } from '../../webhook/admission/testing/admission.ts';
import { type ApiServer, noApiServer, serverVersion, startApiServer } from './api-server.ts';

const main = new URL('../../src/main/weft-injector.ts', import.meta.url).pathname;
const options = installOptions({ kubernetesVersion: serverVersion() });

describe('the control plane with the roles that are installed', { skip: noApiServer }, () => {
  let api: ApiServer;
  let folder: string;
  let injector: ChildProcess;
  let ports: { port: number; metricsPort: number; webhookPort: number };

  before(async () => {
    api = await startApiServer();
    folder = await mkdtemp(join(tmpdir(), 'weft-injector-'));
    for (const object of installObjects(options)) await api.create(object);
    await api.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'weft.dev/inject': 'enabled' } },
    });
    const kubeconfig = await accountKubeconfig(api, folder);
    const settings = join(folder, 'injection.yaml');
    await writeFile(settings, settingsText(options));
    injector = spawn(
      process.execPath,
      [
        main,
        '--source=kubernetes',
        `--kubeconfig=${kubeconfig}`,
        `--injection-settings=${settings}`,
        ...[
          '--listen=127.0.0.1:0',
          '--metrics-listen=127.0.0.1:0',
          '--webhook-listen=127.0.0.1:0',
          '--live-listen=127.0.0.1:0',
        ],
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, POD_NAMESPACE: 'weft-system', POD_NAME: 'weft-injector-test' },
      },
    );
    ports = await portsOf(injector);
  });
  after(async () => {
    const over = injector && new Promise(resolve => injector.once('exit', resolve));
    injector?.kill();
    await over;
    await api?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test('it lacks no permission: everything is read, written and led', async () => {
    await until(async () => (await own('/ready')).status === 200);
    await until(async () => (await object('/api/v1/namespaces/shop/configmaps/weft-trust')) !== undefined);
    await until(
      async () =>
        (await object('/apis/coordination.k8s.io/v1/namespaces/weft-system/leases/weft-injector')) !==
        undefined,
    );
    assert.deepEqual(await (await own('/debug/problems')).json(), []);
  });

  test('it makes the API server trust its webhook, which answers by the name of the Service', async () => {
    const roots = await until(async () => {
      const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector';
      const found = (await object(path)) as { webhooks: { clientConfig: { caBundle?: string } }[] };
      const bundles = found.webhooks.map(({ clientConfig }) => clientConfig.caBundle);
      return bundles.every(bundle => bundle !== undefined)
        ? Buffer.from(bundles[0]!, 'base64').toString()
        : undefined;
    });
    const pod = { metadata: { name: 'cart' }, spec: { containers: [{ name: 'app', image: 'a' }] } };
    const { status, text } = await post(ports.webhookPort, roots, review(pod));
    assert.equal(status, 200);
    const { response } = JSON.parse(text) as { response: { allowed: boolean; patch: string } };
    assert.match(Buffer.from(response.patch, 'base64').toString(), /weft-proxy/);
  });

  test('it tells of a pod that it cannot inject', async () => {
    const roots = (await object('/api/v1/namespaces/shop/configmaps/weft-trust')) as {
      data: Record<string, string>;
    };
    const pod = {
      metadata: { name: 'host' },
      spec: { hostNetwork: true, containers: [{ name: 'app', image: 'a' }] },
    };
    await post(ports.webhookPort, roots.data['root-cert.pem']!, review(pod));
    await until(async () => {
      const { items } = (await object('/api/v1/namespaces/shop/events')) as { items: { reason: string }[] };
      return items.some(({ reason }) => reason === 'WeftNotInjected');
    });
  });

  async function object(path: string): Promise<unknown> {
    const { status, body } = await api.request({ method: 'GET', path });
    return status === 200 ? body : undefined;
  }

  function own(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${ports.metricsPort}${path}`);
  }
});

/** A kubeconfig of the ServiceAccount that the control plane runs as. */
async function accountKubeconfig(api: ApiServer, folder: string): Promise<string> {
  const answer = await api.request({
    method: 'POST',
    path: '/api/v1/namespaces/weft-system/serviceaccounts/weft-injector/token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } },
  });
  const { token } = (answer.body as { status: { token: string } }).status;
  const config = JSON.parse(await readFile(api.kubeconfig, 'utf8')) as { users: { user: object }[] };
  config.users[0]!.user = { token };
  const path = join(folder, 'kubeconfig');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** The ports in the line that says that proxies are served. */
function portsOf(child: ChildProcess): Promise<{ port: number; metricsPort: number; webhookPort: number }> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      lines.push(line);
      const said = JSON.parse(line) as { port?: number; metricsPort?: number; webhookPort?: number };
      if (said.port && said.metricsPort && said.webhookPort) resolve(said as never);
    });
    child.once('exit', code => reject(new Error(`weft-injector ended with ${code}\n${lines.join('\n')}`)));
    setTimeout(() => reject(new Error(`weft-injector does not serve\n${lines.join('\n')}`)), 30_000).unref();
  });
}

async function until<T>(look: () => Promise<T>): Promise<NonNullable<T>> {
  const endAt = performance.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (performance.now() > endAt) assert.fail('it did not come to that within 20 s');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
