import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf } from './testing/findings-of.ts';

const rules = `
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: api, namespace: shop}
spec: {host: api, subsets: [{name: stable, labels: {app: api}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: shop}
spec:
  hosts: [api]
  http:
  - match: [{uri: {prefix: /stable}}]
    route: [{destination: {host: api, subset: stable}}]
  - route: [{destination: {host: api}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: shop}
spec: {selector: {matchLabels: {app: other}}, template: {metadata: {labels: {app: other}}, spec: {containers: [{name: app}]}}}
`;
const template =
  '{metadata: {labels: {app: api}}, spec: {containers: [{name: app, ports: [{containerPort: 8080}]}]}}';

function codes(maker: string): readonly string[] {
  return findingsOf(`${rules}---\n${maker}`).map(({ severity, code }) => `${severity} ${code}`);
}

test('pods of every kind with a pod template are counted', () => {
  const makers = [
    `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 2, template: ${template}}}`,
    `{apiVersion: apps.openshift.io/v1, kind: DeploymentConfig, metadata: {name: api, namespace: shop}, spec: {selector: {app: api}, template: ${template}}}`,
    `{apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, metadata: {name: api, namespace: shop}, spec: {template: ${template}}}`,
    `{apiVersion: kubeflow.org/v1, kind: TFJob, metadata: {name: api, namespace: shop}, spec: {tfReplicaSpecs: {PS: {replicas: 2, template: ${template}}}}}`,
    `{apiVersion: v1, kind: PodTemplate, metadata: {name: api, namespace: shop}, template: ${template}}`,
    `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 2, workloadRef: {kind: Deployment, name: api}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: shop}, spec: {replicas: 0, template: ${template}}}`,
  ];
  for (const maker of makers) assert.deepEqual(codes(maker), [], maker);
});

test('where an operator may make the pods, their absence is a hint and no error', () => {
  const hints = ['info service-selects-nothing', 'info subset-empty', 'info target-without-pods'];
  const makers = [
    '{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: k8s, namespace: shop}, spec: {}}',
    '{apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: {name: k, namespace: shop}, spec: {}}',
    '{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: all, namespace: argocd}, spec: {}}',
  ];
  for (const maker of makers) assert.deepEqual([...codes(maker)].sort(), hints, maker);
  const found = findingsOf(`${rules}---\n${makers[0]}`).find(each => each.code === 'subset-empty');
  assert.match(found!.reason, /unless Prometheus k8s\.shop .*makes some/);
});

test('settings of operators, and operators of other namespaces, make no pods here', () => {
  const others = [
    '{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a, namespace: shop}, spec: {}}',
    '{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a, namespace: shop}, spec: {}}',
    '{apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: {name: k, namespace: elsewhere}, spec: {}}',
  ];
  for (const other of others)
    assert.deepEqual(
      codes(other),
      ['error subset-empty', 'error target-without-pods', 'warning service-selects-nothing'],
      other,
    );
});
