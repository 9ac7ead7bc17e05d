import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf, type Stored } from '../../registry/index.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';
import { mergeStatus, type ObjectStatus, objectStatuses, type StatusContent } from './index.ts';

const services = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
spec: {clusterIP: 10.0.0.2, ports: [{port: 80}]}
---
`;

function statusesOf(yaml: string): Map<string, ObjectStatus> {
  const changes = changesOf(services + yaml);
  const translator = new Translator();
  const { mesh } = translator.apply(changes);
  const objects = changes.flatMap((change): Stored[] => (change.type === 'put' ? [change.stored] : []));
  const statuses = objectStatuses({ objects, problems: translator.problems(), mesh });
  return new Map(statuses.map(each => [`${each.ref.kind} ${keyOf(each.object.metadata)}`, each]));
}

const route = (parents: string, rules: string, name = 'route', namespace = 'shop') => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}}
spec: {parentRefs: [${parents}], rules: [${rules}]}
---
`;
const toWeb = '{backendRefs: [{name: web, port: 80}]}';
const webParent = '{group: "", kind: Service, name: web}';

/** `Accepted=True Accepted`, for each condition of each parent. */
function conditionsOf({ content }: ObjectStatus): string[][] {
  assert.equal(content?.shape, 'parents');
  return content.parents.map(each =>
    each.conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
  );
}

function only(yaml: string): ObjectStatus {
  return statusesOf(yaml).get('HTTPRoute shop/route')!;
}

const accepted = 'Accepted=True Accepted';
const resolved = 'ResolvedRefs=True ResolvedRefs';

const cases: [string, string, string[][], ObjectStatus['effect']][] = [
  ['a route that says nothing wrong is accepted', route(webParent, toWeb), [[accepted, resolved]], 'all'],
  ['parents that are Gateways are not ours to judge', route('{name: edge}', toWeb), [], 'none'],
  [
    'each parent is judged for itself',
    route(`${webParent}, {group: "", kind: Service, name: gone}, {name: edge}`, toWeb),
    [
      [accepted, resolved],
      ['Accepted=False NoMatchingParent', resolved],
    ],
    'part',
  ],
  [
    'a port that the Service has not is no parent',
    route('{group: "", kind: Service, name: web, port: 81}', toWeb),
    [['Accepted=False NoMatchingParent', resolved]],
    'none',
  ],
  [
    'a port by name is no parent yet',
    route('{group: "", kind: Service, name: web, sectionName: http}', toWeb),
    [['Accepted=False NoMatchingParent', resolved]],
    'none',
  ],
  [
    'a backend that is not there is named',
    route(webParent, '{backendRefs: [{name: web, port: 80}, {name: gone, port: 80}, {name: web, port: 90}]}'),
    [[accepted, 'ResolvedRefs=False BackendNotFound']],
    'part',
  ],
  [
    'a backend of another namespace needs its consent',
    route(webParent, '{backendRefs: [{name: web, namespace: other, port: 80}]}'),
    [[accepted, 'ResolvedRefs=False RefNotPermitted']],
    'part',
  ],
  [
    'a backend of another kind is not understood',
    route(webParent, '{backendRefs: [{kind: Pool, group: example.com, name: web, port: 80}]}'),
    [[accepted, 'ResolvedRefs=False InvalidKind']],
    'part',
  ],
  [
    'fields without effect make a route partially invalid',
    route(webParent, '{weight: 3, backendRefs: [{name: web, port: 80}]}'),
    [[accepted, resolved, 'PartiallyInvalid=True UnsupportedValue']],
    'part',
  ],
  [
    'a value that nobody knows is unsupported',
    route(webParent, '{matches: [{path: {type: Suffix}}], backendRefs: [{name: web, port: 80}]}'),
    [['Accepted=False UnsupportedValue', resolved]],
    'none',
  ],
  [
    'filters that do not go together are told apart from that',
    route(
      webParent,
      '{filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: web, port: 80}]}',
    ),
    [['Accepted=False IncompatibleFilters', resolved]],
    'none',
  ],
  [
    'filters of one backend take effect for its share',
    route(
      webParent,
      '{backendRefs: [{name: web, port: 80}, {name: web, port: 80, filters: [{type: URLRewrite, urlRewrite: {hostname: b.example.com}}]}]}',
    ),
    [[accepted, resolved]],
    'all',
  ],
  [
    'a mirror of one backend that is not there is named',
    route(
      webParent,
      '{backendRefs: [{name: web, port: 80}, {name: web, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}]}]}',
    ),
    [[accepted, 'ResolvedRefs=False BackendNotFound']],
    'part',
  ],
  [
    'CORS of one of several backends is told apart from what nobody knows',
    route(
      webParent,
      '{backendRefs: [{name: web, port: 80}, {name: web, port: 80, filters: [{type: CORS, cors: {allowOrigins: ["*"]}}]}]}',
    ),
    [['Accepted=False IncompatibleFilters', resolved]],
    'none',
  ],
  [
    'a VirtualService goes before a route, and the route says so',
    `${route(webParent, toWeb)}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}]}]}
`,
    [['Accepted=False Conflicted', resolved]],
    'none',
  ],
];
for (const [name, yaml, expected, effect] of cases) {
  test(name, () => {
    const status = only(yaml);
    assert.deepEqual(conditionsOf(status), expected);
    assert.equal(status.effect, effect);
  });
}

