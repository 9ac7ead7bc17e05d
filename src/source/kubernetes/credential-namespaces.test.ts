import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CredentialNamespaces } from './credential-namespaces.ts';

const gateway = 'Gateway.gateway.networking.k8s.io';
const classes = 'GatewayClass.gateway.networking.k8s.io';

function gatewayOf(className: string, ...refs: object[]): Record<string, unknown> {
  return { spec: { gatewayClassName: className, listeners: [{ tls: { certificateRefs: refs } }, {}] } };
}

test('Secrets are read where Gateways of ours name certificates, and nowhere else', () => {
  const namespaces = new CredentialNamespaces();
  namespaces.put(gateway, 'shop/edge', gatewayOf('weft', { name: 'a' }, { name: 'b', namespace: 'vault' }));
  namespaces.put(gateway, 'blog/edge', gatewayOf('other', { name: 'a' }));
  namespaces.put(gateway, 'plain/edge', gatewayOf('weft'));
  assert.deepEqual([...namespaces.wanted('Secret')], ['shop', 'vault']);
  namespaces.put(classes, 'other', { spec: { controllerName: 'weft.dev/gateway-controller' } });
  namespaces.put(classes, 'weft', { spec: { controllerName: 'example.com/controller' } });
  assert.deepEqual([...namespaces.wanted('Secret')], ['blog']);
  namespaces.delete(classes, 'weft');
  namespaces.delete(gateway, 'blog/edge');
  assert.deepEqual([...namespaces.wanted('Secret')], ['shop', 'vault']);
});

test('Secrets are read where annotations of HAProxy on Services name some, as long as there is a class of ours', () => {
  const namespaces = new CredentialNamespaces();
  const said = (annotations: Record<string, string>) => ({ metadata: { annotations } });
  namespaces.put('Service', 'shop/web', said({ 'haproxy.com/server-ca': 'shop/backend' }));
  namespaces.put('Service', 'blog/web', said({ 'haproxy.org/server-ssl': 'true' }));
  assert.deepEqual([...namespaces.wanted('Secret')], [], 'no class of ours');
  const ingressClass = { spec: { controller: 'weft.dev/ingress-controller' } };
  namespaces.put('IngressClass.networking.k8s.io', 'haproxy', ingressClass);
  assert.deepEqual([...namespaces.wanted('Secret')], ['shop']);
  namespaces.put('Service', 'shop/web', said({}));
  assert.deepEqual([...namespaces.wanted('Secret')], []);
});

test('ConfigMaps are read where Gateways of ours name authorities, and where BackendTLSPolicies do as long as there is such a Gateway', () => {
  const policy = 'BackendTLSPolicy.gateway.networking.k8s.io';
  const namespaces = new CredentialNamespaces();
  namespaces.put(policy, 'apps/tls', { spec: { validation: { caCertificateRefs: [{ name: 'ca' }] } } });
  namespaces.put(policy, 'public/tls', { spec: { validation: { wellKnownCACertificates: 'System' } } });
  assert.deepEqual([...namespaces.wanted('ConfigMap')], []);
  const validation = (...caCertificateRefs: object[]): object => ({ validation: { caCertificateRefs } });
  const frontend = {
    default: validation({ name: 'ca' }),
    perPort: [{ port: 443, tls: validation({ name: 'ca', namespace: 'vault' }) }],
  };
  const backend = { clientCertificateRef: { name: 'shown', namespace: 'keys' } };
  namespaces.put(gateway, 'shop/edge', { spec: { gatewayClassName: 'weft', tls: { frontend, backend } } });
  assert.deepEqual([...namespaces.wanted('ConfigMap')], ['shop', 'vault', 'apps']);
  assert.deepEqual([...namespaces.wanted('Secret')], ['keys']);
  namespaces.delete(policy, 'apps/tls');
  assert.deepEqual([...namespaces.wanted('ConfigMap')], ['shop', 'vault']);
});

