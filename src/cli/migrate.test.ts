import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const main = join(import.meta.dirname, '../main/weft.ts');

const ingress = (
  name: string,
  annotations: Readonly<Record<string, string>>,
  more = '',
  prefix = 'nginx.ingress.kubernetes.io/',
): string => `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  namespace: shop
  annotations:
${Object.entries(annotations)
  .map(([key, value]) => `    ${prefix}${key}: '${value}'`)
  .join('\n')}
spec:
  ${more}
  rules:
    - host: ${name}.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;

function migrateFrom(
  name: string,
  yaml: string,
  ...flags: string[]
): { readonly status: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, 'migrate', name, '-f', '-', ...flags],
    { input: yaml, encoding: 'utf8' },
  );
  return { status, out: stdout + stderr };
}

const migrate = (yaml: string, ...flags: string[]) => migrateFrom('ingress-nginx', yaml, ...flags);

const nginx = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: public }
spec: { controller: k8s.io/ingress-nginx }
`;
const traefik = nginx
  .replace('public', 'traefik')
  .replace('k8s.io/ingress-nginx', 'traefik.io/ingress-controller');

test('rows that name ConfigMaps are the same where those are there and allowed, and what has an effect now is not told', () => {
  const own = 'ingressClassName: public';
  const map = (name: string, data: object): string =>
    `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data })}\n`;
  const now = {
    ...{ 'use-port-in-redirects': 'true', 'limit-rate': '100', 'limit-rate-after': '10' },
    ...{
      'mirror-target': 'http://copy$request_uri',
      'mirror-host': 'a.example',
      'mirror-request-body': 'off',
    },
    ...{ 'proxy-next-upstream-timeout': '5', 'custom-headers': 'headers' },
  };
  const yaml = [
    nginx,
    map('headers', { 'X-Mode': 'a' }),
    map('others', { 'X-Other': 'a' }),
    map('ingress-nginx-controller', { 'global-allowed-response-headers': 'X-Mode', 'load-balance': 'ewma' }),
    ingress('fine', now, own),
    ingress('missing', { 'custom-headers': 'none' }, own),
    ingress('unlisted', { 'custom-headers': 'others' }, own),
  ].join('');
  const { status, out } = migrate(yaml, '-o', 'json');
  const { objects } = JSON.parse(out);
  assert.equal(status, 1);
  assert.deepEqual(
    objects.map((each: { object: { name: string }; verdict: string }) => [each.object.name, each.verdict]),
    [
      ['fine', 'same'],
      ['missing', 'refused'],
      ['unlisted', 'refused'],
    ],
  );
});

test('each Ingress of ingress-nginx is told what will differ, and those of others are left alone', () => {
  const own = 'ingressClassName: public';
  const yaml = [
    nginx,
    '---\n',
    traefik,
    ingress('fine', { 'proxy-body-size': '8m' }, own),
    ingress('odd', { 'rate-limit': '10' }, own),
    ingress('wrong', { 'enable-modsecurity': 'true' }, own),
    ingress('foreign', { 'limit-rps': 'x' }, 'ingressClassName: traefik'),
  ].join('');
  const { status, out } = migrate(yaml, '-o', 'json');
  const { classes, objects, others } = JSON.parse(out);
  assert.deepEqual([status, classes, others], [1, ['nginx', 'public'], 1]);
  assert.deepEqual(
    objects.map((each: { object: { name: string }; verdict: string }) => [each.object.name, each.verdict]),
    [
      ['fine', 'same'],
      ['odd', 'differs'],
      ['wrong', 'refused'],
    ],
  );
});

test('in words: what is refused first, then what differs, and how many there are', () => {
  const yaml = [ingress('fine', { 'proxy-body-size': '8m' }), ingress('odd', { 'rate-limit': '10' })].join(
    '',
  );
  const { status, out } = migrate(yaml);
  assert.equal(status, 0, out);
  assert.match(out, /^Ingress odd\.shop \(.*\) is served, but differs\n.*rate-limit.*write limit-rps/);
  assert.match(out, /1 mean the same, 1 differ, 0 are refused; classes: nginx/);
});