test('the status of a route says whether the Server that it is attached to is there', () => {
  const parent = '{group: policy.linkerd.io, kind: Server, name: web}';
  const server = `
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, port: 80}
---`;
  const noted = (yaml: string): unknown => [conditionsOf(only(yaml)), only(yaml).effect];
  assert.deepEqual(noted(server + route(parent, '{}')), [[[accepted]], 'all']);
  assert.deepEqual(noted(route(parent, '{}')), [[['Accepted=False NoMatchingParent']], 'none']);
  const byQuery = '{matches: [{queryParams: [{name: a, value: b}]}]}';
  assert.deepEqual(noted(server + route(parent, byQuery)), [[['Accepted=False UnsupportedValue']], 'none']);
  assert.deepEqual(noted(server + route(`${webParent}, ${parent}`, toWeb)), [
    [[accepted, resolved], [accepted]],
    'all',
  ]);
});

test('the status of a route of Linkerd says where rules without backends go, and that of Gateway API that they are 500', () => {
  const messages = (yaml: string): string => JSON.stringify(only(yaml).content);
  const linkerd = route(webParent, '{}').replace('gateway.networking.k8s.io/v1', 'policy.linkerd.io/v1beta3');
  assert.match(
    messages(linkerd),
    /"Accepted","message":"[^"]*; rules without backendRefs send to the parent, as in Linkerd"/,
  );
  assert.doesNotMatch(
    messages(route(webParent, toWeb).replace('gateway.networking.k8s.io/v1', 'policy.linkerd.io/v1beta3')),
    /as in Linkerd/,
  );
  assert.match(
    messages(route(webParent, '{}')),
    /"PartiallyInvalid"[^}]*answered 500, as Gateway API wants it/,
  );
});

test('who won a conflict is named, and the reasons for a refusal are the problems of the object', () => {
  const status = only(cases.at(-1)![1]);
  assert.equal(status.content?.shape, 'parents');
  assert.match(status.content.parents[0]!.conditions[0]!.message, /VirtualService web\.shop .*goes before/);
  const refused = only(route(webParent, '{matches: [{path: {type: Suffix}}]}'));
  assert.ok(refused.problems.some(each => /'Suffix' is none of/.test(each.message)));
});

test('routes of a producer and a consumer do not conflict', () => {
  const parent = '{group: "", kind: Service, name: web, namespace: shop}';
  const statuses = statusesOf(
    route(webParent, toWeb) +
      route(parent, '{backendRefs: [{name: web, namespace: shop, port: 80}]}', 'mine', 'other'),
  );
  assert.deepEqual(
    ['shop/route', 'other/mine'].map(key => statuses.get(`HTTPRoute ${key}`)!.effect),
    ['all', 'all'],
  );
});

test('the status of an object says what of it is carried out only nearly', () => {
  const status = statusesOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: near, namespace: shop}
spec: {hosts: ["*example.com"], ports: [{number: 80, name: http, protocol: HTTP}]}
`).get('ServiceEntry shop/near')!;
  assert.equal(status.effect, 'part');
  assert.match(
    JSON.stringify(status.content),
    /spec\.hosts\[0\]: '\*example\.com' is taken for example\.com and \*\.example\.com; other names that end like it \(myexample\.com\)/,
  );
});

test('an object of Istio has one condition, and a message for each code', () => {
  const statuses = statusesOf(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: good, namespace: shop}
spec: {host: web}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: odd, namespace: shop}
spec: {host: web.other.svc.cluster.local, colour: red}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bad, namespace: shop}
spec: {host: 7}
`);
  const of = (name: string) => {
    const content = statuses.get(`DestinationRule shop/${name}`)!.content!;
    assert.equal(content.shape, 'conditions');
    return [
      content.conditions[0]!.status,
      content.conditions[0]!.reason,
      ...content.messages.map(each => `${each.level} ${each.type.code}`),
    ];
  };
  assert.deepEqual(of('good'), ['True', 'Accepted']);
  assert.deepEqual(of('odd'), ['True', 'PartiallyAccepted', 'WARNING weft.dev/field-not-supported']);
  assert.deepEqual(of('bad').slice(0, 2), ['False', 'UnsupportedValue']);
  assert.equal(statuses.get('Service shop/web')!.content, undefined);
});

