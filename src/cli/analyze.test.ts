import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { analyze, meshOfObjects } from '../analyze/index.ts';
import { type ResourceType, TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { readCluster } from './mesh/from-cluster.ts';
import { readFiles } from './mesh/from-files.ts';

const main = join(import.meta.dirname, '../main/weft.ts');
const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n';
const rule = (host: string, weights = ''): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec: {hosts: [web], http: [{route: [{destination: {host: ${host}}${weights}}]}]}
`;

function folderOf(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-analyze-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function run(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, 'analyze', ...args], { input, encoding: 'utf8' });
}

test('the exit code says what was found: nothing, an error, a warning under --strict', () => {
  const clean = run(['-f', '-'], service + rule('web'));
  assert.deepEqual([clean.status, clean.stdout], [0, 'nothing found\n']);
  const wrong = run(['-f', '-'], service + rule('other'));
  assert.equal(wrong.status, 1);
  assert.match(
    wrong.stdout,
    /^error {3}target-unknown {2}VirtualService web\.default \(stdin:6\) spec\.http\[0\]\n/,
  );
  const ignored = run(['-f', '-', '--ignore', 'target-unknown'], service + rule('other'));
  assert.equal(ignored.status, 0);
  const warned = `${service}${rule('web', '}, {weight: 20, destination: {host: web}')}`;
  assert.deepEqual([run(['-f', '-'], warned).status, run(['-f', '-', '--strict'], warned).status], [0, 1]);
});

test('what cannot be looked at is exit code 2, with the reason', () => {
  for (const args of [
    ['--bogus'],
    ['-o', 'xml'],
    ['-f', 'no-such-folder'],
    ['--kubeconfig', 'no-such-file'],
  ]) {
    const { status, stdout, stderr } = run(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^error: /);
  }
});

test('json has every finding with its object', () => {
  const { stdout } = run(['-f', '-', '-o', 'json'], service + rule('other'));
  const [first] = JSON.parse(stdout) as { code: string; object: { origin: string } }[];
  assert.deepEqual([first!.code, first!.object.origin], ['target-unknown', 'stdin:6']);
});

test('folders are read with those below; what is no object in them is left alone, in a named file it is not', async context => {
  const files = {
    'a.yaml': service,
    'deep/er/b.yml': rule('web'),
    'package.json': '{"name": "shop"}',
    '.github/ci.yaml': 'on: push\n',
    'again/a.yaml': service,
  };
  const folder = folderOf(context, files);
  const { objects, problems } = await readFiles([folder]);
  assert.deepEqual(objects.map(each => each.ref.origin!.slice(folder.length + 1)).sort(), [
    'a.yaml:1',
    'deep/er/b.yml:2',
  ]);
  assert.deepEqual(
    problems.map(each => each.code),
    ['object-duplicate'],
  );
  const named = await readFiles([join(folder, 'package.json')]);
  assert.deepEqual(
    named.problems.map(each => each.code),
    ['object-unreadable'],
  );
});

test('a chart and a kustomization in a folder are named once, and the rest of the folder is read', async context => {
  const folder = folderOf(context, {
    'a.yaml': service,
    'web/Chart.yaml': 'apiVersion: v2\nname: web\n',
    'web/templates/a.yaml': 'metadata: {name: {{ .Release.Name }}}\n',
    'web/values.yaml': 'a: 1\n',
    'kustomization.yaml': 'resources: [a.yaml]\n',
    'kind.yaml': 'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n',
  });
  const { objects, problems } = await readFiles([folder]);
  assert.equal(objects.length, 1);
  assert.deepEqual(
    problems.map(
      ({ severity, message }) => `${severity} ${/: (\S+ template|kubectl kustomize) /.exec(message)?.[1]}`,
    ),
    ['warning kubectl kustomize', 'warning helm template'],
  );
});

const cronJobs: ResourceType = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  namespaced: true,
};
const authentications: ResourceType = {
  group: 'security.istio.io',
  version: 'v1beta1',
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  namespaced: true,
};

test('a cluster is read as it is: running pods, jobs that do not run now, policies; what is forbidden is said', async context => {
  const api = new FakeApi([...Object.values(TYPES), cronJobs, authentications]);
  await api.start();
  context.after(() => api.stop());
  const inShop = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'shop', ...more } });
  const ready = { phase: 'Running', podIP: '10.244.0.7', conditions: [{ type: 'Ready', status: 'True' }] };
  const labelled = { labels: { 'weft.dev/inject': 'enabled' } };
  api.put(TYPES.namespace, { metadata: { name: 'shop', ...labelled } });
  const meshed = inShop('cart-1', { labels: { app: 'cart' }, annotations: { 'weft.dev/status': '{}' } });
  api.put(TYPES.pod, { ...meshed, spec: { containers: [{ name: 'app' }] }, status: ready });
  api.put(TYPES.service, { ...inShop('cart'), spec: { selector: { app: 'cart' }, ports: [{ port: 80 }] } });
  api.put(TYPES.endpointSlice, {
    ...inShop('cart-x', { labels: { 'kubernetes.io/service-name': 'cart' } }),
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: ['10.244.0.7'], targetRef: { kind: 'Pod', name: 'cart-1', namespace: 'shop' } }],
  });
  api.put(authentications, { ...inShop('default'), spec: { mtls: { mode: 'STRICT' } } });
  const env = [{ name: 'CART', value: 'http://cart:80/' }];
  const template = {
    metadata: { labels: { 'weft.dev/inject': 'disabled' } },
    spec: { containers: [{ name: 'app', env }] },
  };
  api.put(cronJobs, { ...inShop('report'), spec: { jobTemplate: { spec: { template } } } });
  api.fault = ({ path }) => (path.endsWith('/nodes') ? { status: 403, reason: 'Forbidden' } : undefined);
  const folder = folderOf(context, { config: JSON.stringify(kubeconfig(api.url)) });
  const { objects, problems, inject } = await readCluster({ kubeconfig: join(folder, 'config') });
  const found = analyze(meshOfObjects(objects, { expectPods: false, inject }, problems));
  assert.deepEqual(
    found.map(each => [each.code, each.object?.name]),
    [
      ['strict-refuses-caller', 'report'],
      ['api-refused', undefined],
      ['workload-outside-mesh', 'report'],
    ],
  );
});

test('of ConfigMaps those are read that controllers and Ingresses name, and no others; what is forbidden is said', async context => {
  const typeOf = (group: string, kind: string): ResourceType => ({
    ...{
      group,
      version: 'v1',
      kind,
      plural: `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`,
      namespaced: true,
    },
  });
  const [deployments, ingresses] = [typeOf('apps', 'Deployment'), typeOf('networking.k8s.io', 'Ingress')];
  const api = new FakeApi([...Object.values(TYPES), deployments, ingresses]);
  await api.start();
  context.after(() => api.stop());
  const inEdge = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'edge', ...more } });
  const containers = [
    { image: 'registry.k8s.io/ingress-nginx/controller', args: ['--configmap=$(POD_NAMESPACE)/settings'] },
    { image: 'haproxytech/kubernetes-ingress', args: ['--configmap', 'other/haproxy'] },
    { image: 'example.com/app', args: ['--configmap=edge/unrelated'] },
  ];
  api.put(deployments, { ...inEdge('controllers'), spec: { template: { spec: { containers } } } });
  const annotations = { 'nginx.ingress.kubernetes.io/custom-headers': 'edge/answers' };
  api.put(ingresses, { ...inEdge('web', { annotations }), spec: {} });
  api.put(TYPES.configMap, { ...inEdge('settings'), data: { 'add-headers': 'edge/added' } });
  for (const name of ['answers', 'added', 'unrelated', 'nobodys'])
    api.put(TYPES.configMap, { ...inEdge(name), data: { 'x-a': 'b' } });
  const asked: string[] = [];
  api.fault = ({ path }) => {
    if (path.includes('/configmaps'))
      asked.push(path.replace(/^.*namespaces\//, '').replace('/configmaps', ''));
    return path.endsWith('/configmaps/haproxy') ? { status: 403, reason: 'Forbidden' } : undefined;
  };
  const folder = folderOf(context, { config: JSON.stringify(kubeconfig(api.url)) });
  const { objects, problems } = await readCluster({ kubeconfig: join(folder, 'config') });
  const read = objects.flatMap(({ object }) => (object.kind === 'ConfigMap' ? [object.metadata.name] : []));
  assert.deepEqual(read, ['settings', 'answers', 'added']);
  assert.ok(!asked.some(each => /unrelated|nobodys/.test(each)), asked.join());
  assert.deepEqual(
    problems.map(({ message }) => /configmaps\/(\S+) cannot be read/.exec(message)?.[1]),
    ['haproxy'],
  );
});

function kubeconfig(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user: { token: 'test' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me' } }],
    'current-context': 'fake',
  };
}
