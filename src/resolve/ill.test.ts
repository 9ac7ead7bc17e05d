// What proxies are told where no endpoint of a Service is ready: whether each has said so itself, or others have judged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveEndpoints } from './index.ts';

const caller = { namespace: 'shop', name: 'cart-0', labels: {}, serviceAccount: 'cart' };

interface Told {
  readonly name: string;
  /** Conditions of the pod. */
  readonly ready: 'True' | 'False';
  readonly containers?: 'True' | 'False';
}

function pod({ name, ready, containers }: Told, index: number): string {
  const conditions = [
    `{ type: Ready, status: "${ready}" }`,
    ...(containers ? [`{ type: ContainersReady, status: "${containers}" }`] : []),
  ];
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop }
spec: { containers: [{ name: app }] }
status: { phase: Running, podIP: 10.244.0.${index + 1}, conditions: [${conditions.join(', ')}] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-${index}, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ port: 80 }]
endpoints:
- addresses: [10.244.0.${index + 1}]
  conditions: { ready: ${ready === 'True'} }
  targetRef: { kind: Pod, name: ${name}, namespace: shop }
`;
}

const web = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.5, selector: { app: web }, ports: [{ port: 80 }] }
`;

function told(yaml: string): string {
  const { resource } = resolveEndpoints(meshFromYaml(yaml).mesh, caller, 'web.shop.svc.cluster.local:80');
  return `${resource.endpoints.length} of ${resource.total}${resource.ill ? ', ill' : ''}`;
}

test('pods that their kubelets call unready are ill; those of a node that is away, of which nobody has heard, are not', () => {
  const cases: readonly (readonly [readonly Told[], string])[] = [
    [[{ name: 'a', ready: 'False', containers: 'False' }], '0 of 1, ill'],
    // As the controller of nodes leaves it.
    [[{ name: 'a', ready: 'False', containers: 'True' }], '0 of 1'],
    [[{ name: 'a', ready: 'False' }], '0 of 1'],
    [
      [
        { name: 'a', ready: 'False', containers: 'False' },
        { name: 'b', ready: 'False', containers: 'True' },
      ],
      '0 of 2',
    ],
    [
      [
        { name: 'a', ready: 'False', containers: 'False' },
        { name: 'b', ready: 'True', containers: 'True' },
      ],
      '1 of 2',
    ],
  ];
  for (const [pods, expected] of cases)
    assert.equal(told(web + pods.map(pod).join('')), expected, JSON.stringify(pods));
});

test('a machine whose WorkloadEntry is Healthy False is ill, and one that nobody has asked yet is not', () => {
  const machine = (conditions: string): string => `${web}---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: vm, namespace: shop, annotations: { proxy.istio.io/health-checks-enabled: "true" } }
spec: { address: 10.9.0.7, labels: { app: web } }
status: { conditions: [${conditions}] }
`;
  assert.equal(told(machine('{ type: Healthy, status: "False" }')), '0 of 1, ill');
  assert.equal(told(machine('{ type: Healthy, status: "True" }')), '1 of 1');
  assert.equal(told(machine('')), '0 of 1');
});
