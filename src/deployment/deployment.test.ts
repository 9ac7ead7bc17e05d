import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldAt, recordOf, recordsOf } from '../plain/index.ts';
import {
  type DeployedObject,
  type DeploymentPlan,
  deploymentName,
  deploymentObjects,
  gatewayLabel,
  readGatewaySettings,
} from './index.ts';

const installation = {
  systemNamespace: 'weft-system',
  proxyImage: 'weft-proxy:1',
  imagePullPolicy: 'IfNotPresent',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  logLevel: 'info',
  accessLog: 'errors',
  policyVersion: 'policy/v1',
};
const plan: DeploymentPlan = {
  ...{ namespace: 'shop', name: 'edge', className: 'weft', addresses: [], settings: {} },
  ports: [
    { port: 80, protocol: 'TCP' },
    { port: 53, protocol: 'UDP' },
  ],
  labels: { team: 'web' },
  annotations: { note: 'x' },
  owner: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', uid: 'u1' },
};

function objectsOf(more: Partial<DeploymentPlan> = {}): ReadonlyMap<string, DeployedObject> {
  return new Map(deploymentObjects({ ...plan, ...more }, installation).map(each => [each.kind, each]));
}

test('every object of a gateway has its labels and annotations and goes with the Gateway', () => {
  const objects = objectsOf();
  assert.deepEqual([...objects.keys()], ['ServiceAccount', 'Service', 'PodDisruptionBudget', 'Deployment']);
  const pod = fieldAt(objects.get('Deployment'), 'spec', 'template');
  for (const each of [...objects.values(), pod]) {
    const metadata = recordOf(fieldAt(each, 'metadata'));
    const labels = recordOf(metadata.labels);
    assert.equal(labels.team, 'web');
    assert.equal(labels['gateway.networking.k8s.io/gateway-name'], 'edge');
    assert.equal(recordOf(metadata.annotations).note, 'x');
    if (each !== pod) assert.equal(recordsOf(metadata.ownerReferences)[0]!.uid, 'u1');
  }
});

test('ports are those of the listeners, and change no pod', () => {
  const ports = recordsOf(fieldAt(objectsOf().get('Service'), 'spec', 'ports'));
  assert.deepEqual(
    ports.map(({ name, port, targetPort, protocol }) => [name, port, targetPort, protocol].join(' ')),
    ['port-80 80 8080 TCP', 'udp-53 53 8053 UDP'],
  );
  const others = objectsOf({ ports: [{ port: 443, protocol: 'TCP' }] });
  assert.deepEqual(others.get('Deployment'), objectsOf().get('Deployment'));
  assert.equal(objectsOf({ ports: [] }).has('Service'), false);
});

test('addresses are asked of the load balancer, and without one taken by nodes', () => {
  const addresses = ['192.0.2.7'];
  const spec = (serviceType?: 'ClusterIP' | 'NodePort'): Record<string, unknown> =>
    recordOf(
      objectsOf({ addresses, settings: serviceType ? { serviceType } : {} }).get('Service')!.spec,
    ) as Record<string, unknown>;
  assert.equal(spec().loadBalancerIP, '192.0.2.7');
  assert.equal(spec().externalTrafficPolicy, 'Local');
  assert.deepEqual(spec('ClusterIP').externalIPs, addresses);
  assert.equal(spec('ClusterIP').externalTrafficPolicy, undefined);
  assert.equal(spec('NodePort').type, 'NodePort');
});

test('settings decide how many, how large and where; with an autoscaler nobody else says how many', () => {
  const read = readGatewaySettings(`
replicas: 3
service: { type: ClusterIP }
disruption: { maxUnavailable: 25% }
resources: { cpuRequest: 200m, memoryRequest: 256Mi, memoryLimit: 512Mi }
nodeSelector: { pool: edge }
tolerations: [{ key: edge, operator: Exists, effect: NoSchedule }]
concurrency: 2
logLevel: debug
`);
  assert.ok('settings' in read, JSON.stringify(read));
  const objects = objectsOf({ settings: read.settings });
  const spec = recordOf(objects.get('Deployment')!.spec);
  const pod = recordOf(fieldAt(spec, 'template', 'spec'));
  assert.equal(spec.replicas, 3);
  assert.equal(recordOf(objects.get('PodDisruptionBudget')!.spec).maxUnavailable, '25%');
  assert.deepEqual(pod.nodeSelector, { 'kubernetes.io/os': 'linux', pool: 'edge' });
  assert.deepEqual(pod.tolerations, [{ key: 'edge', operator: 'Exists', effect: 'NoSchedule' }]);
  const [proxy] = recordsOf(pod.containers);
  assert.deepEqual(proxy!.resources, {
    requests: { cpu: '200m', memory: '256Mi' },
    limits: { memory: '512Mi' },
  });
  const env = new Map(recordsOf(proxy!.env).map(({ name, value }) => [name, value]));
  assert.equal(env.get('WEFT_CONCURRENCY'), '2');
  assert.equal(env.get('WEFT_LOG_LEVEL'), 'debug');
  const scaled = objectsOf({ settings: { autoscaling: { min: 2, max: 5, cpu: 60 } } });
  assert.equal('replicas' in recordOf(scaled.get('Deployment')!.spec), false);
  const scaler = recordOf(scaled.get('HorizontalPodAutoscaler')!.spec);
  assert.deepEqual([scaler.minReplicas, scaler.maxReplicas], [2, 5]);
});

test('a setting that cannot be is named, and so is one that there is not', () => {
  const problemsOf = (text: string): readonly string[] => {
    const read = readGatewaySettings(text);
    return 'problems' in read ? read.problems : [];
  };
  assert.deepEqual(problemsOf('replicas: two'), [
    'replicas is "two"; it takes a whole number from 0 to 1000',
  ]);
  assert.deepEqual(problemsOf('service: { typ: ClusterIP }'), [
    'service.typ is no setting; see docs/gateway.md',
  ]);
  assert.deepEqual(problemsOf('autoscaling: { min: 4, max: 2 }'), [
    'autoscaling.min is 4; it takes a number up to autoscaling.max',
  ]);
  assert.match(problemsOf('a: [')[0]!, /^not readable as YAML/);
  assert.deepEqual(problemsOf(''), []);
});

test('names and labels fit where names of Gateways do not', () => {
  assert.equal(deploymentName('edge', 'weft'), 'edge-weft');
  const long = 'a'.repeat(253);
  for (const name of [deploymentName(long, 'weft'), gatewayLabel(long)]) assert.ok(name.length <= 63, name);
  assert.notEqual(deploymentName(long, 'weft'), deploymentName(`${long}b`, 'weft'));
  for (const odd of ['edge.shop', '1edge', `${'a'.repeat(53)}.b`])
    assert.match(deploymentName(odd, 'weft'), /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
  assert.notEqual(deploymentName('edge.shop', 'weft'), deploymentName('edge-shop', 'weft'));
});
