import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectOptions } from './options.ts';
import { pathText, replaceAt, templatePaths, valueAt } from './templates.ts';
import { injectObject } from './workload.ts';

const pod = { spec: { containers: [{ name: 'app' }] } };

function found(apiVersion: string, kind: string, rest: Record<string, unknown>): readonly string[] {
  return templatePaths({ apiVersion, kind, ...rest }).paths.map(pathText);
}

test('pod templates are found in objects of any kind, wherever they stand', () => {
  const cases: [string, string, Record<string, unknown>, readonly string[]][] = [
    ['argoproj.io/v1alpha1', 'Rollout', { spec: { template: pod } }, ['spec.template']],
    ['v1', 'DeploymentConfig', { spec: { template: pod } }, ['spec.template']],
    ['v1', 'PodTemplate', { template: pod }, ['template']],
    [
      'argoproj.io/v1alpha1',
      'Experiment',
      { spec: { templates: [{ template: pod }, { template: pod }] } },
      ['spec.templates[0].template', 'spec.templates[1].template'],
    ],
    [
      'keda.sh/v1alpha1',
      'ScaledJob',
      { spec: { jobTargetRef: { template: pod } } },
      ['spec.jobTargetRef.template'],
    ],
    [
      'jobset.x-k8s.io/v1alpha2',
      'JobSet',
      { spec: { replicatedJobs: [{ template: { spec: { template: pod } } }] } },
      ['spec.replicatedJobs[0].template.spec.template'],
    ],
    [
      'leaderworkerset.x-k8s.io/v1',
      'LeaderWorkerSet',
      { spec: { leaderWorkerTemplate: { leaderTemplate: pod, workerTemplate: pod } } },
      ['spec.leaderWorkerTemplate.leaderTemplate', 'spec.leaderWorkerTemplate.workerTemplate'],
    ],
    [
      'types.kubefed.io/v1beta1',
      'FederatedDeployment',
      { spec: { template: { spec: { template: pod } } } },
      ['spec.template.spec.template'],
    ],
  ];
  for (const [apiVersion, kind, rest, wanted] of cases)
    assert.deepEqual(found(apiVersion, kind, rest), wanted, kind);
});

test('patterns, patches and data that look like pods are left alone', () => {
  const spec = { template: pod };
  assert.deepEqual(
    found('kyverno.io/v1', 'ClusterPolicy', { spec: { rules: [{ validate: { pattern: { spec } } }] } }),
    [],
  );
  assert.deepEqual(found('helm.toolkit.fluxcd.io/v2', 'HelmRelease', { spec: { patches: [{ spec }] } }), []);
  assert.deepEqual(found('v1', 'ConfigMap', { data: { spec } }), []);
  assert.deepEqual(
    found('example.com/v1', 'Thing', { spec: { template: { spec: { containers: 'none' } } } }),
    [],
  );
  assert.deepEqual(found('example.com/v1', 'Thing', { spec: { policy: pod } }), []);
});

test('replacing a part leaves the rest of the object as it was', () => {
  const object = { spec: { tasks: [{ template: 1 }, { template: 2 }] } };
  const path = ['spec', 'tasks', 1, 'template'];
  const after = replaceAt(object, path, 3) as typeof object;
  assert.deepEqual(after, { spec: { tasks: [{ template: 1 }, { template: 3 }] } });
  assert.equal(after.spec.tasks[0], object.spec.tasks[0]);
  assert.equal(valueAt(object, path), 2);
});

test('the only container of a Knative Service needs no name, and its author is told what Knative may refuse', () => {
  const service = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'ks' },
    spec: { template: { spec: { containers: [{ image: 'a:1' }] } } },
  };
  const around = { namespace: 'shop', namespaces: new Map() };
  const { object, outcomes } = injectObject(service, around, injectOptions({ injectByDefault: true }));
  const containers = valueAt(object, ['spec', 'template', 'spec', 'containers']) as { name: string }[];
  assert.deepEqual(
    containers.map(({ name }) => name),
    ['weft-proxy', 'user-container'],
  );
  const [outcome] = outcomes;
  assert.ok(outcome?.kind === 'changed');
  assert.match(outcome.warnings.map(({ message }) => message).join(), /Knative refuses init containers/);
});
