import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../config/index.ts';
import { compare, nameOf, project, unified } from './difference.ts';
import { installObjects, installOptions, type Manifest } from './index.ts';
import { installedVersion, optionsOfInstalled } from './installed.ts';

/** What a server makes of an object: defaults and bookkeeping. */
function asServed(object: Manifest): Manifest {
  const served = structuredClone(object) as unknown as {
    metadata: Record<string, unknown>;
    spec?: Record<string, unknown>;
    webhooks?: Record<string, unknown>[];
  };
  Object.assign(served.metadata, { uid: 'u', resourceVersion: '1', managedFields: [{}] });
  if (served.spec) Object.assign(served.spec, { progressDeadlineSeconds: 600, clusterIP: '10.0.0.1' });
  for (const webhook of served.webhooks ?? []) {
    (webhook.clientConfig as Record<string, unknown>).caBundle = 'AAAA';
  }
  return served as unknown as Manifest;
}

test('what a server adds is no difference', () => {
  const wanted = installObjects(installOptions());
  for (const object of wanted) assert.equal(compare(object, asServed(object)).kind, 'same', nameOf(object));
});

test('a changed value is shown with three lines around it', () => {
  const live = asServed(installObjects(installOptions()).find(({ kind }) => kind === 'Deployment')!);
  const wanted = installObjects(installOptions({ replicas: 3 })).find(({ kind }) => kind === 'Deployment')!;
  const { kind, lines } = compare(wanted, live);
  assert.equal(kind, 'change');
  assert.deepEqual(
    lines.filter(line => !line.startsWith(' ')),
    ['-  replicas: 2', '+  replicas: 3'],
  );
  assert.equal(lines.length, 8);
});

test('keys that somebody added to data, and entries that somebody added to lists, are differences', () => {
  const own = { data: { a: '1' }, list: [{ name: 'x' }], labels: { a: '1' } };
  const live = {
    data: { a: '1', b: '2' },
    list: [{ name: 'x', extra: 1 }, { name: 'y' }],
    labels: { a: '1', z: '3' },
  };
  assert.deepEqual(project(live, own), {
    data: { a: '1', b: '2' },
    list: [{ name: 'x' }, { name: 'y' }],
    labels: { a: '1' },
  });
});

test('new and superfluous objects are told apart', () => {
  const [object] = installObjects(installOptions());
  assert.equal(compare(object, undefined).kind, 'create');
  assert.equal(compare(undefined, object).kind, 'remove');
});

test('an unchanged stretch is cut to a mark', () => {
  const before = Array.from({ length: 20 }, (_, index) => String(index));
  const after = before.map(line => (line === '0' || line === '19' ? `${line}!` : line));
  assert.deepEqual(unified(before, after), [
    ...['-0', '+0!', ' 1', ' 2', ' 3', ' …'],
    ...[' 16', ' 17', ' 18', '-19', '+19!'],
  ]);
});

test('every option of an installation is read off its objects, so that an upgrade keeps it', () => {
  const options = installOptions({
    namespace: 'mesh',
    revision: 'canary',
    image: `registry.example/weft-injector:${VERSION}`,
    replicas: 3,
    trustDomain: 'mesh.example',
    failurePolicy: 'Fail',
    refusedPods: 'admit',
    nativeSidecars: 'off',
    acceptLabels: ['linkerd'],
    logLevel: 'debug',
    proxyLogLevel: 'warn',
    accessLog: 'all',
    kubernetesVersion: '1.20',
    resources: { cpuRequest: '1', memoryRequest: '2Gi', memoryLimit: '3Gi' },
    proxyImage: `registry.example/weft-proxy:${VERSION}`,
    imagePullPolicy: 'Always',
    clusterDomain: 'mesh.local',
    certificateLifetime: '12h',
    redirection: 'none',
    proxyResources: { cpuRequest: '20m', memoryRequest: '80Mi', memoryLimit: '100Mi' },
    issuer: 'certManager: {issuer: mesh-ca}',
    deployGateways: 'shop,web',
    secretNamespaces: 'shop',
    certificateNamespaces: 'shop,web',
    machines: true,
    consul: 'https://consul.example:8501',
    consulDatacenter: 'east',
    consulTag: 'mesh',
    consulNamespace: 'legacy',
    consulDomain: 'corp',
    consulTokenSecret: 'consul-token',
    consulCaSecret: 'consul-ca',
  });
  for (const [name, value] of Object.entries(installOptions()))
    if (name !== 'version')
      assert.notDeepEqual(options[name as keyof typeof options], value, `${name} is the default here`);
  const live = installObjects(options).map(asServed);
  assert.deepEqual(installOptions(optionsOfInstalled(live, 'canary')), options);
});

test('where gateways are deployed and certificates fetched stays so in an upgrade', () => {
  const options = installOptions({
    deployGateways: 'edges,web',
    certificateNamespaces: 'edges,vault',
    secretNamespaces: 'shop',
  });
  const live = installObjects(options).map(asServed);
  assert.deepEqual(installOptions(optionsOfInstalled(live)), options);
});

test('images of the installed version become those of this one, others stay', () => {
  const old = installObjects(
    installOptions({
      version: '0.0.9',
      image: 'r.example/weft-injector:0.0.9',
      proxyImage: 'r.example/own-proxy:custom',
    }),
  );
  assert.equal(installedVersion(old), '0.0.9');
  const { image, proxyImage } = optionsOfInstalled(old);
  assert.equal(image, `r.example/weft-injector:${VERSION}`);
  assert.equal(proxyImage, 'r.example/own-proxy:custom');
});

test('what cannot be read off falls back to the defaults', () => {
  assert.deepEqual(optionsOfInstalled([]), {});
  const odd = [
    { kind: 'ConfigMap', metadata: { name: 'weft-injection' }, data: { 'injection.yaml': 'a: [' } },
  ];
  assert.deepEqual(optionsOfInstalled(odd), {});
});
