import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readWebhookSettings } from '../../../webhook/index.ts';
import { readInjectorConfig } from '../../config/injector-config.ts';
import { dialects } from '../../translate/dialects.ts';
import { manifestFiles, unplaced } from './files.ts';
import {
  checkInstallOptions,
  clusterRules,
  type InstallOptions,
  installObjects,
  installOptions,
  type Manifest,
  manifestText,
  pluralOf,
} from './index.ts';

const folder = new URL('../../../manifests/', import.meta.url).pathname;

test('manifests/ is what weft install prints', () => {
  const files = manifestFiles();
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(`${folder}${name}`, text);
  }
  for (const [name, text] of files) assert.equal(readFileSync(`${folder}${name}`, 'utf8'), text, name);
  assert.deepEqual(unplaced(installObjects(installOptions())), []);
});

test('the same options give the same text, which reads back as the same objects', () => {
  const objects = installObjects(installOptions({ acceptLabels: ['istio', 'linkerd'] }));
  const text = manifestText(objects);
  assert.equal(text, manifestText(installObjects(installOptions({ acceptLabels: ['istio', 'linkerd'] }))));
  assert.deepEqual(
    parseAllDocuments(text).map(document => document.toJS() as unknown),
    objects,
  );
});

test('each option reaches its place', () => {
  const text = (given: Partial<InstallOptions>) => manifestText(installObjects(installOptions(given)));
  assert.match(text({ image: 'r.example/i:1' }), /image: r\.example\/i:1/);
  assert.match(text({ proxyImage: 'r.example/p:1' }), /proxyImage: r\.example\/p:1/);
  assert.match(text({ trustDomain: 'mesh.example' }), /--trust-domain=mesh\.example/);
  assert.match(text({ certificateLifetime: '1h' }), /--certificate-lifetime=1h/);
  assert.match(text({ namespace: 'mesh' }), /namespace: mesh/);
  assert.doesNotMatch(text({ namespace: 'mesh' }), /weft-system/);
  assert.doesNotMatch(text({ replicas: 1 }), /PodDisruptionBudget/);
  assert.match(text({ kubernetesVersion: '1.20' }), /policy\/v1beta1/);
  assert.match(text({ kubernetesVersion: 'v1.31.2' }), /policy\/v1\n/);
  assert.match(text({ resources: { cpuRequest: '1', memoryRequest: '2Gi', cpuLimit: '3' } }), /cpu: "3"/);
});

test('what is printed is what the control plane reads', () => {
  const options = installOptions({
    acceptLabels: ['linkerd'],
    trustDomain: 'mesh.example',
    certificateLifetime: '2h',
  });
  const objects = installObjects(options);
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as Manifest & {
    spec: { template: { spec: { containers: { args: string[]; env: { name: string }[] }[] } } };
  };
  const [container] = deployment.spec.template.spec.containers;
  const flags = Object.fromEntries(
    container!.args.map(arg => {
      const [name = '', value = ''] = arg.slice(2).split('=');
      return [name.replace(/-[a-z]/g, letter => letter[1]!.toUpperCase()), value];
    }),
  );
  const config = readInjectorConfig(flags, { POD_NAME: 'weft-injector-0', POD_NAMESPACE: options.namespace });
  assert.equal(config.trustDomain, 'mesh.example');
  assert.equal(config.certificateLifetimeMs, 7_200_000);
  assert.deepEqual(
    container!.env.map(({ name }) => name),
    ['POD_NAME', 'POD_NAMESPACE'],
  );
  const map = objects.find(({ kind }) => kind === 'ConfigMap') as Manifest & { data: Record<string, string> };
  const facts = { trustDomain: 'x', clusterDomain: 'x', systemNamespace: 'x', nativeSidecars: true };
  const { settings, problems } = readWebhookSettings(map.data['injection.yaml']!, facts);
  assert.deepEqual(problems, []);
  assert.deepEqual(settings?.inject.acceptedMeshes, ['linkerd']);
});

test('the pods of the control plane fit restricted Pod Security', () => {
  const deployment = installObjects(installOptions()).find(({ kind }) => kind === 'Deployment')!;
  const { securityContext, containers, volumes } = (
    deployment.spec as {
      template: {
        spec: Record<string, Record<string, unknown>[]> & { securityContext: Record<string, unknown> };
      };
    }
  ).template.spec;
  // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
  assert.equal(securityContext.runAsNonRoot, true);
  assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' });
  for (const container of containers!) {
    const own = container.securityContext as Record<string, unknown>;
    assert.equal(own.allowPrivilegeEscalation, false);
    assert.equal(own.readOnlyRootFilesystem, true);
    assert.deepEqual(own.capabilities, { drop: ['ALL'] });
  }
  assert.ok(volumes!.every(volume => 'configMap' in volume || 'emptyDir' in volume || 'projected' in volume));
});

