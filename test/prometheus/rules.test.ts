// The rules and alerts of Weft: held to the metrics that there are, and each tested by promtool where it is at hand
// (WEFT_PROMTOOL, or on PATH), firing and not firing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments, stringify } from 'yaml';
import {
  type Alert,
  monitoringObjects,
  prometheusFiles,
  type Recording,
  ruleGroups,
  rulesObject,
} from '../../src/cli/install/prometheus/index.ts';
import { certificateCases } from './certificates.cases.ts';
import { controlPlaneCases } from './control-plane.cases.ts';
import { errorBudgetCases } from './error-budget.cases.ts';
import { injectionCases } from './injection.cases.ts';
import { promtoolTests } from './promtool-file.ts';
import { proxyCases } from './proxies.cases.ts';
import { recordingCases } from './recordings.cases.ts';
import { upstreamCases } from './upstreams.cases.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'manifests/prometheus');
const rules = ruleGroups.flatMap(group => group.rules);
const alerts = rules.filter((rule): rule is Alert => 'alert' in rule);
const recordings = rules.filter((rule): rule is Recording => 'record' in rule);
const cases = [
  ...errorBudgetCases,
  ...upstreamCases,
  ...certificateCases,
  ...controlPlaneCases,
  ...injectionCases,
  ...proxyCases,
];

test('manifests/prometheus/ is what weft install --monitoring prints', () => {
  const files = prometheusFiles();
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
  }
  for (const [name, text] of files) assert.equal(readFileSync(join(folder, name), 'utf8'), text, name);
  assert.deepEqual(globSync('*', { cwd: folder }).toSorted(), [...files.keys()].toSorted());
});

test('the file of rules and the PrometheusRule say the same', () => {
  const file: unknown = parse(readFileSync(join(folder, 'rules.yaml'), 'utf8'));
  const objects = parseAllDocuments(readFileSync(join(folder, 'operator.yaml'), 'utf8')).map(
    document => document.toJS() as { kind: string; spec: unknown },
  );
  assert.deepEqual(objects.find(({ kind }) => kind === 'PrometheusRule')?.spec, file);
  assert.deepEqual(file, rulesObject(ruleGroups));
});

test('labels that a Prometheus selects by are on every object', () => {
  for (const { metadata } of monitoringObjects({ namespace: 'mesh', labels: { release: 'x' } })) {
    assert.equal(metadata.namespace, 'mesh');
    assert.equal((metadata.labels as Record<string, string>).release, 'x');
  }
});

test('every alert has a test that it fires and one that it does not, every recording one of its value', () => {
  const names = alerts.map(({ alert }) => alert);
  assert.equal(new Set(names).size, names.length, 'a name stands twice');
  assert.deepEqual(cases.map(({ alert }) => alert).toSorted(), names.toSorted());
  for (const { alert, fires, quiet } of cases) {
    assert.ok(fires.length > 0, `nothing makes ${alert} fire`);
    assert.ok(quiet.length > 0, `nothing leaves ${alert} quiet`);
  }
  const recorded = new Set(recordings.map(({ record }) => record));
  assert.deepEqual(new Set(recordingCases.map(({ record }) => record)), recorded);
});

/** Where metrics are exposed; a name of a family stands there as a text of its own. */
const exposing = ['src/telemetry/*.ts', 'src/proxy/**/render-metrics.ts', 'src/main/*.ts', 'src/admin/*.ts'];
const exposed = new Set(
  globSync(exposing, { cwd: root })
    .filter(path => !path.endsWith('.test.ts'))
    .flatMap(path => readFileSync(join(root, path), 'utf8').match(/\b(weft|istio)_[a-z0-9_]+\b/g) ?? []),
);
const histogram = /_(bucket|sum|count)$/;

test('every metric that a rule names is one that Weft exposes, or another rule records', () => {
  const recorded = new Set(recordings.map(({ record }) => record));
  for (const { expr } of rules) {
    const names =
      expr.replaceAll(/\{[^}]*\}/g, '').match(/\b[a-z]+:[a-z0-9_:]+|\b(weft|istio)_[a-z0-9_]+/g) ?? [];
    for (const name of names)
      assert.ok(
        recorded.has(name) || exposed.has(name) || exposed.has(name.replace(histogram, '')),
        `${name} of ${expr}`,
      );
    const own = names.filter(name => name !== 'weft:availability:objective');
    assert.ok(own.length > 0 || expr === 'vector(0.999)', `${expr} names no metric`);
  }
});

