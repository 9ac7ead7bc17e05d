import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineCounter } from 'yaml';
import { kubeValue, parseKubeYaml } from './kube-yaml.ts';
import { KUBECTL_READS } from './testing/kubectl-reads.ts';

/** Undefined where the text is refused. */
function read(text: string): unknown {
  const [document] = parseKubeYaml(text, new LineCounter());
  if (document === undefined) return null;
  if (document.errors.length > 0) return undefined;
  try {
    return kubeValue(document).value;
  } catch {
    return undefined;
  }
}

test('scalars, keys, duplicates, merges, anchors and tags mean what they mean to kubectl', () => {
  for (const [text, json] of KUBECTL_READS) {
    const wanted = json === null ? undefined : JSON.stringify(sorted(JSON.parse(json)));
    assert.equal(JSON.stringify(sorted(read(text))), wanted, JSON.stringify(text));
  }
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('a key that stands twice is told with the place of the one that is passed over', () => {
  const [document] = parseKubeYaml('a: 1\nb: 2\na: 3\n', new LineCounter());
  const { value, duplicates } = kubeValue(document!);
  assert.deepEqual([value, duplicates], [{ a: 3, b: 2 }, [{ key: 'a', offset: 0 }]]);
});

test('an alias may be used a thousand times, and a bomb is refused without being built', () => {
  const many = `a: &a {x: 1}\nlist: [${Array.from({ length: 1000 }, () => '*a').join(', ')}]`;
  assert.equal((read(many) as { list: unknown[] }).list.length, 1000);
  const levels = Array.from(
    { length: 12 },
    (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}*l${i}]`,
  );
  assert.equal(read(`l0: &l0 [1]\n${levels.join('\n')}`), undefined);
});

test('whole numbers beyond 2^53 stay exact where they are asked for', () => {
  const [document] = parseKubeYaml('a: 9007199254740993', new LineCounter());
  assert.deepEqual(kubeValue(document!, true).value, { a: 9007199254740993n });
});

test('a field named __proto__ is a field', () => {
  const value = read('{"__proto__": {"a": 1}, "b": 2}') as object;
  assert.deepEqual(Object.keys(value), ['__proto__', 'b']);
  assert.equal(({} as { a?: number }).a, undefined);
});
