import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import {
  type InjectOptions,
  injectObject,
  injectOptions,
  type PodTemplate,
  uninjectObject,
} from '../../webhook/index.ts';
import { Random } from '../../webhook/inject/testing/random.ts';
import { randomPod } from '../../webhook/inject/testing/random-pod.ts';
import { type InputText, type Transformed, transform } from './transform.ts';

const all = injectOptions({ injectByDefault: true });

function injectText(text: string | readonly InputText[], options: InjectOptions = all): Transformed {
  const inputs = typeof text === 'string' ? [{ name: 'app.yaml', text }] : text;
  return transform(inputs, (object, surroundings) => injectObject(object, surroundings, options), {
    changed: 'injected',
    namespace: 'default',
  });
}

function uninjectText(text: string): Transformed {
  return transform([{ name: 'app.yaml', text }], uninjectObject, {
    changed: 'uninjected',
    namespace: 'default',
  });
}

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  # the app itself
  - name: web
    image: "web:1" # pinned
  volumes:
  - name: conf
    configMap: { name: web, defaultMode: 0644, uid: 9007199254740993 }
`;

test('documents without pods come out byte for byte', () => {
  const before =
    '# head\nkind:   ConfigMap   # odd\ndata: {on:  off,\n   mode: 0644}\n---\n# nothing\n---\n---\n';
  const after = '---\r\nkind:  Service\r\n# tail';
  const { output } = injectText(`${before}${pod.replace(/^/, '---\n')}${after}`);
  assert.ok(output?.startsWith(before));
  assert.ok(output?.endsWith(after));
});

test('templates, kustomizations and charts are refused with the command that renders them', () => {
  const inputs: readonly [name: string, text: string, words: RegExp][] = [
    [
      'a/templates/x.yaml',
      'kind: Pod\nmetadata: {name: {{ .Release.Name }}}\n',
      /x\.yaml:2:18: .*helm template a \|/,
    ],
    ['x.yaml', `${pod.replace('"web:1"', '"{{ .Values.image }}"')}`, /x\.yaml:9:13: .*helm template CHART/],
    ['p/kustomization.yaml', 'resources: []\n', /kubectl kustomize p \| weft …$/],
    ['c/Chart.yaml', 'apiVersion: v2\nname: c\n', /helm template c \| weft …$/],
  ];
  for (const [name, text, words] of inputs) {
    const { output, report } = injectText([{ name, text }]);
    assert.equal(output, undefined);
    assert.equal(report.length, 2, report.join('\n'));
    assert.match(report[0]!, words);
  }
});

test('comments, octal modes, large numbers and the style of lists survive in a changed document', () => {
  const { output = '' } = injectText(`# what this is\n${pod}`);
  assert.match(output, /^# what this is\n/);
  assert.match(output, /\n {2}# the app itself\n {2}- name: web\n {4}image: "web:1" # pinned\n/);
  assert.match(output, /defaultMode: 0644, uid: 9007199254740993 \}/);
  assert.match(output, /\n {2}containers:\n {2}- name: weft-proxy\n/);
});

test('a string that YAML 1.1 would read as something else is quoted', () => {
  const { output = '' } = injectText(pod, injectOptions({ injectByDefault: true, accessLog: 'off' }));
  assert.match(output, /value: "off"/);
});

test('a changed document means what inject makes of its value', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed);
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: randomPod(random) } };
    const text = stringify(object, { version: '1.1', indentSeq: random.chance(0.5) });
    const options = { ...all, nativeSidecar: random.chance(0.5), wrapJobCommands: random.chance(0.5) };
    const expected = injectObject(object, { namespace: 'default', namespaces: new Map() }, options).object;
    const { output = '' } = injectText(text, options);
    assert.deepEqual(parse(output, { version: '1.1' }), expected, `seed ${seed}`);
    assert.equal(injectText(output, options).output, output, `seed ${seed}: a second time`);
    const back = uninjectText(output).output ?? '';
    assert.deepEqual(parse(back, { version: '1.1' }), object, `seed ${seed}: and back`);
  }
});

test('JSON stays JSON', () => {
  const { output = '' } = injectText(
    JSON.stringify(parse(pod)).replace('web:1"', 'web:1","big":9007199254740993'),
  );
  assert.match(output, /"big": 9007199254740993,?\n/);
  const { spec } = JSON.parse(output) as PodTemplate;
  assert.deepEqual(
    spec.containers.map(({ name }) => name),
    ['weft-proxy', 'web'],
  );
});

