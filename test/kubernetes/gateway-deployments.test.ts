// What the control plane deploys for a Gateway, on a real API server, with the rights that `weft install --deploy-gateways`
// gives: whether the server takes the objects, applied twice makes no difference, and nothing is written without a right.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installObjects, installOptions } from '../../src/cli/install/index.ts';
import { GatewayDeployer, type WantedGateway } from '../../src/control-plane/index.ts';
import { type DeploymentPlan, deploymentObjects } from '../../src/deployment/index.ts';
import { ApiError, KubeClient } from '../../src/kubernetes/index.ts';
import { fieldAt, recordOf, recordsOf } from '../../src/plain/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { apply, good, makeAccount, makeNamespace, system, tokenOf, until } from './support/objects.ts';

let api: TestApiServer;
let minor = 0;

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  const version = await good(api.client.call({ path: '/version' }));
  minor = Number.parseInt(String(version.minor), 10);
  for (const each of ['edges', 'others', system]) await makeNamespace(api.client, each);
  await makeAccount(api.client, system, 'weft-injector');
  const rights = installObjects(installOptions({ deployGateways: 'edges' })).filter(
    each => each.metadata.name === 'weft-injector-gateways',
  );
  assert.equal(rights.length, 2);
  for (const each of rights) {
    const plural = `${each.kind.toLowerCase()}s`;
    await apply(api.client, `/apis/rbac.authorization.k8s.io/v1/namespaces/edges/${plural}`, each);
  }
});

after(async () => {
  if (!noApiServer) await api.close();
});

const uid = '00000000-0000-4000-8000-000000000001';
const base: DeploymentPlan = {
  ...{ namespace: 'edges', name: 'edge', className: 'weft', addresses: [] },
  settings: { autoscaling: { min: 1, max: 3, cpu: 50 } },
  ports: [{ port: 80, protocol: 'TCP' }],
  ...{ labels: { team: 'web' }, annotations: { note: 'x' } },
  owner: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', uid },
};

function wanted(more: Partial<DeploymentPlan> = {}): WantedGateway {
  const plan = { ...base, ...more };
  const installation = {
    ...{ systemNamespace: system, proxyImage: 'weft-proxy:1', imagePullPolicy: 'IfNotPresent' },
    ...{ trustDomain: 'cluster.local', clusterDomain: 'cluster.local', logLevel: 'info', accessLog: 'off' },
    policyVersion: minor < 21 ? 'policy/v1beta1' : 'policy/v1',
  };
  return {
    gateway: `${plan.namespace}/edge`,
    uid,
    objects: deploymentObjects(plan, installation),
  };
}

test('a Gateway gets its objects, keeps them right, and changes with its listeners', {
  skip: noApiServer,
}, async context => {
  const kubeconfig = await api.kubeconfigOf(await tokenOf(api.client, system, 'weft-injector'));
  const stop = new AbortController();
  let now: readonly WantedGateway[] = [wanted()];
  const deployer = new GatewayDeployer({
    client: new KubeClient({ kubeconfig }),
    ...{ clock: systemClock, namespaces: ['edges'], minor, wanted: () => now, debounceMs: 5 },
  });
  const leading = deployer.lead(stop.signal);
  context.after(async () => {
    stop.abort();
    await leading;
  });
  const read = (path: string): ReturnType<KubeClient['call']> => api.client.call({ path });
  const at = (group: string, plural: string): string => `/${group}/namespaces/edges/${plural}/edge-weft`;
  const paths = {
    account: at('api/v1', 'serviceaccounts'),
    service: at('api/v1', 'services'),
    deployment: at('apis/apps/v1', 'deployments'),
    budget: at(`apis/policy/${minor < 21 ? 'v1beta1' : 'v1'}`, 'poddisruptionbudgets'),
    ...(minor >= 23 && { scaler: at('apis/autoscaling/v2', 'horizontalpodautoscalers') }),
  };
  for (const [what, path] of Object.entries(paths)) {
    await until(what, async () => !((await read(path)) instanceof ApiError));
    const metadata = recordOf((await good(read(path))).metadata);
    assert.equal(recordsOf(metadata.ownerReferences)[0]!.uid, uid, what);
    assert.equal(recordOf(metadata.labels).team, 'web', what);
  }
  assert.deepEqual(deployer.problems(), []);
  const before = recordOf((await good(read(paths.deployment))).metadata);
  now = [wanted({ ports: [{ port: 8443, protocol: 'TCP' }] })];
  deployer.changed();
  await until('the new port', async () => {
    const ports = recordsOf(fieldAt(await good(read(paths.service)), 'spec', 'ports'));
    return ports.length === 1 && ports[0]!.port === 8443;
  });
  const afterwards = recordOf((await good(read(paths.deployment))).metadata);
  assert.equal(afterwards.resourceVersion, before.resourceVersion, 'no pod is restarted for a listener');
  const selector = { spec: { template: { spec: { priorityClassName: null, hostNetwork: true } } } };
  await good(api.client.call({ method: 'PATCH', path: paths.deployment, body: selector }));
  const image = { spec: { template: { spec: { containers: [{ name: 'weft-proxy', image: 'theirs' }] } } } };
  const contentType = 'application/strategic-merge-patch+json';
  await good(api.client.call({ method: 'PATCH', path: paths.deployment, body: image, contentType }));
  await until('the image is ours again', async () => {
    const pod = recordOf(fieldAt(await good(read(paths.deployment)), 'spec', 'template', 'spec'));
    return recordsOf(pod.containers)[0]!.image === 'weft-proxy:1';
  });
  now = [wanted({ settings: {} })];
  deployer.changed();
  if (paths.scaler !== undefined)
    await until('no autoscaler', async () => (await read(paths.scaler!)) instanceof ApiError);
  const elsewhere = { ...wanted({ namespace: 'others' }), uid: `${uid.slice(0, -1)}2` };
  now = [wanted({ settings: {} }), elsewhere];
  deployer.changed();
  await until('what is not allowed is said', () => deployer.problems().length > 0);
  assert.match(
    deployer.problems()[0]!.message,
    /^gateway others\/edge is not deployed as it should be: .*forbidden/,
  );
});
