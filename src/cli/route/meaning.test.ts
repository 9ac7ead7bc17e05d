// What policies mean for single requests, asked as weft route asks: from YAML through translation and resolution to the code that
// proxies run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../../translate/testing/from-yaml.ts';
import { answerOf, type RouteAnswer } from './answer.ts';
import { factsFromMesh } from './from-mesh.ts';
import { readUrl } from './request.ts';
import { routeText } from './text.ts';

const services = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.5, ports: [{name: http, port: 80}, {name: http-alt, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {clusterIP: 10.96.0.6, ports: [{name: http, port: 80}]}
---
`;
const virtual = (http: string, hosts = 'web'): string => `${services}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs, namespace: shop}
spec: {hosts: [${hosts}], http: [${http}]}
`;

/** What becomes of a request of a pod in `shop`. */
function ask(yaml: string, url: string, headers: readonly string[] = []): RouteAnswer {
  const { mesh } = meshFromYaml(yaml);
  const asked = readUrl('GET', url, headers);
  const found = { caller: { namespace: 'shop', labels: {} }, shown: { name: '', namespace: 'shop' } };
  const inject = undefined as never;
  const facts = factsFromMesh(
    { mesh, objects: [], problems: [], inject, expectPods: false },
    found,
    `${asked.to.host}:${asked.to.port}`,
  );
  return answerOf(asked, facts);
}

/** Where the request goes: `web /v1`, a status with its location. */
function outcome(yaml: string, url: string, headers: readonly string[] = []): string {
  const { action } = ask(yaml, url, headers);
  if (!action) return 'no route';
  if (action.kind === 'redirect') return `${action.status} ${action.location}`;
  if (action.kind === 'respond') return `${action.status}`;
  return `${action.clusters.map(each => each.cluster.split('.')[0]).join()} ${action.rewrittenTarget ?? '='}`;
}

test('a redirect of a prefix keeps what follows it, and replaces other paths whole', () => {
  const yaml = virtual(
    '{match: [{uri: {prefix: /foo/}}, {uri: {exact: /old}}], redirect: {prefixRewrite: /new/}}',
  );
  assert.equal(outcome(yaml, 'http://web/foo/bar?a=b'), '301 http://web/new/bar?a=b');
  assert.equal(outcome(yaml, 'http://web/old'), '301 http://web/new/');
  assert.equal(outcome(virtual('{redirect: {prefixRewrite: /new}}'), 'http://web/a'), '301 http://web/newa');
});

test('a redirect that changes nothing is refused with words, instead of sending clients round in circles', () => {
  for (const redirect of ['{}', '{redirectCode: 302}', '{scheme: http}', '{prefixRewite: /new/}']) {
    const yaml = virtual(`{match: [{uri: {prefix: /foo/}}], redirect: ${redirect}}`);
    assert.equal(outcome(yaml, 'http://web/foo/bar'), '500', redirect);
    const problems = meshFromYaml(yaml).problems.filter(each => each.severity === 'error');
    assert.match(problems[0]!.message, /^spec\.http\[0\]: the redirect changes nothing/);
  }
  const same = virtual('{match: [{uri: {exact: /a}}], redirect: {uri: /a}}');
  assert.equal(outcome(same, 'http://web/a'), '500');
  const withCookie = virtual(
    '{match: [{withoutHeaders: {cookie: {}}}], headers: {response: {set: {set-cookie: a=b}}}, redirect: {scheme: http}}',
  );
  assert.equal(outcome(withCookie, 'http://web/a'), '301 http://web/a');
  const gateway = `${services}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hr, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {statusCode: 301}}]}]
