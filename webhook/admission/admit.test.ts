import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inject, injectOptions, type PodTemplate } from '../inject/index.ts';
import { applyPatch } from '../inject/testing/apply-patch.ts';
import { admit, controllerOf, foreignAdmission, isPodCreation, type Surroundings } from './admit.ts';
import { type AdmissionRequest, readReview, writeReview } from './review.ts';
import { review, settings } from './testing/admission.ts';

const labelled: Surroundings = { namespace: { labels: { 'weft.dev/inject': 'enabled' }, annotations: {} } };
const plain: Surroundings = { namespace: { labels: {}, annotations: {} } };

function pod(over: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): PodTemplate {
  const spec = { containers: [{ name: 'app', image: 'shop:1' }], ...over };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'cart-7d9f-', ...metadata }, spec };
}

function asked(object: unknown, over: Record<string, unknown> = {}): AdmissionRequest {
  const read = readReview(review(object, over));
  assert.ok('request' in read, JSON.stringify(read));
  return read.request;
}

test('a pod of a labelled namespace is answered with the patch that injects it', () => {
  const object = pod();
  const admission = admit(asked(object), labelled, settings());
  assert.equal(admission.outcome, 'injected');
  const expected = inject(
    object,
    { namespace: 'shop', namespaceLabels: labelled.namespace!.labels },
    settings().inject,
  );
  assert.deepEqual(
    applyPatch(object, admission.answer.patch ?? []),
    expected.kind === 'injected' && expected.pod,
  );
  assert.deepEqual(admission.events, []);
});

test('a pod that nobody asked to inject is let through without a word', () => {
  const admission = admit(asked(pod()), plain, settings());
  assert.deepEqual(admission, {
    outcome: 'skipped',
    code: 'not-labelled',
    answer: { allowed: true, warnings: [] },
    events: [],
  });
});

test('a pod that cannot be in the mesh is created with a warning, and its workload gets an event', () => {
  const about = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart' };
  const admission = admit(asked(pod({ hostNetwork: true })), { ...labelled, about }, settings());
  assert.equal(admission.outcome, 'skipped');
  assert.equal(admission.answer.allowed, true);
  assert.match(admission.answer.warnings![0]!, /^weft: the pod is not in the mesh: hostNetwork is true/);
  const [event] = admission.events;
  assert.deepEqual(
    { ...event, message: '' },
    { namespace: 'shop', about, type: 'Warning', reason: 'WeftNotInjected', message: '' },
  );
  assert.match(event!.message, /hostNetwork/);
});

test('the annotation of the workload counts, and the event says who disabled it', () => {
  const around = { ...labelled, ownerAnnotations: { 'weft.dev/inject': 'disabled' } };
  const admission = admit(asked(pod()), around, settings());
  assert.equal(admission.code, 'disabled');
  assert.equal(admission.events[0]?.type, 'Normal');
  assert.match(admission.events[0]!.message, /disabled by workload annotation weft.dev\/inject=disabled/);
  assert.deepEqual(admission.answer.warnings, []);
});

test('the annotation of the namespace counts when other meshes are accepted', () => {
  const around = { namespace: { labels: {}, annotations: { 'linkerd.io/inject': 'enabled' } } };
  const accepting = settings({ inject: injectOptions({ acceptOtherMeshes: true }) });
  assert.equal(admit(asked(pod()), around, accepting).outcome, 'injected');
  assert.equal(admit(asked(pod()), around, settings()).code, 'not-labelled');
});

test('annotations of a mesh that is not accepted are named in an event, and obeyed where it is', () => {
  const annotations = { 'traffic.sidecar.istio.io/excludeOutboundPorts': '3306' };
  const labels = { 'sidecar.istio.io/inject': 'true' };
  const noted = admit(asked(pod({}, { annotations })), labelled, settings());
  assert.deepEqual(
    noted.events.map(({ type, reason }) => [type, reason]),
    [['Normal', 'WeftInjectedWithNote']],
  );
  assert.match(noted.events[0]!.message, /excludeOutboundPorts.*--accept-labels istio/);
  const unheard = admit(asked(pod({}, { labels })), plain, settings());
  assert.equal(unheard.outcome, 'skipped');
  assert.match(unheard.events[0]!.message, /sidecar\.istio\.io\/inject=true.*--accept-labels/);
  const accepting = settings({
    inject: injectOptions({ acceptOtherMeshes: true, acceptedMeshes: ['istio'] }),
  });
  const obeyed = admit(asked(pod({}, { annotations, labels })), plain, accepting);
  assert.equal(obeyed.outcome, 'injected');
  assert.deepEqual(obeyed.events, []);
  const refused = { 'traffic.sidecar.istio.io/excludeOutboundPorts': 'mysql' };
  assert.match(
    admit(asked(pod({}, { labels, annotations: refused })), plain, accepting).answer.denial!,
    /excludeOutboundPorts: "mysql": "mysql" is no port/,
  );
});

test('a refused pod is denied with every reason and the way out', () => {
  const annotations = { 'weft.dev/log-level': 'loud', 'weft.dev/proxy-cpu-request': 'much' };
  const admission = admit(asked(pod({}, { annotations })), labelled, settings());
  assert.equal(admission.outcome, 'denied');
  assert.equal(admission.answer.allowed, false);
  assert.match(admission.answer.denial!, /log-level.*proxy-cpu-request.*weft.dev\/inject=disabled/s);
  assert.equal(admission.events[0]?.reason, 'WeftInjectionRefused');
});

