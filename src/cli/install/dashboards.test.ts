import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { build } from 'esbuild';
import { parseAllDocuments } from 'yaml';
import { dashboardObjects } from './dashboards.ts';
import { manifestText } from './index.ts';

const folder = new URL('../../../manifests/grafana/', import.meta.url).pathname;
const objects = await dashboardObjects({ namespace: 'monitoring', version: '1.2.3' });
const maps = objects as unknown as {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  data: Record<string, string>;
}[];

test('every file of manifests/grafana is printed as it is, as a ConfigMap that the sidecar of Grafana finds', () => {
  const printed = maps.map(({ data }) => Object.entries(data)[0]!);
  assert.deepEqual(printed.map(([name]) => name.replace(/^weft-/, '')).sort(), readdirSync(folder).sort());
  for (const [name, text] of printed)
    assert.ok(text === readFileSync(`${folder}${name.replace(/^weft-/, '')}`, 'utf8'), name);
  for (const { metadata } of maps) {
    assert.equal(metadata.namespace, 'monitoring');
    assert.equal(metadata.labels.grafana_dashboard, '1');
    assert.equal(metadata.labels['app.kubernetes.io/part-of'], 'weft', 'weft uninstall finds it by this');
  }
});

test('names are apart from one another and from those of the installation', () => {
  const names = maps.map(({ metadata }) => metadata.name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every(name => /^weft-dashboard-[a-z-]+$/.test(name)));
});

// https://kubernetes.io/docs/concepts/configuration/configmap/#motivation, and TotalAnnotationSizeLimitB of the API server.
test('each fits a ConfigMap and, a second time, the annotation in which kubectl apply keeps what it applied', () => {
  for (const object of objects) {
    const { name } = object.metadata;
    const bytes = Buffer.byteLength(JSON.stringify(object));
    assert.ok(bytes < 1 << 20, `${name}: ${bytes} bytes`);
    assert.ok(
      bytes + 1024 < 256 << 10,
      `${name}: ${bytes} bytes in kubectl.kubernetes.io/last-applied-configuration`,
    );
  }
});

test('the YAML reads back as the same text', () => {
  const read = parseAllDocuments(manifestText(objects)).map(document => document.toJS() as unknown);
  assert.deepEqual(read, objects);
});

test('the bundled program has the files in it: an image has no manifests/', async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('dashboards.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const text = outputFiles[0]!.text;
  assert.doesNotMatch(text, /import\([^)]*\.json/);
  assert.match(text, /weft-control-plane/);
});