`;
  assert.equal(outcome(gateway, 'http://web/a'), '500');
});

test('the port of a redirect can be the one that was called, as Istio derives it', () => {
  const to = (redirect: string): string => virtual(`{redirect: {${redirect}}}`);
  const derived = to('authority: new.example.com, derivePort: FROM_REQUEST_PORT');
  assert.equal(outcome(derived, 'http://web:8080/a'), '301 http://new.example.com:8080/a');
  assert.equal(outcome(derived, 'http://web/a'), '301 http://new.example.com/a');
  const fixed = to('authority: new.example.com, derivePort: FROM_PROTOCOL_DEFAULT');
  assert.equal(outcome(fixed, 'http://web:8080/a'), '301 http://new.example.com/a');
  assert.deepEqual(meshFromYaml(derived).problems, []);
});

const route = (apiVersion: string, rule: string): string => `${services}
apiVersion: ${apiVersion}
kind: HTTPRoute
metadata: {name: hr, namespace: shop}
spec: {parentRefs: [{group: "", kind: Service, name: web}], rules: [${rule}]}
`;

test('filters of one backend hold for its share, and weft route shows them there', () => {
  const yaml = route(
    'gateway.networking.k8s.io/v1',
    `{filters: [{type: URLRewrite, urlRewrite: {hostname: all.example.com}}], matches: [{path: {value: /a}}], backendRefs: [
      {name: web, port: 80, weight: 2},
      {name: other, port: 80, filters: [
        {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}, hostname: b.example.com}},
        {type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}, percent: 5}},
        {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: x-share, value: b}]}}]},
      {name: other, port: 80, filters: [
        {type: RequestRedirect, requestRedirect: {hostname: old.example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: /old}}}]}]}`,
  );
  const answer = ask(yaml, 'http://web/a/x?q=1');
  assert.deepEqual(
    answer.action!.clusters.map(({ percent, rewrittenTarget, authority, redirected, mirrors }) => [
      percent,
      rewrittenTarget,
      authority,
      redirected?.location,
      mirrors?.map(each => each.percent),
    ]),
    [
      [50, undefined, undefined, undefined, undefined],
      [25, '/b/x?q=1', 'b.example.com', undefined, [5]],
      [25, undefined, undefined, 'http://old.example.com/old/x?q=1', undefined],
    ],
  );
  const text = routeText(answer);
  for (const line of [
    /\n {2}25 % {2}other\.[^\n]*\n {8}no connection[^\n]*\n {8}path of this share: becomes \/b\/x\?q=1\n/,
    /\n {8}host of this share: becomes b\.example\.com\n {8}response headers of this share: add x-share: b\n/,
    /\n {8}a copy of 5 % goes to web\.shop\.svc\.cluster\.local:80 /,
    /\n {2}25 % {2}nobody: it is redirected: 302 to http:\/\/old\.example\.com\/old\/x\?q=1\n/,
    /\n {2}host {9}becomes all\.example\.com\n/,
  ])
    assert.match(text, line);
});

test('a rule without backends sends to the parent where Linkerd wrote it, rewritten as it says, and is 500 in Gateway API', () => {
  const rewrite =
    '{matches: [{path: {value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}';
  assert.equal(outcome(route('policy.linkerd.io/v1beta3', '{}'), 'http://web/x'), 'web =');
  assert.equal(outcome(route('policy.linkerd.io/v1beta3', rewrite), 'http://web/a/x'), 'web /b/x');
  const gateway = route('gateway.networking.k8s.io/v1', '{}');
  assert.equal(outcome(gateway, 'http://web/x'), '500');
  assert.match(
    meshFromYaml(gateway).problems[0]!.message,
    /answered 500, as Gateway API wants it.*policy\.linkerd\.io/,
  );
});

test('withoutHeaders compares an absent header as an empty one, as Istio has it', () => {
  const rule = (without: string): string =>
    virtual(
      `{match: [{withoutHeaders: {x-a: ${without}}}], directResponse: {status: 204}}, {directResponse: {status: 418}}`,
    );
  assert.equal(outcome(rule('{regex: ".*"}'), 'http://web/'), '418');
  assert.equal(outcome(rule('{regex: ".+"}'), 'http://web/'), '204');
  assert.equal(outcome(rule('{exact: b}'), 'http://web/'), '204');
  assert.equal(outcome(rule('{}'), 'http://web/'), '204');
  assert.equal(outcome(rule('{regex: "b+"}'), 'http://web/', ['x-a: bb']), '418');
});

test('a Sidecar imports VirtualServices by the namespace that they stand in', () => {
  const scoped = (hosts: string): string => `${virtual('{directResponse: {status: 204}}')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: theirs, namespace: infra}