test("the ConfigMap that a controller's flag names is judged, whatever it is called, and so is what that names", () => {
  const container = { name: 'controller', image: 'registry.k8s.io/ingress-nginx/controller:v1.12.0' };
  const args = ['/nginx-ingress-controller', '--configmap=$(POD_NAMESPACE)/edge-settings'];
  const spec = { template: { spec: { containers: [{ ...container, args }] } } };
  const metadata = { name: 'edge', namespace: 'edge' };
  const data = { 'proxy-read-timout': '30', 'proxy-read-timeout': '30' };
  const objects = [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'edge-settings', namespace: 'edge' }, data },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nobodys', namespace: 'edge' }, data },
  ];
  const yaml = ingress('fine', {}) + objects.map(each => `---\n${JSON.stringify(each)}\n`).join('');
  const { status, out } = migrate(yaml);
  assert.equal(status, 0, out);
  assert.match(out, /ConfigMap edge-settings\.edge .*differs\n.*--configmap.*ingress-nginx-controller/);
  assert.match(out, /proxy-read-timout.*did you mean proxy-read-timeout\?/);
  assert.doesNotMatch(out, /nobodys/);
});

test('the same for HAProxy, whose Services and ConfigMap speak, too', () => {
  const own = 'ingressClassName: edge';
  const prefix = 'haproxy.org/';
  const yaml = [
    nginx.replace('public', 'edge').replace('k8s.io/ingress-nginx', 'haproxy.org/ingress-controller/edge'),
    '---\n',
    traefik,
    ingress('fine', { 'path-rewrite': '/' }, own, prefix),
    ingress('odd', { 'rewrite-target': '/' }, own, prefix),
    ingress('wrong', { 'backend-config-snippet': 'x' }, own, prefix),
    ingress('foreign', { 'allow-list': 'x' }, 'ingressClassName: traefik', prefix),
    `---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, annotations: { haproxy.org/pod-maxconn: '30' } }
spec: { ports: [{ port: 80 }] }
`,
  ].join('');
  const { status, out } = migrateFrom('haproxy', yaml, '-o', 'json');
  const { classes, objects, others } = JSON.parse(out);
  assert.deepEqual([status, classes, others], [1, ['edge', 'haproxy'], 1]);
  assert.deepEqual(
    objects.map((each: { object: { name: string }; verdict: string }) => [each.object.name, each.verdict]),
    [
      ['fine', 'same'],
      ['odd', 'differs'],
      ['wrong', 'refused'],
      ['web', 'differs'],
    ],
  );
});

test('the same for Traefik, whose Middlewares are judged, too', () => {
  const named = 'shop-odd@kubernetescrd';
  const prefix = 'traefik.ingress.kubernetes.io/';
  const yaml = [
    ingress('fine', { 'router.entrypoints': 'web' }, '', prefix),
    ingress('old', { 'frontend-entry-points': 'http' }, '', prefix),
    ingress('missing', { 'router.middlewares': named }, '', prefix),
    `---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: digest, namespace: shop }
spec: { digestAuth: { secret: users } }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: routes, namespace: shop }
spec: { routes: [{ match: Host(\`b.example\`), kind: Rule, services: [{ name: web, port: 80 }] }] }
---
apiVersion: traefik.containo.us/v1alpha1
kind: IngressRoute
metadata: { name: by-address, namespace: shop }
spec: { routes: [{ match: ClientIP(\`10.0.0.0/8\`), kind: Rule, services: [{ name: web, port: 80 }] }] }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: others, namespace: shop, annotations: { kubernetes.io/ingress.class: second } }
spec: { routes: [{ match: ClientIP(\`10.0.0.0/8\`), kind: Rule, services: [{ name: web, port: 80 }] }] }
---
apiVersion: traefik.io/v1alpha1
kind: ServersTransport
metadata: { name: transport, namespace: shop }
spec: {}
`,
  ].join('');
  const { status, out } = migrateFrom('traefik', yaml);
  assert.equal(status, 1, out);
  assert.match(
    out,
    /^Ingress missing\.shop .* is NOT served until it is changed\n.*there is no Middleware shop-odd/,
  );
  assert.match(out, /Middleware digest\.shop .* CANNOT be carried out.*\n.*write basicAuth/);
  assert.match(
    out,
    /IngressRoute by-address\.shop .* is NOT served until it is changed\n.*write a Middleware with ipAllowList/,
  );
  assert.match(
    out,
    /ServersTransport transport\.shop .* CANNOT be carried out.*\n.*write a BackendTLSPolicy/,
  );
  assert.match(out, /IngressRoute routes\.shop .* means the same/);
  assert.doesNotMatch(out, /others\.shop/);
  assert.match(out, /Ingress old\.shop .* differs\n.*router\.entrypoints: it was of Traefik 1/);
  assert.match(out, /2 mean the same, 1 differ, 2 are refused; classes: traefik/);
  assert.match(out, /weft\.dev\/dialect: traefik and the same name/);
});
