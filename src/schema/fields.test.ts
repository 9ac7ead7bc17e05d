import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { unknownFields, unknownWords } from './index.ts';
import { tableText } from './testing/models.ts';

function unknown(object: { apiVersion: string; kind: string; [field: string]: unknown }): readonly string[] {
  return unknownFields(object).map(each => `${each.path}: ${unknownWords(each)}`);
}

test("the table is the client library's models", () => {
  const file = join(import.meta.dirname, 'fields.table.ts');
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, tableText());
  assert.equal(readFileSync(file, 'utf8'), tableText(), 'differs; UPDATE_GOLDEN=1 writes it anew');
});

test('a misspelt field is found wherever it stands: in lists, in volumes, in metadata, at the top', () => {
  const pod = {
    metadata: { lables: {} },
    spec: {
      containers: [
        { name: 'a' },
        { name: 'b', env: [{ name: 'X', valeFrom: {} }], resources: { limit: {} } },
      ],
      volumes: [{ name: 'v', configmap: { name: 'v' } }],
      affinity: { nodeAffinity: { requiredDuringScheduling: {} } },
    },
  };
  assert.deepEqual(
    unknown({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      spce: {},
      spec: { scheduel: '* * * * *', jobTemplate: { spec: { template: pod } } },
    }),
    [
      'spce: spce is no field of CronJob, and kubectl apply refuses it; did you mean spec?',
      'spec.scheduel: scheduel is no field of CronJobSpec, and kubectl apply refuses it; did you mean schedule?',
      'spec.jobTemplate.spec.template.metadata.lables: lables is no field of ObjectMeta, and kubectl apply refuses it; did you mean labels?',
      'spec.jobTemplate.spec.template.spec.containers[1].env[0].valeFrom: valeFrom is no field of EnvVar, and kubectl apply refuses it; did you mean valueFrom?',
      'spec.jobTemplate.spec.template.spec.containers[1].resources.limit: limit is no field of ResourceRequirements, and kubectl apply refuses it; did you mean limits?',
      'spec.jobTemplate.spec.template.spec.volumes[0].configmap: configmap is no field of Volume, and kubectl apply refuses it; did you mean configMap?',
      'spec.jobTemplate.spec.template.spec.affinity.nodeAffinity.requiredDuringScheduling: requiredDuringScheduling is no field of NodeAffinity, and kubectl apply refuses it',
    ],
  );
});

test('Services and ConfigMaps as well; keys that users choose are nobody else’s business', () => {
  const metadata = { name: 'a', labels: { anything: 'x' }, annotations: { 'a/b': 'c' } };
  assert.deepEqual(
    unknown({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selectr: { app: 'a' }, selector: { ap: 'a' }, ports: [{ port: 80, targetport: 8080 }] },
    }),
    [
      'spec.selectr: selectr is no field of ServiceSpec, and kubectl apply refuses it; did you mean selector?',
      'spec.ports[0].targetport: targetport is no field of ServicePort, and kubectl apply refuses it; did you mean targetPort?',
    ],
  );
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  assert.deepEqual(unknown({ ...config, data: { spec: 'x' } }), []);
  assert.deepEqual(unknown({ ...config, dat: {} }), [
    'dat: dat is no field of ConfigMap, and kubectl apply refuses it; did you mean data?',
  ]);
});

test('kinds of others and values of the wrong type are left alone', () => {
  assert.deepEqual(
    unknown({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', spec: { template: { x: 1 } } }),
    [],
  );
  assert.deepEqual(unknown({ apiVersion: 'v1', kind: 'Pod', spec: 'text', metadata: null }), []);
});