spec: {hosts: [other.shop.svc.cluster.local], http: [{directResponse: {status: 418}}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec: {egress: [{hosts: [${hosts}]}]}
`;
  assert.equal(outcome(scoped('./*'), 'http://web/'), '204');
  assert.equal(
    outcome(scoped('./*'), 'http://other/'),
    'other =',
    'a rule of a namespace that is not imported held',
  );
  assert.equal(outcome(scoped('./*, infra/*'), 'http://other/'), '418');
  assert.equal(outcome(scoped('"*/*", ~infra/*'), 'http://other/'), 'other =');
  assert.equal(outcome(scoped('"*/*", ~other/*'), 'http://other/'), '418');
});

test('rules for another name of a Service hold for those who call it by that', () => {
  const alias = `
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: shop}
spec: {type: ExternalName, externalName: web.shop.svc.cluster.local, ports: [{port: 80}]}
---`;
  const yaml = `${alias}${virtual('{directResponse: {status: 204}}', 'alias')}`;
  assert.equal(outcome(yaml, 'http://alias/'), '204');
  assert.equal(outcome(yaml, 'http://web/'), 'web =');
  const own = `${alias}${virtual('{directResponse: {status: 204}}')}`;
  assert.equal(outcome(own, 'http://alias/'), '204');
});

test('what a ServiceEntry may leave out does not refuse it', () => {
  const entry = (spec: string): readonly string[] =>
    meshFromYaml(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: se, namespace: shop}
spec: {${spec}}
`).problems.map(each => `${each.severity} ${each.path}`);
  const port = 'ports: [{number: 443, name: tls, protocol: TLS}]';
  assert.deepEqual(entry(`hosts: ["*.example.com"], ${port}, resolution: DYNAMIC_DNS`), []);
  assert.deepEqual(entry('hosts: [a.example.com], resolution: DNS'), ['warning spec.ports']);
  assert.deepEqual(entry(`hosts: [a.example.com], ${port}, resolution: STATIC`), ['warning spec.endpoints']);
  assert.deepEqual(entry(`hosts: ["*example.com"], ${port}, resolution: NONE`), ['warning spec.hosts[0]']);
});

test('a route that nobody handles is read all the same, and so is one of a Gateway', () => {
  const of = (parents: string): readonly string[] =>
    meshFromYaml(
      route('gateway.networking.k8s.io/v1', '{matches: [{path: {type: Suffix}}]}').replace(
        /parentRefs: \[.*?\],/,
        `parentRefs: [${parents}],`,
      ),
    ).problems.map(each => `${each.code} ${each.path}`);
  assert.ok(of('').includes('field-invalid spec.rules[0].matches[0].path.type'));
  assert.ok(
    of('{group: wrong, kind: Service, name: web}').includes(
      'field-invalid spec.rules[0].matches[0].path.type',
    ),
  );
  assert.ok(of('{name: edge}').includes('field-invalid spec.rules[0].matches[0].path.type'));
});

test('the share of a backend that is not there is shown as its callers see it: 500 of Gateway API, 503 of a VirtualService', () => {
  const backends = '[{name: web, port: 80, weight: 3}, {name: gone, port: 80}]';
  const gateway = `${services}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec: {parentRefs: [{group: '', kind: Service, name: web}], rules: [{backendRefs: ${backends}}]}
`;
  const text = (yaml: string): string => routeText(ask(yaml, 'http://web/'));
  assert.match(
    text(gateway),
    / {2}75 % {2}web\.shop.*\n.*\n {2}25 % {2}is answered with 500, flag NC: the backend gone\.shop/,
  );
  const istio = virtual(
    '{route: [{destination: {host: web}, weight: 75}, {destination: {host: gone}, weight: 25}]}',
  );
  assert.match(text(istio), / {2}25 % {2}gone\.shop\S+ {2}there is no Service gone\.shop: 503, flag UH/);
});
