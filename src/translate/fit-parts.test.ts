import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../model/index.ts';
import type { Stored } from '../registry/index.ts';
import { objectStatuses } from './status/index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const host = 'web.shop.svc.cluster.local';
const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
---
`;
const virtual = (http: string): string => `${service}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs, namespace: shop}
spec: {hosts: [web], http: [${http}]}
`;
const route = (rules: string): string => `${service}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hr, namespace: shop}
spec: {parentRefs: [{group: "", kind: Service, name: web}], rules: [${rules}]}
`;
const to = 'route: [{destination: {host: web}}]';
const backend = 'backendRefs: [{name: web, port: 80}]';
const filter = (type: string, field: string, says: string): string =>
  `{filters: [{type: ${type}, ${field}: ${says}}], ${type === 'RequestRedirect' ? '' : backend}}`;

/** What every proxy would refuse, and how it is said. */
const refused: readonly (readonly [name: string, yaml: string, message: RegExp])[] = [
  ['a blank', virtual(`{rewrite: {uri: " "}, ${to}}`), /path rewrite ' '/],
  ['a fragment', virtual(`{rewrite: {uri: "/a#b"}, ${to}}`), /path rewrite '\/a#b'/],
  ['an umlaut', virtual('{redirect: {uri: "/ä"}}'), /path rewrite '\/ä'/],
  ['a redirect to no host', virtual('{redirect: {authority: "a b"}}'), /'a b' is no host/],
  ['an unknown variable', virtual(`{headers: {request: {set: {x-a: "%NOBODY%"}}}, ${to}}`), /%NOBODY%/],
  ['a control character', virtual(`{headers: {response: {add: {x-a: "a\\u0001"}}}, ${to}}`), /'x-a' cannot/],
  ['a method that is none', virtual(`{corsPolicy: {allowMethods: ["GE T"]}, ${to}}`), /'GE T' is no method/],
  [
    'a line end in a header of CORS',
    virtual(`{corsPolicy: {allowOrigins: [{exact: a}], exposeHeaders: ["a\\r\\nb: c"]}, ${to}}`),
    /is no method and no header/,
  ],
  [
    'a line end in a header',
    route(filter('RequestHeaderModifier', 'requestHeaderModifier', '{set: [{name: x-a, value: "b\\nc"}]}')),
    /'x-a' cannot be edited/,
  ],
  [
    'a host with a blank',
    route(filter('RequestRedirect', 'requestRedirect', '{hostname: "a b"}')),
    /'a b' is no host/,
  ],
  [
    'a host to rewrite to that ends the line',
    route(filter('URLRewrite', 'urlRewrite', '{hostname: "a\\r\\nx: y"}')),
    /is no host with an optional port/,
  ],
  [
    'a host whose letters would be cut down to others',
    route(filter('URLRewrite', 'urlRewrite', '{hostname: "\\u0161.example"}')),
    /is no host with an optional port/,
  ],
  [
    'a cookie that is none',
    route(`{sessionPersistence: {sessionName: "a;b"}, ${backend}}`),
    /'a;b' is no name of a cookie/,
  ],
];

function translated(yaml: string, translator = new Translator()): Translator {
  translator.apply(changesOf(yaml));
  return translator;
}

function problemsOf(yaml: string): readonly Problem[] {
  return translated(yaml).problems();
}

for (const [name, yaml, message] of refused) {
  test(`${name}, which proxies refuse, is said of the object, with its path`, () => {
    const [problem, ...more] = problemsOf(yaml).filter(each => each.severity === 'error');
    assert.deepEqual(more, []);
    assert.equal(problem?.code, 'rule-refused');
    assert.match(problem.path ?? '', /^spec\.(http|rules)\[0\]$/);
    assert.match(problem.message, message);
  });
}

function actions(translator: Translator): string[] {
  return (translator.mesh.routeTables.get(host)?.[0]?.http ?? []).map(({ action }) =>
    action.kind === 'respond' ? `${action.status} ${action.body}` : action.kind,
  );
}

test('a rule that cannot be carried out answers 500 with the reason, and the others hold', () => {
  const yaml = virtual(
    `{match: [{uri: {prefix: /v1}}], rewrite: {uri: " "}, ${to}}, {redirect: {uri: /new}}`,
  );
  const [bad, good, ...more] = actions(translated(yaml));
  assert.match(bad!, /^500 weft: VirtualService vs\.shop spec\.http\[0\]: the path rewrite ' '/);
  assert.deepEqual([good, ...more], ['redirect']);
});

test('a rule that was good before goes on with that, while the others take what is new', () => {
  const rules = (rewrite: string, status: number): string =>
    virtual(
      `{match: [{uri: {prefix: /v1}}], rewrite: {uri: "${rewrite}"}, ${to}}, {directResponse: {status: ${status}}}`,
    );
  const translator = translated(rules('/one', 418));
  translated(rules('/a#b', 204), translator);
  assert.deepEqual(actions(translator), ['forward', '204 ']);
  const [first] = translator.mesh.routeTables.get(host)![0]!.http;
  assert.ok(first!.action.kind === 'forward' && first!.action.path?.kind === 'prefix');
  assert.equal(first!.action.path.value, '/one');
  assert.match(translator.problems()[0]!.message, /what this rule said before holds on$/);
  // Still the last good one, not the refusal of a bad one in between.
  translated(rules('/c#d', 200), translator);
  assert.deepEqual(actions(translator), ['forward', '200 ']);
  translated(rules('/two', 200), translator);
  assert.deepEqual(translator.problems(), []);
});

test('with conditions that cannot be judged nothing of the object holds, because its rules would mean something else', () => {
  const bad = virtual(`{match: [{uri: {regex: "(?:a{1000}){1000}"}}], ${to}}, {redirect: {uri: /new}}`);
  const translator = translated(bad);
  assert.deepEqual(actions(translator), []);
  assert.ok(translator.problems().some(each => /regex|pattern/.test(each.message)));
  translated(virtual('{directResponse: {status: 204}}'), translator);
  translated(bad, translator);
  assert.deepEqual(actions(translator), ['204 ']);
});

test('a status says that the object takes effect but for the rule that is refused', () => {
  const effects = (yaml: string): (string | undefined)[] => {
    const changes = changesOf(yaml);
    const translator = new Translator();
    const { mesh } = translator.apply(changes);
    const objects = changes.flatMap((change): Stored[] => (change.type === 'put' ? [change.stored] : []));
    return objectStatuses({ objects, problems: translator.problems(), mesh })
      .filter(each => each.content)
      .map(each => `${each.effect} ${JSON.stringify(each.content)}`);
  };
  const [istio] = effects(virtual(`{rewrite: {uri: " "}, ${to}}`));
  assert.match(
    istio!,
    /^part .*"PartiallyAccepted".*spec\.http\[0\]: the path rewrite.*"weft\.dev\/rule-refused"/,
  );
  const [gateway] = effects(route(filter('RequestRedirect', 'requestRedirect', '{hostname: "a b"}')));
  assert.match(gateway!, /^part .*"PartiallyInvalid".*spec\.rules\[0\]: 'a b' is no host/);
});

test('a Host that a route of Gateway API would remove stays, as in Envoy, and that is said', () => {
  const yaml = route(filter('RequestHeaderModifier', 'requestHeaderModifier', '{remove: [host, x-a]}'));
  const translator = translated(yaml);
  assert.deepEqual(actions(translator), ['forward']);
  const [rule] = translator.mesh.routeTables.get(host)![0]!.http;
  assert.deepEqual(rule!.requestHeaders, { remove: ['x-a'] });
  assert.deepEqual(
    translator.problems().map(each => `${each.severity} ${each.code}`),
    ['warning field-not-supported'],
  );
});

test('a time beyond all clocks is no duration, and comes to no proxy as null', () => {
  const codes = (yaml: string): string[] => problemsOf(yaml).map(each => `${each.code} ${each.path}`);
  assert.deepEqual(codes(virtual(`{timeout: ${'9'.repeat(400)}h, ${to}}`)), [
    'field-invalid spec.http[0].timeout',
  ]);
  assert.deepEqual(codes(virtual(`{timeout: 2000000h, ${to}}`)), ['rule-refused spec.http[0]']);
});

test('an inbound limit with a header that proxies refuse is refused with its object', () => {
  const limit = (value: string): string => `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limit, namespace: shop}
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: {context: SIDECAR_INBOUND}
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.local_ratelimit
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
            token_bucket: {max_tokens: 5, fill_interval: 1s}
            filter_enabled: {default_value: {numerator: 100}}
            filter_enforced: {default_value: {numerator: 100}}
            response_headers_to_add: [{header: {key: x-a, value: "${value}"}}]
`;
  assert.equal(translated(limit('b')).mesh.inboundRateLimits.size, 1);
  const translator = translated(limit('b\\nc'));
  const [problem] = translator.problems();
  assert.match(`${problem?.severity} ${problem?.message}`, /^error .*'x-a' cannot be edited/);
  assert.equal(translator.mesh.inboundRateLimits.size, 0);
});
