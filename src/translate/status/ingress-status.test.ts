import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';
import { mergeStatus } from './merge-status.ts';
import { objectStatuses } from './statuses.ts';

const balancer = `
---
apiVersion: v1
kind: Service
metadata: { name: nginx-weft, namespace: weft-system }
spec: { type: LoadBalancer, clusterIP: 10.96.0.9, externalIPs: [192.0.2.7], ports: [{ port: 80 }] }
status: { loadBalancer: { ingress: [{ ip: 203.0.113.5 }, { hostname: lb.example.com }] } }
`;

function classOf(annotations = '', controller = 'weft.dev/ingress-controller'): string {
  return `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx, annotations: { ${annotations} } }
spec: { controller: ${controller} }
`;
}

function ingressOf(className: string, status = '{}'): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec:
  ingressClassName: ${className}
  rules: [{ http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }]
status: ${status}
`;
}

/** What is written over `current`; undefined for nothing. */
function written(yaml: string, current: object = {}): unknown {
  const translator = new Translator();
  const changes = changesOf(yaml);
  const { mesh } = translator.apply(changes);
  const objects = changes.flatMap(each =>
    each.type === 'put' && each.kind.startsWith('Ingress.') ? [each.stored] : [],
  );
  const [status] = objectStatuses({ objects, problems: translator.problems(), mesh });
  return status!.content && mergeStatus(status!.content, { ...current }, 1, '');
}

test('an Ingress says where clients find it: what the Service in front of the proxies says, addresses and names', () => {
  assert.deepEqual(written(classOf() + ingressOf('nginx') + balancer), {
    loadBalancer: { ingress: [{ ip: '192.0.2.7' }, { ip: '203.0.113.5' }, { hostname: 'lb.example.com' }] },
  });
});

test('a status that says so already is not written again, and the ports that others put there stay', () => {
  const ingress = [
    { ip: '192.0.2.7' },
    { ip: '203.0.113.5', ports: [{ port: 80, protocol: 'TCP' }] },
    { hostname: 'lb.example.com' },
  ];
  assert.equal(written(classOf() + ingressOf('nginx') + balancer, { loadBalancer: { ingress } }), undefined);
});

test('what a class states goes before the Service, and a class may name another Service', () => {
  const stated = classOf('weft.dev/status-addresses: "198.51.100.1, edge.example.com"');
  assert.deepEqual(written(stated + ingressOf('nginx') + balancer), {
    loadBalancer: { ingress: [{ ip: '198.51.100.1' }, { hostname: 'edge.example.com' }] },
  });
  const named = classOf('weft.dev/publish-service: edge/front');
  const front = balancer.replace('nginx-weft, namespace: weft-system', 'front, namespace: edge');
  const inside = front.replace('type: LoadBalancer', 'type: ClusterIP');
  assert.deepEqual(written(named + ingressOf('nginx') + inside), {
    loadBalancer: { ingress: [{ ip: '10.96.0.9' }] },
  });
});

test('where the Service has no address, or is not there, the status goes', () => {
  const before = { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } };
  assert.deepEqual(written(classOf() + ingressOf('nginx'), before), { loadBalancer: { ingress: null } });
  assert.equal(written(classOf() + ingressOf('nginx')), undefined);
});

test("of another controller's Ingress nothing is written but that what we wrote goes", () => {
  const foreign = classOf('', 'k8s.io/ingress-nginx');
  const before = { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } };
  assert.equal(written(foreign + ingressOf('nginx') + balancer, before), undefined, 'it is not ours');
  const kept = '{ loadBalancer: { ingress: [{ ip: 203.0.113.5 }] } }';
  assert.deepEqual(written(foreign + ingressOf('nginx', kept) + balancer, before), {
    loadBalancer: { ingress: null },
  });
});

test('a class with an address that is none, or a Service that is none, is refused', () => {
  for (const annotation of ['weft.dev/status-addresses: "a b"', 'weft.dev/publish-service: front']) {
    const translator = new Translator();
    translator.apply(changesOf(classOf(annotation)));
    const [problem] = translator.problems();
    assert.match(
      problem!.message,
      /^metadata\.annotations\['weft\.dev\/(status-addresses|publish-service)'\]/,
    );
    assert.equal(problem!.severity ?? 'error', 'error');
  }
});