test('Secrets are read where Ingresses of a class of ours name certificates or logins, too, as long as one does', () => {
  const [ingress, ingressClass] = ['Ingress.networking.k8s.io', 'IngressClass.networking.k8s.io'];
  const namespaces = new CredentialNamespaces();
  const classOf = (controller: string, annotations: object): Record<string, unknown> => ({
    metadata: { annotations },
    spec: { controller },
  });
  const tls = { spec: { ingressClassName: 'weft', tls: [{ secretName: 'a' }] } };
  namespaces.put(ingress, 'shop/a', tls);
  namespaces.put(ingress, 'shop/b', tls);
  namespaces.put(ingress, 'blog/a', { spec: { ingressClassName: 'weft', tls: [{ hosts: ['a.example'] }] } });
  const login = { 'nginx.ingress.kubernetes.io/auth-secret': 'users' };
  namespaces.put(ingress, 'vault/a', { metadata: { annotations: login }, spec: {} });
  assert.deepEqual([...namespaces.wanted('Secret')], [], 'no class of ours');
  const ours = 'weft.dev/ingress-controller';
  namespaces.put(ingressClass, 'weft', classOf(ours, { 'weft.dev/default-certificate': 'edge/wildcard' }));
  assert.deepEqual([...namespaces.wanted('Secret')], ['edge', 'shop']);
  namespaces.put(
    ingressClass,
    'weft',
    classOf(ours, { 'ingressclass.kubernetes.io/is-default-class': 'true' }),
  );
  assert.deepEqual([...namespaces.wanted('Secret')], ['shop', 'vault']);
  namespaces.delete(ingress, 'shop/a');
  assert.deepEqual([...namespaces.wanted('Secret')], ['shop', 'vault']);
  namespaces.put(ingress, 'shop/b', { spec: { ingressClassName: 'other', tls: [{ secretName: 'a' }] } });
  assert.deepEqual([...namespaces.wanted('Secret')], ['vault']);
});

test('ConfigMaps are read where Gateways of ours, or their classes, have the settings of their proxies', () => {
  const namespaces = new CredentialNamespaces();
  const ref = (namespace?: string): object => ({ group: '', kind: 'ConfigMap', name: 'proxies', namespace });
  const infrastructure = { parametersRef: { group: '', kind: 'ConfigMap', name: 'proxies' } };
  namespaces.put(gateway, 'shop/edge', { spec: { gatewayClassName: 'weft', infrastructure } });
  namespaces.put(gateway, 'blog/edge', { spec: { gatewayClassName: 'other', infrastructure } });
  assert.deepEqual([...namespaces.wanted('ConfigMap')], ['shop']);
  const controllerName = 'weft.dev/gateway-controller';
  namespaces.put(classes, 'weft', { spec: { controllerName, parametersRef: ref('weft-system') } });
  assert.deepEqual([...namespaces.wanted('ConfigMap')], ['shop', 'weft-system']);
  namespaces.delete(classes, 'weft');
  namespaces.delete(gateway, 'shop/edge');
  assert.deepEqual([...namespaces.wanted('ConfigMap')], []);
});

