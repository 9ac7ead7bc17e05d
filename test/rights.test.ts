// The rights of the control plane and of people, as installed, are those that docs/rights.md explains line by line: no more and
// no less. What policies need is one line for reading and one for statuses, whatever kinds there are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { machineRules } from '../src/cli/install/beyond.ts';
import { deployRules, NAMESPACE_GRANTS } from '../src/cli/install/gateway-rights.ts';
import { fieldAt, recordsOf } from '../src/plain/index.ts';
import { dialects } from '../src/translate/dialects.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');
const policies = 'every kind of [policies](policies/README.md)';
const statuses = 'the status of those that have one';
/** Groups that the dialects read, but for those of Kubernetes' own objects. */
const policyGroups = new Set(
  dialects
    .map(({ kind }) => (kind.includes('.') ? kind.slice(kind.indexOf('.') + 1) : ''))
    .filter(group => group.split('.').length > 1 && group !== 'discovery.k8s.io'),
);

/** A rule as a row has it. */
function rowOf(role: string, rule: Readonly<Record<string, unknown>>): string {
  const list = (field: string): readonly string[] => ((rule[field] ?? []) as readonly string[]).toSorted();
  const [resources, names, verbs] = [list('resources'), list('resourceNames'), list('verbs')];
  const isOf = (what: RegExp): boolean =>
    policyGroups.has(list('apiGroups').join()) &&
    names.length === 0 &&
    resources.every(each => what.test(each));
  const what = isOf(/^[a-z]+$/)
    ? policies
    : isOf(/\/status$/)
      ? statuses
      : `${resources.join(', ')}${names.length === 0 ? '' : ` named ${names.join(', ')}`}`;
  return `${role} | ${what} | ${verbs.join(', ')}`;
}

function installed(): ReadonlySet<string> {
  const rows = parseAllDocuments(read('manifests/rbac.yaml')).flatMap(document => {
    const object = document.toJS() as unknown;
    const role = `${String(fieldAt(object, 'kind'))} ${String(fieldAt(object, 'metadata', 'name'))}`;
    return recordsOf(fieldAt(object, 'rules')).map(rule => rowOf(role, rule));
  });
  return new Set(rows);
}

function explained(): readonly (readonly [row: string, why: string])[] {
  return [
    ...read('docs/rights.md').matchAll(/^\| ((?:Cluster)?Role [^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
  ].map(
    ([, role = '', what = '', verbs = '', why = '']) =>
      [`${role} | ${what} | ${verbs}`.replaceAll('`', ''), why] as const,
  );
}

test('every right that is installed stands in docs/rights.md with its reason, and none that is not', () => {
  const rows = explained();
  assert.deepEqual(
    rows.map(([row]) => row).toSorted(),
    [...installed()].toSorted(),
    'docs/rights.md: a row for each rule of manifests/rbac.yaml',
  );
  for (const [row, why] of rows) assert.ok(why.trim().length > 10, row);
});

test('what --deploy-gateways gives besides stands there, too', () => {
  const rows = deployRules().map(
    ({ resources, verbs }) => `${resources.toSorted().join(', ')} | ${verbs.toSorted().join(', ')}`,
  );
  const section = read('docs/rights.md').split('## Gateways that the control plane deploys')[1]!;
  const told = [...section.matchAll(/^\| (`[a-z, ]+`) \| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, what = '', verbs = '']) => `${what} | ${verbs}`.replaceAll('`', ''),
  );
  assert.deepEqual(told.toSorted(), rows.toSorted());
});

test('so does what --secret-namespaces and --certificate-namespaces give', () => {
  const told = [
    ...read('docs/rights.md').matchAll(/^\| `--(\w+)-namespaces [^|]+\| [^|]+ \| ([a-z, ]+) of Secrets/gm),
  ];
  assert.deepEqual(
    told.map(([, option, verbs = '']) => [`${option}Namespaces`, verbs.split(/, | and /)]),
    NAMESPACE_GRANTS.map(({ option, rules }) => [option, rules.flatMap(({ verbs }) => [...verbs])]),
  );
  for (const { rules } of NAMESPACE_GRANTS)
    assert.deepEqual(
      rules.map(({ resources }) => resources),
      [['secrets']],
    );
});

test('what --machines gives besides stands there, too', () => {
  const rows = machineRules().map(
    ({ resources, verbs }) => `${resources.toSorted().join(', ')} | ${verbs.toSorted().join(', ')}`,
  );
  const section = read('docs/rights.md').split('## Machines that join')[1]!.split('\n## ')[0]!;
  const told = [...section.matchAll(/^\| (`[a-z/]+`) \| ([a-z, ]+) \| [^|]+ \|$/gm)].map(
    ([, what = '', verbs = '']) => `${what} | ${verbs}`.replaceAll('`', ''),
  );
  assert.deepEqual(told, rows);
});

test('nothing may write what runs: no pods, workloads, roles or webhooks but its own', () => {
  for (const row of installed()) {
    const [role = '', what = '', verbs = ''] = row.split(' | ');
    assert.doesNotMatch(verbs, /\*|delete|escalate|bind|impersonate/, row);
    if (/create|update|patch/.test(verbs) && role.endsWith('weft-injector'))
      assert.match(
        what,
        /^(?:events|tokenreviews|subjectaccessreviews|configmaps|secrets|leases|.* named .*|the status of those that have one)$/,
        row,
      );
  }
});
