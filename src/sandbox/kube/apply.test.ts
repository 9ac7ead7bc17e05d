import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../registry/index.ts';
import { refOf as registryRef } from '../../registry/index.ts';
import { parseFile } from '../../source/index.ts';
import { Applier, withRestart } from './apply.ts';
import { ObjectStore } from './store.ts';
import type { Deployment } from './workloads.ts';

function setUp() {
  const store = new ObjectStore();
  let uid = 0;
  const applier = new Applier(store, {
    newUid: () => `uid-${uid++}`,
    now: () => '2026-01-01T00:00:00Z',
    remove: object => store.remove(object),
  });
  const apply = (yaml: string): void => {
    const changes = parseFile(yaml, 'a.yaml').objects.map(({ object, line }): Change => {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      return {
        type: 'put',
        kind: object.kind,
        key,
        stored: { object, ref: registryRef(object, `a.yaml:${line}`) },
      };
    });
    applier.apply(changes);
  };
  const web = (): Deployment => store.get('Deployment', 'shop', 'web')!;
  return { store, applier, apply, web };
}

function yaml(more: { replicas?: number; image?: string } = {}): string {
  const { replicas = 2, image = 'a' } = more;
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: ${replicas}
  template:
    spec:
      containers: [{ name: app, image: ${image}, command: [run] }]
`;
}

test('what was scaled by hand stays while the file says nothing new about it', () => {
  const { store, apply, web } = setUp();
  apply(yaml());
  const { uid } = web().metadata;
  store.put({ ...web(), spec: { ...web().spec, replicas: 7 } } as Deployment);
  apply(yaml({ image: 'b' }));
  assert.deepEqual(
    [web().spec.replicas, web().spec.template.spec.containers[0]!.image, web().metadata.uid],
    [7, 'b', uid],
  );
  apply(yaml({ image: 'b', replicas: 3 }));
  assert.equal(web().spec.replicas, 3);
});

test('a restart is not undone by the next edit', () => {
  const { store, apply, web } = setUp();
  apply(yaml());
  store.put(withRestart(web(), 'then'));
  apply(yaml({ image: 'b' }));
  assert.equal(web().spec.template.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'], 'then');
});

test('an object that is refused keeps its last good version, and the problem names file and line until it is mended', () => {
  const { applier, apply, web } = setUp();
  apply(yaml());
  apply(yaml().replace('name: app, ', ''));
  assert.equal(web().spec.template.spec.containers[0]!.name, 'app');
  const [problem] = applier.problems();
  assert.match(problem!.message, /Deployment web has a container without a name/);
  assert.equal(problem!.object?.origin, 'a.yaml:2');
  apply(yaml());
  assert.deepEqual(applier.problems(), []);
});

test('a Service keeps its address when it is edited', () => {
  const { store, apply } = setUp();
  const text = (port: number): string =>
    `{ apiVersion: v1, kind: Service, metadata: { name: web, namespace: shop }, spec: { ports: [{ port: ${port} }] } }`;
  apply(text(80));
  const service = store.get('Service', 'shop', 'web')!;
  store.put({ ...service, spec: { ...service.spec, clusterIP: '10.96.0.16' } } as typeof service);
  apply(text(81));
  const now = store.get('Service', 'shop', 'web')!;
  assert.deepEqual([now.spec.ports![0]!.port, now.spec.clusterIP], [81, '10.96.0.16']);
});

test('what leaves the folder leaves the store, and a written Pod is kept apart from the one that runs', () => {
  const { store, applier, apply } = setUp();
  apply(
    `${yaml()}---\n{ apiVersion: v1, kind: Pod, metadata: { name: bare, namespace: shop }, spec: { containers: [{ name: app, command: [run] }] } }\n`,
  );
  assert.equal(store.list('Pod').length, 0);
  assert.equal(store.list('BarePod').length, 1);
  applier.apply([
    { type: 'delete', kind: 'Deployment.apps', key: 'shop/web' },
    { type: 'delete', kind: 'Pod', key: 'shop/bare' },
  ]);
  assert.deepEqual(store.all(), []);
});

test("kinds of other groups do not pass for Kubernetes' own", () => {
  const { store, apply } = setUp();
  apply(
    '{ apiVersion: serving.knative.dev/v1, kind: Service, metadata: { name: web, namespace: shop }, spec: {} }',
  );
  assert.equal(store.list('Service').length, 0);
  assert.equal(store.find('Service.serving.knative.dev/shop/web')?.kind, 'Service');
});

test('each thing that cannot run is a problem with its path', () => {
  const { applier, apply } = setUp();
  const pod = (name: string, spec: string): string =>
    `---\n{ apiVersion: v1, kind: Pod, metadata: { name: ${name}, namespace: a }, spec: ${spec} }\n`;
  apply(
    pod('empty', '{ containers: [] }') +
      pod('twice', '{ containers: [{ name: a, command: [x] }, { name: a, command: [x] }] }') +
      pod(
        'mount',
        '{ containers: [{ name: a, command: [x], volumeMounts: [{ name: v, mountPath: /v }] }] }',
      ) +
      '---\n{ apiVersion: v1, kind: Service, metadata: { name: s, namespace: a }, spec: { ports: [{ port: 0 }] } }\n',
  );
  assert.deepEqual(
    applier.problems().map(({ path, message }) => `${path}: ${message}`),
    [
      'spec: Pod empty has no containers; give it at least one',
      'spec.containers[1].name: Pod twice has two containers named a; names must differ',
      'spec.containers[0].volumeMounts: container a of Pod mount mounts the volume v, which spec.volumes does not declare',
      'spec.ports[0].port: Service s has the port 0; use 1 to 65535',
    ],
  );
});

test('misspelt fields refuse an object of any kind, as kubectl does, and say which was meant', () => {
  const { store, applier, apply } = setUp();
  apply(
    `${yaml().replace('name: app, ', 'name: app, readinesProbe: {}, ')}---
{ apiVersion: v1, kind: Service, metadata: { name: s, namespace: a }, spec: { selectr: { app: s }, ports: [{ port: 80 }] } }
---
{ apiVersion: v1, kind: ConfigMap, metadata: { name: c, namespace: a }, dat: {} }
---
{ apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: { name: c, namespace: a }, spec: { egres: [] } }
`,
  );
  assert.deepEqual(
    applier.problems().map(({ path, message }) => `${path}: ${message}`),
    [
      'spec.template.spec.containers[0].readinesProbe: Deployment web: spec.template.spec.containers[0].readinesProbe: readinesProbe is no field of Container, and kubectl apply refuses it; did you mean readinessProbe?',
      'spec.selectr: Service s: spec.selectr: selectr is no field of ServiceSpec, and kubectl apply refuses it; did you mean selector?',
      'dat: ConfigMap c: dat: dat is no field of ConfigMap, and kubectl apply refuses it; did you mean data?',
    ],
  );
  assert.deepEqual(
    store.all().map(({ kind }) => kind),
    ['Sidecar'],
  );
});

test("a StatefulSet's claims are volumes of its pods", () => {
  const { applier, apply } = setUp();
  apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: a }
spec:
  volumeClaimTemplates: [{ metadata: { name: data } }]
  template: { spec: { containers: [{ name: a, command: [x], volumeMounts: [{ name: data, mountPath: /data }] }] } }
`);
  assert.deepEqual(applier.problems(), []);
});