test('ConfigMaps with fields of headers are read by name: those that Ingresses of ours, and their settings, name', () => {
  const [ingress, ingressClass] = ['Ingress.networking.k8s.io', 'IngressClass.networking.k8s.io'];
  const namespaces = new CredentialNamespaces();
  const named = (className: string, annotations: Record<string, string>): Record<string, unknown> => {
    const own = Object.entries(annotations).map(([name, ref]) => [
      `nginx.ingress.kubernetes.io/${name}`,
      ref,
    ]);
    return { metadata: { annotations: Object.fromEntries(own) }, spec: { ingressClassName: className } };
  };
  namespaces.put(ingress, 'shop/a', named('weft', { 'custom-headers': 'shop/headers' }));
  namespaces.put(ingress, 'shop/b', named('weft', { 'custom-headers': 'headers' }));
  namespaces.put(ingress, 'blog/a', named('weft', { 'auth-proxy-set-headers': 'blog/question' }));
  namespaces.put(ingress, 'blog/b', named('weft', { 'custom-headers': 'vault/keys' }));
  namespaces.put(ingress, 'blog/c', named('other', { 'custom-headers': 'blog/other' }));
  namespaces.put(ingress, 'blog/d', named('weft', { 'custom-headers': 'blog/istio' }));
  const settings = 'ingress-nginx/ingress-nginx-controller';
  assert.ok(CredentialNamespaces.concerns('ConfigMap', settings));
  assert.ok(!CredentialNamespaces.concerns('ConfigMap', 'shop/headers'));
  namespaces.put('ConfigMap', settings, { data: { 'add-headers': 'ingress-nginx/add', 'use-gzip': 'true' } });
  assert.deepEqual([...namespaces.fields()], [], 'no class of ours');
  namespaces.put(ingressClass, 'weft', { spec: { controller: 'weft.dev/ingress-controller' } });
  assert.deepEqual([...namespaces.fields()], ['shop/headers', 'blog/question', 'ingress-nginx/add']);
  namespaces.delete(ingress, 'shop/a');
  namespaces.delete('ConfigMap', settings);
  assert.deepEqual([...namespaces.fields()], ['shop/headers', 'blog/question']);
  namespaces.put(ingress, 'shop/b', named('weft', {}));
  assert.deepEqual([...namespaces.fields()], ['blog/question']);
});

test('Secrets of Istio are read where gateways of ours run, and where DestinationRules name some for sidecars', () => {
  const [istio, rules] = ['Gateway.networking.istio.io', 'DestinationRule.networking.istio.io'];
  const namespaces = new CredentialNamespaces();
  const pod = (labels: object): Record<string, unknown> => ({ metadata: { labels } });
  const ours = pod({
    'gateway.networking.k8s.io/gateway-name': 'edge',
    'app.kubernetes.io/part-of': 'weft',
  });
  const wanted = (): readonly string[] => [...namespaces.wanted('Secret')];
  assert.equal(namespaces.put('Pod', 'shop/web-1', pod({ app: 'web' })), false, 'most pods change nothing');
  assert.equal(namespaces.put('Pod', 'edge/a', ours), true);
  assert.equal(namespaces.put('Pod', 'edge/b', ours), false, 'nor does a second one');
  const others = pod({ 'gateway.networking.k8s.io/gateway-name': 'edge' });
  assert.equal(namespaces.put('Pod', 'istio-system/a', others), false, "another controller's");
  assert.deepEqual(wanted(), [], 'nobody names any');
  namespaces.put(istio, 'shop/files', { spec: { servers: [{ tls: { serverCertificate: '/a' } }] } });
  assert.deepEqual(wanted(), []);
  namespaces.put(istio, 'shop/front', { spec: { servers: [{}, { tls: { credentialName: 'a' } }] } });
  assert.deepEqual(wanted(), ['edge']);
  namespaces.delete(istio, 'shop/front');
  assert.deepEqual(wanted(), []);
  const tls = { tls: { mode: 'SIMPLE', credentialName: 'a' } };
  namespaces.put(rules, 'shop/a', { spec: { trafficPolicy: { portLevelSettings: [tls] } } });
  assert.deepEqual(wanted(), ['edge']);
  const workloadSelector = { matchLabels: { app: 'web' } };
  namespaces.put(rules, 'blog/a', { spec: { subsets: [{ trafficPolicy: tls }], workloadSelector } });
  assert.deepEqual(wanted(), ['edge', 'blog']);
  namespaces.put(rules, 'blog/a', { spec: { subsets: [{ trafficPolicy: {} }], workloadSelector } });
  assert.equal(namespaces.delete('Pod', 'edge/a'), false);
  assert.equal(namespaces.delete('Pod', 'edge/b'), true);
  assert.deepEqual(wanted(), [], 'no gateway is left to tell');
});
