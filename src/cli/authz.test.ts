import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const main = join(import.meta.dirname, '../main/weft.ts');
const run = (args: readonly string[], input: string) =>
  spawnSync(process.execPath, [main, 'authz', ...args, '-f', '-'], { input, encoding: 'utf8' });

const app = (name: string, port: string): string => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {serviceAccountName: ${name}, containers: [{name: app, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: ${name}}, ports: [{name: ${port}, port: 8080}]}
`;
const yaml = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {weft.dev/inject: enabled}}
${app('web', 'http')}${app('cart', 'http')}---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
  - from: [{source: {serviceAccounts: [web]}}]
    to: [{operation: {methods: [GET], paths: ["/items*"]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: tried, namespace: shop, annotations: {istio.io/dry-run: "true"}}
spec: {action: DENY, rules: [{from: [{source: {notPrincipals: ["*"]}}]}]}
`;

test('check tells who may call what, and the rule that decides', () => {
  const { stdout, stderr, status } = run(
    ['check', 'GET', '/items/1?x=2', '--to', 'shop/cart', '-o', 'json'],
    yaml,
  );
  assert.equal(status, 0, stderr);
  const answers = JSON.parse(stdout) as { from: string; allowed: boolean; why: string }[];
  assert.deepEqual(
    answers.map(({ from, allowed }) => [from, allowed]),
    [
      ['shop/cart', false],
      ['shop/web', true],
      ['plaintext', false],
    ],
  );
  assert.match(answers[0]!.why, /^no rule of AuthorizationPolicy cart\.shop allows it$/);
  const table = run(['check', 'POST', '/items', '--from', 'shop/web', '--to', 'shop/cart'], yaml).stdout;
  assert.match(table, /FROM +TO +PORT +MAY +BECAUSE\nshop\/web +shop\/cart +8080 +no +no rule of/);
});

test('check names workloads that there are where one is not', () => {
  const { stderr, status } = run(['check', '--to', 'shop/none'], yaml);
  assert.equal(status, 1);
  assert.match(stderr, /no workload with a proxy is called shop\/none \(there are shop\/cart, shop\/web\)/);
});

test('audit tells which policies hold, which are only tried, and who comes in where there is none', () => {
  const { stdout, stderr } = run(['audit'], yaml);
  assert.match(stdout, /shop\/cart +ALLOW cart\.shop.*\(tried\) DENY tried\.shop.* nobody else/, stderr);
  assert.match(stdout, /shop\/web +\(tried\) DENY tried\.shop.* everybody/);
});

test("Linkerd's Servers are known, with the authorizations that let in and the references that lead nowhere", () => {
  const linkerd = `---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {name: web-http, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, port: 8080}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: from-cart, namespace: shop}
spec:
  targetRef: {group: policy.linkerd.io, kind: Server, name: web-http}
  requiredAuthenticationRefs: [{kind: ServiceAccount, name: cart}]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: lost, namespace: shop}
spec: {targetRef: {group: policy.linkerd.io, kind: Server, name: none}, requiredAuthenticationRefs: []}
`;
  const { stdout, stderr } = run(['check', '--to', 'shop/web'], yaml + linkerd);
  assert.match(stdout, /shop\/cart +shop\/web +8080 +yes +the policies allow it/, stderr);
  assert.match(stdout, /plaintext +shop\/web +8080 +no +no rule of Server web-http\.shop allows it/);
  const audit = run(['audit'], yaml + linkerd).stdout;
  assert.match(audit, /shop\/web +ALLOW Server web-http\.shop/);
  assert.match(audit, /warning target-not-found: AuthorizationPolicy lost\.shop/);
});

test('check tells who of outside may come in by a gateway, and audit what holds there', () => {
  const edge = `${yaml}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: weft, listeners: [{name: http, port: 80, protocol: HTTP}, {name: tcp, port: 5000, protocol: TCP}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: edge, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  rules: [{to: [{operation: {paths: ["/shop*"]}}]}]
`;
  const asked = (path: string): string[] => {
    const { stdout, stderr } = run(['check', 'GET', path, '--to', 'gateway/shop/edge', '-o', 'json'], edge);
    assert.equal(stderr, '');
    const answers = JSON.parse(stdout) as { from: string; port: number; allowed: boolean; why: string }[];
    return answers.map(({ from, port, allowed, why }) => `${from} ${port} ${allowed} ${why}`);
  };
  const no = 'false no rule of AuthorizationPolicy edge.shop allows it';
  // Bytes have no path: as in Istio, the rule is none there.
  assert.deepEqual(asked('/shop/1'), ['outside 80 true the policies allow it', `outside 5000 ${no}`]);
  assert.deepEqual(asked('/admin'), [`outside 80 ${no}`, `outside 5000 ${no}`]);
  const all = run(['check', '-o', 'json'], edge);
  assert.match(all.stdout, /"to": ?"gateway\/shop\/edge"/);
  assert.match(
    run(['audit'], edge).stdout,
    /gateway\/shop\/edge +ALLOW edge\.shop, \(tried\) DENY tried\.shop +nobody else/,
  );
});
