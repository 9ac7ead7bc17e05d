import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayObjects, gatewayPlan } from './gateway.ts';
import { installObjects } from './objects.ts';
import { checkInstallOptions, installOptions } from './options.ts';

type Pod = {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports: readonly { containerPort: number }[];
  }[];
};

const objects = gatewayObjects(installOptions(), gatewayPlan('shop/edge', '80,443'));
const of = (kind: string): Record<string, unknown> & { metadata: { name: string; namespace?: string } } =>
  objects.find(each => each.kind === kind)!;

test('a gateway is a Deployment, a Service and their account in its own namespace, called NAME-CLASS', () => {
  for (const kind of ['ServiceAccount', 'Service', 'Deployment', 'PodDisruptionBudget'])
    assert.deepEqual([of(kind).metadata.name, of(kind).metadata.namespace], ['edge-weft', 'shop'], kind);
  const { template, selector } = of('Deployment').spec as {
    template: { spec: Pod; metadata: { labels: Record<string, string> } };
    selector: { matchLabels: Record<string, string> };
  };
  const service = of('Service').spec as {
    selector: Record<string, string>;
    ports: readonly { port: number; targetPort: number }[];
  };
  assert.deepEqual(service.selector, selector.matchLabels);
  for (const [label, value] of Object.entries(service.selector))
    assert.equal(template.metadata.labels[label], value);
  assert.equal(template.metadata.labels['weft.dev/inject'], 'false');
  const [proxy] = template.spec.containers;
  assert.deepEqual(proxy!.args, ['gateway', '--gateway', 'shop/edge', '--port-offset', '8000']);
  const open = proxy!.ports.map(each => each.containerPort);
  assert.deepEqual(
    service.ports.map(each => [each.port, open.includes(each.targetPort)]),
    [
      [80, true],
      [443, true],
    ],
  );
  assert.equal(template.spec.serviceAccountName, of('ServiceAccount').metadata.name);
});

test('the control plane may write Secrets only where certificates are fetched', () => {
  const plan = { ...gatewayPlan('shop/edge', '80,443'), certificates: true };
  const role = gatewayObjects(installOptions(), plan).find(each => each.kind === 'Role')!;
  const { rules } = role as unknown as { rules: readonly { verbs: string[] }[] };
  assert.deepEqual(rules[1]!.verbs, ['get', 'create', 'update', 'delete']);
});

test('certificates of gateways that are deployed want a Role where their Secrets are, and never the whole cluster', () => {
  const options = installOptions({ deployGateways: 'all', certificateNamespaces: 'shop,vault' });
  assert.equal(checkInstallOptions(options), undefined);
  const roles = installObjects(options).filter(({ metadata: { name } }) => name === 'weft-injector-acme');
  assert.deepEqual(
    roles.map(({ kind, metadata: { namespace } }) => `${kind} ${namespace}`),
    ['Role shop', 'RoleBinding shop', 'Role vault', 'RoleBinding vault'],
  );
  assert.deepEqual(roles[0]!.rules, [
    {
      apiGroups: [''],
      resources: ['secrets'],
      verbs: ['list', 'watch', 'get', 'create', 'update', 'delete'],
    },
  ]);
  const reading = installObjects(installOptions({ secretNamespaces: 'shop' })).find(
    ({ metadata: { name } }) => name === 'weft-injector-secrets',
  );
  assert.equal(reading!.metadata.namespace, 'shop');
  assert.deepEqual(reading!.rules, [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] }]);
  for (const given of ['all', 'shop,all', 'Shop'])
    assert.match(
      checkInstallOptions(installOptions({ certificateNamespaces: given }))?.message ?? '',
      /^--certificate-namespaces '.*' is not namespaces, comma-separated; name those where the Secrets/,
    );
});

test('the control plane may read Secrets and ConfigMaps where a gateway is installed, and only list and watch them', () => {
  const { rules } = of('Role') as unknown as { rules: readonly { resources: string[]; verbs: string[] }[] };
  assert.deepEqual(rules, [
    { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['list', 'watch'] },
  ]);
  assert.equal(of('Role').metadata.namespace, 'shop');
  const { subjects } = of('RoleBinding') as unknown as {
    subjects: readonly { name: string; namespace: string }[];
  };
  assert.deepEqual(subjects[0], { kind: 'ServiceAccount', name: 'weft-injector', namespace: 'weft-system' });
  assert.ok(!objects.some(each => each.kind === 'ClusterRole'));
});

test('Secrets that Ingresses name are read where the user says so: in some namespaces, or in all with one right', () => {
  const rights = (secrets: string): readonly string[] =>
    gatewayObjects(installOptions(), gatewayPlan('edge/web', '80', secrets)).flatMap(({ kind, metadata }) =>
      /Role/.test(kind) ? [`${kind} ${metadata.namespace ?? ''}`] : [],
    );
  assert.deepEqual(rights('shop, edge'), ['Role edge', 'RoleBinding edge', 'Role shop', 'RoleBinding shop']);
  assert.deepEqual(rights('all'), [
    ...['Role edge', 'RoleBinding edge'],
    ...['ClusterRole ', 'ClusterRoleBinding '],
  ]);
  assert.throws(() => gatewayPlan('edge/web', '80', 'shop,*'), /--ingress-secrets is 'shop,\*'; it takes/);
});

test('what is no gateway, and no port, is named with what is taken', () => {
  assert.throws(() => gatewayPlan('edge', '80'), /--gateway is 'edge'; it takes NAMESPACE\/NAME/);
  assert.throws(
    () => gatewayPlan('shop/edge', '80,7020'),
    /port 7020 cannot be opened: proxies listen on 15020 for it/,
  );
  assert.throws(() => gatewayPlan('shop/edge', '60000'), /ports end at 65535; take one up to 57535/);
  for (const ports of ['', 'http', '80,', '70000'])
    assert.throws(
      () => gatewayPlan('shop/edge', ports),
      /--gateway-ports is '.*'; it takes ports such as 80,443/,
    );
});

test('told to deploy gateways the control plane gets the rights for that, where it is told and nowhere else', () => {
  const kindsOf = (deployGateways: string): readonly string[] =>
    installObjects(installOptions({ deployGateways }))
      .filter(each => each.metadata.name === 'weft-injector-gateways')
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`.trim());
  assert.deepEqual(kindsOf(''), []);
  assert.deepEqual(kindsOf('shop,blog'), ['Role shop', 'RoleBinding shop', 'Role blog', 'RoleBinding blog']);
  assert.deepEqual(kindsOf('all'), ['ClusterRole', 'ClusterRoleBinding']);
  const told = installObjects(installOptions({ deployGateways: 'shop' })).find(
    each => each.kind === 'Deployment',
  );
  assert.match(JSON.stringify(told), /"--deploy-gateways=shop"/);
  assert.match(
    checkInstallOptions(installOptions({ deployGateways: 'Shop' }))!.message,
    /^--deploy-gateways 'Shop' is not namespaces, comma-separated, or all/,
  );
});

test('ports of UDP are told by /udp, beside one of TCP with the same number', () => {
  assert.deepEqual(gatewayPlan('shop/edge', '53,53/udp').ports, [
    { port: 53, protocol: 'TCP' },
    { port: 53, protocol: 'UDP' },
  ]);
  for (const bad of ['53/tcp', 'udp', '0/udp', '65000/udp', '80,'])
    assert.throws(() => gatewayPlan('shop/edge', bad), /--gateway-ports/, bad);
});