const subsets = (rules: string, defined = ''): ObjectStatus =>
  statusesOf(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [${rules}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [${defined}]}
`).get('VirtualService shop/web')!;
const toSubset = (name: string, weight = 100): string =>
  `{destination: {host: web, subset: ${name}}, weight: ${weight}}`;

function acceptance({ content: said }: ObjectStatus): string {
  assert.equal(said?.shape, 'conditions');
  const { status, reason, message } = said.conditions[0]!;
  return `${status} ${reason}: ${message}`;
}

test('a VirtualService whose every request is answered 503 does not say that it takes effect', () => {
  const lost = subsets(`{route: [${toSubset('v1')}]}`);
  assert.equal(lost.effect, 'none');
  assert.match(
    acceptance(lost),
    /^False TargetsMissing: .*spec\.http\[0\]: no DestinationRule defines subset v1 of web\.shop \(it has none\); .* 503/,
  );
  const part = subsets(
    `{route: [${toSubset('v1', 90)}, ${toSubset('v2', 10)}]}`,
    '{name: v1, labels: {v: one}}',
  );
  assert.equal(part.effect, 'part');
  assert.match(
    acceptance(part),
    /^True PartiallyAccepted: .*no DestinationRule defines subset v2 of web\.shop \(it has v1\)/,
  );
  const whole = subsets(`{route: [${toSubset('v1')}]}`, '{name: v1, labels: {v: one}}');
  assert.equal(acceptance(whole), 'True Accepted: takes effect');
  const gone = subsets('{route: [{destination: {host: gone}}]}');
  assert.match(acceptance(gone), /^False TargetsMissing: .*there is no Service gone\.shop/);
  const answers = subsets(
    `{match: [{uri: {prefix: /a}}], route: [${toSubset('v1')}]}, {directResponse: {status: 204}}`,
  );
  assert.equal(answers.effect, 'part', 'a rule that answers itself leads somewhere');
});

const content: StatusContent = {
  shape: 'parents',
  parents: [
    {
      parentRef: { name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }],
    },
  ],
};
type Entry = { controllerName: string; conditions: Record<string, unknown>[] };

test('entries of other controllers stay, our own are replaced, and what is said already is not said again', () => {
  const theirs = { controllerName: 'example.com/gateway', parentRef: { name: 'edge' }, conditions: [] };
  const first = mergeStatus(content, { parents: [theirs] }, 1, 'T1')! as { parents: Entry[] };
  assert.deepEqual(
    first.parents.map(each => each.controllerName),
    ['example.com/gateway', 'weft.dev/mesh-controller'],
  );
  assert.equal(mergeStatus(content, first, 1, 'T2'), undefined);
  const later = mergeStatus(content, first, 2, 'T2')! as { parents: Entry[] };
  assert.deepEqual(later.parents[1]!.conditions[0], {
    type: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: '',
    observedGeneration: 2,
    lastTransitionTime: 'T1',
  });
  assert.deepEqual(mergeStatus({ shape: 'parents', parents: [] }, first, 1, 'T3'), { parents: [theirs] });
  assert.equal(mergeStatus({ shape: 'parents', parents: [] }, {}, 1, 'T3'), undefined);
});

test('the time of a condition is that of its last change of status', () => {
  const refused: StatusContent = {
    shape: 'conditions',
    conditions: [{ type: 'weft.dev/Accepted', status: 'False', reason: 'Conflicted', message: '' }],
    messages: [{ type: { name: 'a', code: 'weft.dev/a' }, level: 'ERROR' }],
  };
  const theirs = {
    conditions: [{ type: 'Reconciled', status: 'True' }],
    validationMessages: [{ type: { code: 'IST0101' }, level: 'ERROR' }, { type: { code: 'weft.dev/old' } }],
  };
  const first = mergeStatus(refused, theirs, 1, 'T1')! as typeof theirs;
  assert.deepEqual(
    first.conditions.map(each => each.type),
    ['Reconciled', 'weft.dev/Accepted'],
  );
  assert.deepEqual(
    first.validationMessages.map(each => each.type.code),
    ['IST0101', 'weft.dev/a'],
  );
  assert.equal(mergeStatus(refused, first, 1, 'T2'), undefined);
  const mended = { ...refused, conditions: [{ ...refused.conditions[0]!, status: 'True' as const }] };
  const after = mergeStatus(mended, first, 1, 'T3')! as { conditions: Record<string, unknown>[] };
  assert.equal(after.conditions[1]!.lastTransitionTime, 'T3');
});

test("a Telemetry's status says what of it is meaningless in Istio too, who won, and who is not there", () => {
  const statuses = statusesOf(`
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: blog, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  metrics:
  - providers: [{name: prometheus}]
    dimensions: {request_protocol: request.protocol | "unknown"}
    name: request_total
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: younger, namespace: shop, creationTimestamp: "2026-02-01T00:00:00Z"}
spec: {tracing: [{randomSamplingPercentage: 1}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: nobody, namespace: other}
spec: {tracing: [{providers: [{name: nobody}]}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: filter, namespace: bank}
spec: {accessLogging: [{filter: {expression: "x > 1"}}]}
`);
  const words = (name: string): string => {
    const { effect, content } = statuses.get(`Telemetry ${name}`)!;
    return `${effect} ${content?.shape === 'conditions' ? content.conditions[0]!.message : ''}`;
  };
  assert.match(
    words('shop/blog'),
    /^part .*dimensions: no version of Istio's Telemetry has this field, and Istio ignores it too/,
  );
  assert.match(words('shop/younger'), /^none .*Telemetry blog\.shop .*is older/);
  assert.match(words('other/nobody'), /^part .*no provider is called 'nobody'/);
  assert.match(words('bank/filter'), /^none .*no attribute is called x/);
});
