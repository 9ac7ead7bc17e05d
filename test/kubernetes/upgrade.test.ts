// weft upgrade --apply and --rollback against a real API server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { applyAll } from '../../src/cli/install/apply.ts';
import { installObjects, installOptions } from '../../src/cli/install/index.ts';
import { type ApiObject, pathOf } from '../../src/cli/kubernetes/objects.ts';
import { VERSION } from '../../src/config/index.ts';
import { ApiError } from '../../src/kubernetes/index.ts';
import { type KubeApi, kubeApiOf } from '../../webhook/index.ts';
import { serverVersion } from '../webhook/api-server.ts';
import { noOwnApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';

const weft = join(import.meta.dirname, '../../src/main/weft.ts');
const deploymentPath = '/apis/apps/v1/namespaces/weft-system/deployments/weft-injector';
const webhookPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector';
let server: TestApiServer;
let api: KubeApi;

before(async () => {
  if (noOwnApiServer) return;
  server = await openApiServer();
  api = kubeApiOf(server.client);
});
after(async () => {
  if (!noOwnApiServer) await server.close();
});

function run(...args: string[]): Promise<{ readonly out: string; readonly code: number }> {
  return new Promise(resolve => {
    const words = [weft, 'upgrade', '--kubeconfig', server.kubeconfig, ...args];
    execFile(process.execPath, words, (error, stdout, stderr) =>
      resolve({ out: stdout + stderr, code: error === null ? 0 : Number(error.code ?? 1) }),
    );
  });
}

async function get(path: string): Promise<Record<string, never>> {
  const found = await server.client.call({ path });
  assert.ok(!(found instanceof ApiError), String(found));
  return found as Record<string, never>;
}

/** What the controller of Deployments would say, which does not run here; undefined before the Deployment is there. */
async function rollOut(replicas: number): Promise<void> {
  const found = await server.client.call({ path: deploymentPath });
  if (found instanceof ApiError) return;
  const { generation } = found.metadata as { generation: number };
  const status = {
    observedGeneration: generation,
    replicas: 2,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  const answer = await server.client.call({
    ...{ method: 'PATCH', path: `${deploymentPath}/status`, body: { status } },
    contentType: 'application/merge-patch+json',
  });
  assert.ok(!(answer instanceof ApiError), String(answer));
}

const image = async (): Promise<string> => {
  const { spec } = (await get(deploymentPath)) as never as {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  return spec.template.spec.containers[0]!.image;
};
const policy = async (): Promise<string> =>
  ((await get(webhookPath)) as never as { webhooks: { failurePolicy: string }[] }).webhooks[0]!.failurePolicy;

test('an upgrade is applied in order, waits for the control plane, and is taken back', {
  skip: noOwnApiServer,
  timeout: 300_000,
}, async () => {
  const older = installOptions({
    version: '0.0.9',
    image: 'weft-injector:0.0.9',
    proxyImage: 'weft-proxy:0.0.9',
    kubernetesVersion: serverVersion(),
  });
  const objects = installObjects(older) as readonly object[] as readonly ApiObject[];
  // Nothing is there yet: a dry run of what stands in a namespace would be refused.
  for (const object of objects.filter(({ kind }) => kind === 'Namespace'))
    assert.ok(
      (
        await api.request({
          method: 'PATCH',
          path: pathOf(object)!,
          query: { fieldManager: 'weft', force: 'true' },
          body: object,
          contentType: 'application/apply-patch+yaml',
        })
      ).status < 300,
    );
  const controller = setInterval(() => void rollOut(2), 300);
  try {
    await applyAll(api, objects, () => {});
  } finally {
    clearInterval(controller);
  }
  assert.equal(await image(), 'weft-injector:0.0.9');

  const dry = await run('--dry-run', '--failure-policy', 'Fail');
  assert.match(
    dry.out,
    new RegExp(`^from 0\\.0\\.9 to ${VERSION.replaceAll('.', '\\.')}: \\d+ of \\d+ objects differ`),
  );
  assert.match(dry.out, /^no pod has a proxy$/m);
  assert.equal((await run('--rollback')).code, 1, 'there is nothing to go back to');

  const applied = run('--apply', '--failure-policy', 'Fail');
  for (const limit = performance.now() + 30_000; (await image()) !== `weft-injector:${VERSION}`; )
    assert.ok(performance.now() < limit, 'the Deployment was never applied');
  await rollOut(1);
  await new Promise(resolve => setTimeout(resolve, 1_500));
  assert.equal(await policy(), 'Ignore', 'what calls the control plane waits for it');
  await rollOut(2);
  const { out, code } = await applied;
  assert.equal(code, 0, out);
  assert.match(out, /^Deployment weft-system\/weft-injector: 1 of 2 replicas are new, 1 available$/m);
  assert.match(
    out,
    new RegExp(`^the control plane is ${VERSION.replaceAll('.', '\\.')}; no pod has a proxy$`, 'm'),
  );
  assert.equal(await policy(), 'Fail');
  assert.match((await run('--dry-run')).out, /: nothing would change/);

  const back = run('--rollback');
  for (const limit = performance.now() + 30_000; (await image()) !== 'weft-injector:0.0.9'; )
    assert.ok(performance.now() < limit, 'the Deployment was never taken back');
  await rollOut(2);
  assert.match((await back).out, /^the control plane is 0\.0\.9 again; no pod has a proxy$/m);
  assert.equal(await policy(), 'Ignore');
});

test('what the server would refuse changes nothing', { skip: noOwnApiServer }, async () => {
  const wanted = installObjects(
    installOptions({ kubernetesVersion: serverVersion() }),
  ) as readonly object[] as readonly ApiObject[];
  const before = await get(deploymentPath);
  const broken = wanted.map(object =>
    object.kind === 'MutatingWebhookConfiguration' ? { ...object, webhooks: [{ name: 'no' }] } : object,
  );
  await assert.rejects(
    applyAll(api, broken, () => {}),
    {
      ...{
        code: 'apply-refused',
        message: /MutatingWebhookConfiguration weft-injector .*nothing was changed/s,
      },
    },
  );
  assert.deepEqual(await get(deploymentPath), before);
});
