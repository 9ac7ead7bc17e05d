import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutChartParts } from './not-manifests.ts';
import { parseFile } from './parse-file.ts';

function problemsOf(text: string, file = 'shop/app.yaml'): readonly string[] {
  return parseFile(text, file).problems.map(
    ({ severity, code, message }) => `${severity} ${code} ${message.slice(file.length)}`,
  );
}

const render = 'render it and give weft the result:';
const template = `looks like a template ({{ … }}), which is no YAML yet; ${render} helm template`;

test('a template is named as one whether it breaks the YAML, a key, a name or nothing', () => {
  const breaking = [
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n',
    'apiVersion: v1\nkind: Service\n{{- if .Values.on }}\nmetadata:\n  name: a\n{{- end }}\n',
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ name }}-web\n',
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: "{{ .Release.Name }}-web"\n',
  ];
  for (const text of breaking) {
    const line = text.slice(0, text.indexOf('{{')).split('\n').length;
    assert.deepEqual(problemsOf(text), [`error file-unrendered :${line}: ${template} CHART | weft …`]);
  }
  const readable = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostname: "{{ .Values.host }}"}\n';
  assert.deepEqual(problemsOf(readable, 'c/web/templates/a.yaml'), [
    `warning file-unrendered :1: ${template} c/web | weft …`,
  ]);
});

test('braces that are text to Kubernetes are nobody else’s business', () => {
  const carried = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "{{ .Values.x }}"}\n';
  const alert =
    'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\nspec: {text: "{{ $labels.pod }}"}\n';
  const tasks = 'version: 3\ntasks: {a: "{{.CLI_ARGS}}"}\n';
  assert.deepEqual([problemsOf(carried), problemsOf(alert)], [[], []]);
  assert.match(problemsOf(tasks).join(), /object-unreadable/);
});

test('kustomizations and charts are left out with the command that renders them, also without kind', () => {
  const kustomize = `: left out: a kustomization, which changes other files before they are applied; ${render} kubectl kustomize prod | weft …`;
  for (const [text, file] of [
    ['apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n', 'prod/any.yaml'],
    ['apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n', 'prod/kustomization.yaml'],
    ['resources: [a.yaml]\n', 'prod/kustomization.yml'],
  ] as const)
    assert.deepEqual(problemsOf(text, file), [`warning file-unrendered :1${kustomize}`]);
  assert.deepEqual(problemsOf('apiVersion: v2\nname: web\nversion: 1.0.0\n', 'charts/web/Chart.yaml'), [
    `warning file-unrendered :1: left out: a Helm chart, whose templates are no YAML yet; ${render} helm template charts/web | weft …`,
  ]);
  const flux = 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n';
  assert.deepEqual(problemsOf(flux), []);
});

test('configurations of tools, Compose files and values are said to be that', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n', 'kind.yaml', /a configuration \(kind.x-k8s.io/],
    ['apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n', 'k.yaml', /a configuration/],
    ['apiVersion: skaffold/v4beta6\nkind: Config\n', 'skaffold.yaml', /a configuration \(skaffold/],
    ['services: {web: {image: a}}\n', 'docker-compose.yml', /a Compose file.*kompose convert -f docker-/],
    ['image: {tag: a}\n', 'web/values-prod.yaml', /helm template web -f web\/values-prod\.yaml/],
  ];
  for (const [text, file, words] of cases) {
    const [found] = problemsOf(text, file);
    assert.match(found!, /^warning file-of-tool /);
    assert.match(found!, words);
  }
  assert.match(problemsOf('apiVersion: v1\nkind: Service\n')[0]!, /error object-unreadable/);
});

test("what a chart renders is left out, its neighbours' manifests are not", () => {
  assert.deepEqual(
    withoutChartParts([
      'a.yaml',
      'templates/a.yaml',
      'web/Chart.yaml',
      'web/values-prod.yaml',
      'web/templates/a.yaml',
      'web/charts/db/Chart.yaml',
      'web/examples/a.yaml',
    ]),
    ['a.yaml', 'templates/a.yaml', 'web/Chart.yaml', 'web/examples/a.yaml'],
  );
  assert.deepEqual(withoutChartParts(['Chart.yaml', 'templates/a.yaml', 'values.yaml', 'b.yaml']), [
    'Chart.yaml',
    'b.yaml',
  ]);
});