test('with refusedPods admit, a refused pod is created outside the mesh, with a warning and an event', () => {
  const annotations = { 'weft.dev/log-level': 'loud' };
  const admission = admit(asked(pod({}, { annotations })), labelled, settings({ refusedPods: 'admit' }));
  assert.equal(admission.outcome, 'admitted');
  assert.equal(admission.answer.allowed, true);
  assert.equal(admission.answer.patch, undefined);
  assert.equal(admission.answer.warnings?.length, 1);
  assert.equal(admission.events[0]?.type, 'Warning');
});

test('a malformed pod is refused, not a crash', () => {
  for (const object of [{}, { spec: null }, { spec: { containers: 'x' } }, { metadata: 3, spec: {} }]) {
    const admission = admit(asked(object), labelled, settings());
    assert.equal(admission.outcome, 'denied', JSON.stringify(object));
  }
});

test('shown a second time with the defaults of the server in it, a pod is left alone', () => {
  const object = pod();
  const patched = applyPatch(
    object,
    admit(asked(object), labelled, settings()).answer.patch ?? [],
  ) as PodTemplate;
  const token = {
    name: 'default-token-x',
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    readOnly: true,
  };
  const defaulted = structuredClone(patched) as unknown as {
    spec: {
      containers: Record<string, unknown>[];
      initContainers: Record<string, unknown>[];
      volumes: Record<string, unknown>[];
    };
  };
  for (const container of [...defaulted.spec.containers, ...defaulted.spec.initContainers]) {
    container.terminationMessagePath = '/dev/termination-log';
    container.volumeMounts = [...((container.volumeMounts as unknown[]) ?? []), token];
  }
  (defaulted.spec.volumes[0]!.projected as Record<string, unknown>).defaultMode = 420;
  const again = admit(asked(defaulted), labelled, settings());
  // The token of the app is taken out of our containers; nothing else is a change.
  assert.deepEqual(
    again.answer.patch?.map(({ op, path }) => `${op} ${path}`),
    ['remove /spec/containers/0/volumeMounts/3', 'remove /spec/initContainers/0/volumeMounts/1'],
  );
  const third = applyPatch(defaulted, again.answer.patch) as PodTemplate;
  assert.deepEqual(admit(asked(third), labelled, settings()).answer.patch, []);
  assert.equal(again.outcome, 'injected');
});

test('shown a second time after another webhook added a container, that one is taken in too', () => {
  const object = pod();
  const patched = applyPatch(
    object,
    admit(asked(object), labelled, settings()).answer.patch ?? [],
  ) as PodTemplate;
  const probe = { httpGet: { path: '/ok', port: 81 } };
  const containers = [...patched.spec.containers, { name: 'late', image: 'l', readinessProbe: probe }];
  const more = { ...patched, spec: { ...patched.spec, containers } };
  const again = admit(asked(more), labelled, settings());
  const result = applyPatch(more, again.answer.patch ?? []) as PodTemplate;
  const late = result.spec.containers.find(({ name }) => name === 'late');
  assert.deepEqual((late?.readinessProbe?.httpGet as { port: number } | undefined)?.port, 15020);
});

test('only created pods are judged; the answer to anything else is yes, with a warning', () => {
  assert.equal(isPodCreation(asked(pod())), true);
  assert.equal(isPodCreation(asked(pod(), { operation: 'UPDATE' })), false);
  assert.equal(isPodCreation(asked(pod(), { subResource: 'binding' })), false);
  assert.equal(isPodCreation(asked(null, { operation: 'DELETE' })), false);
  const deployment = asked({}, { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } });
  assert.equal(isPodCreation(deployment), false);
  const { answer } = foreignAdmission(deployment);
  assert.equal(answer.allowed, true);
  assert.match(answer.warnings![0]!, /CREATE of apps\/Deployment/);
});

test('the controller of a pod is read only where it is well-formed', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-7d9f', uid: 'u', controller: true };
  assert.deepEqual(
    controllerOf({ metadata: { ownerReferences: [{ ...owner, controller: false }, owner] } }),
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'cart-7d9f',
      uid: 'u',
    },
  );
  assert.equal(controllerOf({ metadata: { ownerReferences: [{ controller: true }] } }), undefined);
  assert.equal(controllerOf({ metadata: { ownerReferences: 7 } }), undefined);
  assert.equal(controllerOf(undefined), undefined);
});

test('the envelope bears the version and uid of the question, for v1beta1 too', () => {
  const text = review(pod()).replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1');
  const read = readReview(text);
  assert.ok('request' in read);
  const written = writeReview(read.request, admit(read.request, labelled, settings()).answer) as {
    apiVersion: string;
    response: { uid: string; patchType: string; patch: string };
  };
  assert.equal(written.apiVersion, 'admission.k8s.io/v1beta1');
  assert.equal(written.response.uid, 'u-1');
  assert.equal(written.response.patchType, 'JSONPatch');
  assert.ok(Array.isArray(JSON.parse(Buffer.from(written.response.patch, 'base64').toString())));
});

test('long warnings are cut where the API server would cut them', () => {
  const read = readReview(review(pod()));
  assert.ok('request' in read);
  const { response } = writeReview(read.request, { allowed: true, warnings: ['x'.repeat(300), 'y'] }) as {
    response: { warnings: string[] };
  };
  assert.equal(response.warnings[0]!.length, 255);
  assert.equal(response.warnings[1], 'y');
});
