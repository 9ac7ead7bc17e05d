// Certificates of gateways that the control plane deploys, on a real API server: the rights of `weft install` with
// `--deploy-gateways all --certificate-namespaces` let it write Secrets where it is told, nowhere else, and nothing but Secrets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installObjects, installOptions } from '../../src/cli/install/index.ts';
import { ClusterSecrets } from '../../src/control-plane/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { ApiError, KubeClient, TYPES } from '../../src/kubernetes/index.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { apply, makeAccount, makeNamespace, system, tokenOf, until } from './support/objects.ts';

let api: TestApiServer;

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  for (const each of ['edges', 'vault', 'others', system]) await makeNamespace(api.client, each);
  await makeAccount(api.client, system, 'weft-injector');
  const options = installOptions({ deployGateways: 'all', certificateNamespaces: 'edges,vault' });
  const rights = installObjects(options).filter(({ metadata: { name } }) =>
    /^weft-injector-(gateways|acme)$/.test(name),
  );
  assert.equal(rights.length, 6, 'a ClusterRole, two Roles, and a binding of each');
  for (const each of rights) {
    const { namespace } = each.metadata;
    const at = namespace === undefined ? '' : `namespaces/${namespace}/`;
    const plural = `${each.kind.toLowerCase()}s`;
    await apply(api.client, `/apis/rbac.authorization.k8s.io/v1/${at}${plural}`, each);
  }
});

after(async () => {
  if (!noApiServer) await api.close();
});

const secret = { type: 'weft.dev/acme-account', labels: {}, annotations: {}, data: { 'account.key': 'x' } };

test('Secrets are written and taken away where certificates are fetched, and only there', {
  skip: noApiServer,
}, async () => {
  const kubeconfig = await api.kubeconfigOf(await tokenOf(api.client, system, 'weft-injector'));
  const client = new KubeClient({ kubeconfig });
  const secrets = new ClusterSecrets(client);
  // The server takes rights up a moment after they are written.
  for (const namespace of ['edges', 'vault'])
    await until(
      `to read Secrets in ${namespace}`,
      async () => (await secrets.read(namespace, 'a')) === undefined,
    );
  for (const namespace of ['edges', 'vault']) {
    assert.equal(await secrets.write(namespace, 'a', secret, undefined), undefined, namespace);
    const read = await secrets.read(namespace, 'a');
    assert.ok(read !== undefined && !(read instanceof WeftError), namespace);
    assert.equal(await secrets.write(namespace, 'a', secret, read.version), undefined, namespace);
    assert.equal(await secrets.remove(namespace, 'a'), undefined, namespace);
  }
  const refused = await secrets.write('others', 'a', secret, undefined);
  assert.match(
    refused?.message ?? '',
    /forbidden.*; allow create of Secrets in namespace others to weft-injector, as 'weft install --certificate-namespaces others' has it/,
  );
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'edges' } };
  const other = await client.create(TYPES.configMap, 'edges', body);
  assert.ok(other instanceof ApiError && other.status === 403, 'nothing but Secrets');
});