test('the role covers every kind that a dialect reads, and writes nothing but its own', () => {
  const rules = clusterRules();
  for (const { kind } of dialects) {
    // Files have them; on a cluster only those of the control plane's own namespace are read.
    if (kind === 'Secret') continue;
    const [name = '', ...group] = kind.split('.');
    const covered = rules.some(
      rule =>
        rule.apiGroups.includes(group.join('.')) &&
        rule.resources.includes(name === 'Endpoints' ? 'endpoints' : pluralOf(name)) &&
        rule.verbs.includes('watch'),
    );
    assert.ok(covered, kind);
  }
  // A status says what became of an object, and changes nothing that it asks for.
  const writes = rules.filter(
    ({ verbs, resources }) =>
      verbs.some(verb => !['get', 'list', 'watch', 'create'].includes(verb)) &&
      !resources.every(each => each.endsWith('/status')),
  );
  assert.ok(writes.every(({ resourceNames }) => resourceNames !== undefined && resourceNames.length > 0));
  assert.ok(rules.every(({ verbs, resources }) => !verbs.includes('*') && !resources.includes('*')));
  assert.ok(
    !rules.some(({ resources }) => resources.includes('secrets')),
    'no Secret outside its own namespace',
  );
});

test('plurals are as Kubernetes forms them', () => {
  const pairs = {
    DestinationRule: 'destinationrules',
    ServiceEntry: 'serviceentries',
    TrafficSettings: 'trafficsettings',
    ServiceDefaults: 'servicedefaults',
    ProxyDefaults: 'proxydefaults',
    ServiceIntentions: 'serviceintentions',
    NetworkPolicy: 'networkpolicies',
    Ingress: 'ingresses',
    GatewayClass: 'gatewayclasses',
    Gateway: 'gateways',
    AuthorizationPolicy: 'authorizationpolicies',
  };
  for (const [kind, plural] of Object.entries(pairs)) assert.equal(pluralOf(kind), plural);
});

test('bad options are refused by the name of their flag', () => {
  const cases: [Partial<InstallOptions>, RegExp][] = [
    [{ namespace: 'A b' }, /^--namespace 'A b' is not the name of a namespace/],
    [{ image: 'a b' }, /^--image/],
    [{ proxyImage: '' }, /^--proxy-image/],
    [{ trustDomain: 'UPPER case' }, /^--trust-domain/],
    [{ replicas: 0 }, /^--replicas '0'/],
    [{ certificateLifetime: 'soon' }, /^--certificate-lifetime/],
    [{ kubernetesVersion: 'new' }, /^--kubernetes-version/],
    [{ acceptLabels: ['kuma' as never] }, /^--accept-labels 'kuma' is not one of istio, linkerd/],
  ];
  for (const [given, message] of cases) {
    assert.match(checkInstallOptions(installOptions(given))?.message ?? '', message);
  }
  assert.equal(checkInstallOptions(installOptions()), undefined);
});

/**
 * Values that the API server or weft-injector would refuse later, or that start nothing; each names its flag and what is right.
 */
const refusedOptions: [string, Partial<InstallOptions>, RegExp][] = [
  ['an old server', { kubernetesVersion: '1.19' }, /^--kubernetes-version '1\.19' is not .*oldest is 1\.20/],
  ['a very old server', { kubernetesVersion: 'v1.9.3' }, /oldest is 1\.20/],
  ['no server', { kubernetesVersion: '2.0' }, /--kubernetes-version '2\.0' is not a version/],
  ['no replica', { replicas: 0 }, /--replicas '0' is not a number above zero/],
  ['a thousand replicas', { replicas: 1000 }, /--replicas '1000' is not a number up to 100/],
  ['no time', { certificateLifetime: '0s' }, /--certificate-lifetime '0s'/],
  ['a time without a unit', { certificateLifetime: '24' }, /--certificate-lifetime '24'/],
  ...['12Zi', '12MB', '', ' 1Gi', '-1Gi', '0', '1,5Gi', 'lots', '100m'].map(
    (memoryLimit): [string, Partial<InstallOptions>, RegExp] => [
      `a memory limit of '${memoryLimit}'`,
      { proxyResources: { ...installOptions().proxyResources, memoryLimit } },
      /--proxy-memory-limit '.*' is not a quantity of memory/,
    ],
  ),
  ...['half', '0', '-1', '1Mi Mi', '0.0001'].map((cpuRequest): [string, Partial<InstallOptions>, RegExp] => [
    `a CPU request of '${cpuRequest}'`,
    { resources: { ...installOptions().resources, cpuRequest } },
    /--cpu-request '.*' is not a quantity of CPU/,
  ]),
  [
    'more memory than the limit',
    { resources: { ...installOptions().resources, memoryRequest: '2Gi', memoryLimit: '1Gi' } },
    /--memory-request '2Gi' is not at most --memory-limit 1Gi/,
  ],
  [
    'more CPU than the limit',
    { proxyResources: { ...installOptions().proxyResources, cpuRequest: '1', cpuLimit: '500m' } },
    /--proxy-cpu-request '1' is not at most --proxy-cpu-limit 500m/,
  ],
];
for (const [what, given, expected] of refusedOptions) {
  test(`install refuses ${what} by the name of its flag`, () => {
    assert.match(checkInstallOptions(installOptions(given))?.message ?? 'accepted', expected);
  });
}

test('every version from 1.20 on is taken, as servers write it', () => {
  for (const kubernetesVersion of ['1.20', 'v1.20.15', '1.34', 'v1.29.4-gke.1', '1.27+'])
    assert.equal(checkInstallOptions(installOptions({ kubernetesVersion })), undefined, kubernetesVersion);
});