test('what the texts of an alert name are labels that it has', () => {
  for (const { alert, expr, summary, description, runbook } of alerts) {
    const named = [...`${summary}${description}${runbook}`.matchAll(/\$labels\.(\w+)/g)].map(
      match => match[1]!,
    );
    const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(match => match[1]!.split(', '));
    const recorded = /service:/.test(expr)
      ? ['destination_service_namespace', 'destination_service_name']
      : [];
    // A query that groups nothing keeps what a scrape gives.
    const scraped = grouped.length === 0 ? ['namespace', 'pod'] : [];
    for (const label of named)
      assert.ok(
        [...grouped, ...recorded, ...scraped].includes(label),
        `${alert} has no label ${label}: ${expr}`,
      );
  }
});

const help = (...words: string[]): string =>
  spawnSync(process.execPath, [join(root, 'src/main/weft.ts'), ...words, '--help'], { encoding: 'utf8' })
    .stdout;

test('every runbook names a command of weft that there is, with flags that it has', () => {
  const helps = new Map<string, string>();
  for (const { alert, runbook } of alerts) {
    const commands = [...runbook.matchAll(/`weft ([a-z]+)([^`]*)`/g)];
    assert.ok(commands.length > 0, `${alert} names no command`);
    for (const [, command = '', rest = ''] of commands) {
      const text = helps.get(command) ?? help(command);
      helps.set(command, text);
      assert.match(text, new RegExp(`^Usage: weft ${command}`), `${alert}: there is no weft ${command}`);
      for (const flag of rest.match(/(?<= )--?[a-z][a-z-]*/g) ?? [])
        assert.ok(
          new RegExp(`(^|[ ,])${flag}[ ,]`, 'm').test(text),
          `${alert}: weft ${command} has no ${flag}`,
        );
    }
    for (const [, page] of runbook.matchAll(/\b(docs\/[a-z-]+\.md)/g))
      assert.ok(readFileSync(join(root, page!)).length > 0, page);
  }
});

test('every alert says who should mind, in one line, and in words that end', () => {
  for (const { alert, severity, summary, description, runbook } of alerts) {
    assert.match(alert, /^Weft[A-Z][A-Za-z0-9]+$/);
    assert.match(severity, /^(critical|warning|info)$/);
    assert.doesNotMatch(summary, /\n|\.$/, alert);
    assert.match(description, /\.$/, alert);
    assert.match(runbook, /[.`]$/, alert);
  }
});

const promtool = process.env.WEFT_PROMTOOL ?? whereIs('promtool');

const skip = promtool === undefined && 'there is no promtool; name one in WEFT_PROMTOOL';
const rulesFile = join(folder, 'rules.yaml');

test('promtool: every rule is one', { skip }, () => {
  const checked = execFileSync(promtool!, ['check', 'rules', rulesFile], { encoding: 'utf8' });
  assert.match(checked, new RegExp(`SUCCESS: ${rules.length} rules found`));
});

const groups = ruleGroups.map(({ name }) => name);
const files = promtoolTests(rulesFile, groups, alerts, cases, recordingCases);
for (const [index, what] of ['minutes', 'hours'].entries()) {
  test(`promtool: alerts fire and are quiet as their tests say, those of ${what}`, {
    skip,
    timeout: 300_000,
  }, () => {
    const work = mkdtempSync(join(tmpdir(), 'weft-promtool-'));
    try {
      const path = join(work, 'tests.yaml');
      writeFileSync(path, stringify(files[index], { lineWidth: 0 }));
      const { status, stdout, stderr } = spawnSync(promtool!, ['test', 'rules', path], { encoding: 'utf8' });
      assert.equal(status, 0, `${stdout}${stderr}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

test('promtool: the job for pods is one that Prometheus takes', { skip }, () => {
  const { status, stdout, stderr } = spawnSync(
    promtool!,
    ['check', 'config', '--syntax-only', join(folder, 'scrape.yaml')],
    { encoding: 'utf8' },
  );
  // Debian's is built without Kubernetes discovery and refuses the word.
  if (!`${stdout}${stderr}`.includes('kubernetes_sd_configs not found'))
    assert.equal(status, 0, stdout + stderr);
});

/** The path of a program on PATH. */
function whereIs(program: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
