import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { PORTS } from '../../../config/index.ts';
import { MONITORING_KINDS, pathOf } from '../../kubernetes/objects.ts';
import { installObjects, installOptions, type Manifest } from '../index.ts';
import { monitoring, monitoringObjects } from './index.ts';

type Monitor = Manifest & {
  spec: {
    podMetricsEndpoints?: { port: string; path: string; relabelings: { regex: string; action: string }[] }[];
    endpoints?: { port: string }[];
    selector: { matchLabels?: Record<string, string> };
  };
};
const objects = monitoringObjects({ namespace: 'mesh', labels: {} }) as Monitor[];
const ofKind = (kind: string): Monitor => objects.find(each => each.kind === kind)!;

test('the ServiceMonitor names the Service that is installed, by its labels and a port of it', () => {
  const service = installObjects(installOptions({ namespace: 'mesh' })).find(
    ({ kind }) => kind === 'Service',
  ) as Manifest & {
    metadata: { labels: Record<string, string> };
    spec: { ports: { name: string; port: number }[] };
  };
  const { spec } = ofKind('ServiceMonitor');
  for (const [label, value] of Object.entries(spec.selector.matchLabels!))
    assert.equal(service.metadata.labels[label], value);
  const port = service.spec.ports.find(({ name }) => name === spec.endpoints![0]!.port);
  assert.equal(port?.port, PORTS.controlPlaneMetrics);
});

test('the PodMonitor names a port and the container that injected pods have', () => {
  const [endpoint] = ofKind('PodMonitor').spec.podMetricsEndpoints!;
  const golden = new URL('../../../../webhook/inject/golden/annotations.expected.yaml', import.meta.url);
  const injected = JSON.stringify(
    parseAllDocuments(readFileSync(golden, 'utf8')).map(each => each.toJS() as unknown),
  );
  const container = endpoint!.relabelings.find(({ action }) => action === 'keep')!.regex;
  assert.ok(injected.includes(`"name":"${container}"`));
  assert.ok(injected.includes(`"name":"${endpoint!.port}","containerPort":${PORTS.health}`));
  assert.ok(injected.includes(`"prometheus.io/path":"${endpoint!.path}"`));
});

test('each form is one value and the same as YAML', () => {
  for (const form of ['operator', 'rules', 'scrape'] as const) {
    const { value, text } = monitoring(form, { namespace: 'mesh' }, { release: 'x' });
    assert.ok(text.length > 200, form);
    assert.ok(Object.keys(value).length > 0, form);
  }
});

test('uninstall looks for every kind that is printed, and knows where each object is', () => {
  for (const object of objects) {
    assert.ok(
      MONITORING_KINDS.some(
        ({ kind, apiVersion }) => kind === object.kind && apiVersion === object.apiVersion,
      ),
      object.kind,
    );
    const path = pathOf(object);
    assert.match(
      path ?? '',
      /^\/apis\/monitoring\.coreos\.com\/v1\/namespaces\/mesh\/[a-z]+\/weft(-proxies|-injector)?$/,
    );
  }
});