test('anchors and merge keys are written out, and the report says that comments are lost', () => {
  const text = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - &base
    name: a
    image: a:1
    readinessProbe: &probe {tcpSocket: {port: 80}}
    livenessProbe: *probe
  - <<: *base
    name: b
`;
  const { output = '', report } = injectText(text);
  const { spec } = parse(output, { version: '1.1' }) as PodTemplate;
  const paths = spec.containers.map(({ livenessProbe }) => livenessProbe?.httpGet?.path);
  assert.deepEqual(paths, [undefined, '/app-health/a/livez', '/app-health/b/livez']);
  assert.ok(report.some(line => line.includes('uses anchors')));
});

test('inputs that meet are separated', () => {
  const inputs = ['kind: A', 'kind: B\n', '---\nkind: C\n', '# c\n---\nkind: D\n'].map((text, index) => ({
    name: `${index}.yaml`,
    text,
  }));
  assert.equal(injectText(inputs).output, 'kind: A\n---\nkind: B\n---\nkind: C\n# c\n---\nkind: D\n');
});

test('a namespace in one input counts for pods in another', () => {
  const namespace =
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {weft.dev/inject: disabled}}\n';
  const { output, report } = injectText([
    { name: 'pod.yaml', text: pod },
    { name: 'ns.yaml', text: namespace },
  ]);
  assert.equal(output, `${pod}---\n${namespace}`);
  assert.deepEqual(report, [
    'skipped    Pod web.default (pod.yaml:1): disabled by namespace default label weft.dev/inject=disabled',
    '0 injected, 1 skipped, 1 without pods',
  ]);
});

test('every mistake in the YAML is listed with its line, and nothing is written', () => {
  const { output, report } = injectText([
    { name: 'good.yaml', text: pod },
    { name: 'bad.yaml', text: 'a: b: c\n---\nb: [1\nc: 2\n---\n\td: 1\n' },
    { name: 'worse.yaml', text: '\u0000\u0001{{{' },
  ]);
  assert.equal(output, undefined);
  assert.match(report[0]!, /^error {6}bad\.yaml:1:4: Nested mappings/);
  assert.ok(report.some(line => line.startsWith('error      bad.yaml:4:1: Flow sequence')));
  assert.ok(report.some(line => line.startsWith('error      bad.yaml:6:1: Tabs are not allowed')));
  assert.ok(report.some(line => line.startsWith('error      worse.yaml:1:')));
  assert.equal(report.at(-1), 'nothing was written: mend the YAML first');
});

test('of a key that stands twice the last one counts, as with kubectl, and that is said', () => {
  const twice = pod.replace(/^spec:/m, 'spec: {containers: []}\nspec:');
  assert.notEqual(twice, pod);
  const { output, report } = injectText(twice);
  assert.ok(
    report.some(line => /^warning +app\.yaml:1: spec stands twice in one map/.test(line)),
    report.join('\n'),
  );
  const value = parse(output!, { uniqueKeys: false }) as { spec: { containers: { name: string }[] } };
  assert.deepEqual(
    value.spec.containers.map(({ name }) => name),
    (parse(injectText(pod).output!) as typeof value).spec.containers.map(({ name }) => name),
  );
});

test('text that is YAML but no Kubernetes object is a mistake too', () => {
  assert.deepEqual(injectText(`${pod}---\n<html>\n---\n- a\n`).report.slice(0, 2), [
    'error      app.yaml:14:1: not a Kubernetes object (a map with apiVersion and kind) but a string',
    'error      app.yaml:16:1: not a Kubernetes object (a map with apiVersion and kind) but a list',
  ]);
});

test('an alias bomb is refused and not expanded', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  const { output, report } = injectText(lines.join('\n'));
  assert.equal(output, undefined);
  assert.match(report[0]!, /^error {6}app\.yaml:1:1: .*alias/);
});

test('one refused object leaves no output, and every refusal is listed with its place', () => {
  const bad = (name: string) => `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, annotations: {weft.dev/skip-outbound-ports: mysql}}
spec: {containers: [{name: a}]}
`;
  const { output, report } = injectText(`${pod}${bad('one')}${bad('two')}`);
  assert.equal(output, undefined);
  assert.match(
    report[1]!,
    /^refused {4}Pod one\.default \(app\.yaml:14\): annotation weft\.dev\/skip-outbound-ports: "mysql"/,
  );
  assert.match(report[2]!, /^refused {4}Pod two\.default \(app\.yaml:19\): /);
  assert.equal(
    report[3],
    '1 injected, 0 skipped, 2 refused, 0 without pods; nothing was written: mend what was refused first',
  );
});

test('nothing in gives nothing out', () => {
  assert.deepEqual(injectText(''), { output: '', report: ['0 injected, 0 skipped, 0 without pods'] });
  assert.equal(injectText('# only a comment\n').output, '# only a comment\n');
});
