import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../analyze/index.ts';
import { findingsOf } from '../../analyze/testing/findings-of.ts';
import { sarifLog } from './sarif.ts';

/** A part of JSON Schema: what is needed to say what sarif-schema-2.1.0.json says of the properties that are written. */
interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer';
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly pattern?: RegExp;
}

const text: Schema = { type: 'string' };
const message: Schema = { type: 'object', required: ['text'], properties: { text } };
const location: Schema = {
  type: 'object',
  properties: {
    physicalLocation: {
      type: 'object',
      required: ['artifactLocation'],
      properties: {
        // A relative URI reference (RFC 3986 section 4.2): its first segment has no colon.
        artifactLocation: { type: 'object', properties: { uri: { type: 'string', pattern: /^[^:\s]+$/ } } },
        region: { type: 'object', properties: { startLine: { type: 'integer', minimum: 1 } } },
      },
    },
    logicalLocations: {
      type: 'array',
      items: { type: 'object', properties: { fullyQualifiedName: text, kind: text } },
    },
  },
};
const result: Schema = {
  type: 'object',
  required: ['message'],
  properties: {
    ruleId: text,
    ruleIndex: { type: 'integer', minimum: -1 },
    level: { type: 'string', enum: ['none', 'note', 'warning', 'error'] },
    message,
    locations: { type: 'array', items: location },
  },
};
const rule: Schema = {
  type: 'object',
  required: ['id'],
  properties: { id: text, shortDescription: message, help: message },
};
const driver: Schema = {
  type: 'object',
  required: ['name'],
  properties: { name: text, version: text, rules: { type: 'array', items: rule } },
};
const log: Schema = {
  type: 'object',
  required: ['version', 'runs'],
  properties: {
    $schema: text,
    version: { type: 'string', enum: ['2.1.0'] },
    runs: {
      type: 'array',
      items: {
        type: 'object',
        required: ['tool'],
        properties: {
          tool: { type: 'object', required: ['driver'], properties: { driver } },
          results: { type: 'array', items: result },
          columnKind: { type: 'string', enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
        },
      },
    },
  },
};

/** What of the value is not as the schema says; properties that it does not name are refused, as SARIF refuses them. */
function mistakes(value: unknown, schema: Schema, path = '$'): string[] {
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((each, index) => mistakes(each, schema.items!, `${path}[${index}]`));
  }
  if (schema.type === 'object') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
    const missing = (schema.required ?? [])
      .filter(name => !(name in value))
      .map(name => `${path}.${name} is missing`);
    const wrong = Object.entries(value).flatMap(([name, each]) => {
      const known = schema.properties?.[name];
      return known ? mistakes(each, known, `${path}.${name}`) : [`${path}.${name} is not in the schema`];
    });
    return [...missing, ...wrong];
  }
  if (schema.type === 'integer')
    return Number.isInteger(value) && (value as number) >= (schema.minimum ?? 0)
      ? []
      : [`${path} is no such integer`];
  if (typeof value !== 'string') return [`${path} is no string`];
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: ${value} is not allowed`];
  return schema.pattern && !schema.pattern.test(value) ? [`${path}: ${value} is malformed`] : [];
}

const golden = join(import.meta.dirname, '../../analyze/golden');
const found = ['strict-refuses-caller', 'rule-shadowed', 'weights-sum'].flatMap(code =>
  findingsOf(readFileSync(join(golden, code, 'bad.yaml'), 'utf8'), `manifests/my shop/${code}.yaml`),
);

test('a log is what the schema of SARIF 2.1.0 asks for', () => {
  const plain = JSON.parse(JSON.stringify(sarifLog(found))) as unknown;
  assert.deepEqual(mistakes(plain, log), []);
  assert.deepEqual(mistakes(JSON.parse(JSON.stringify(sarifLog([]))), log), []);
  assert.deepEqual(mistakes({ version: '2.1', runs: [{}] }, log).length, 2, 'the check itself can fail');
});

test('every result names its rule, and the file and line of its object', () => {
  const [run] = sarifLog(found).runs;
  for (const [index, each] of run!.results.entries()) {
    assert.equal(run!.tool.driver.rules[each.ruleIndex]!.id, each.ruleId);
    const { artifactLocation, region } = each.locations![0]!.physicalLocation!;
    const [, file, line] = /^(.*):(\d+)$/.exec(found[index]!.object!.origin!)!;
    assert.equal(artifactLocation.uri, file!.replace(' ', '%20'));
    assert.equal(region.startLine, Number(line));
  }
});

test('objects of a cluster have a name instead of a line, and unreadable files a line instead of a name', () => {
  const object = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web' };
  const words = { code: 'service-selects-nothing', severity: 'info', remedy: 'mend it' } as const;
  const given: Finding[] = [
    { ...words, object, reason: 'so it is' },
    { ...words, reason: './a/b.yaml:7: it is no yaml' },
  ];
  const [first, second] = sarifLog(given).runs[0]!.results;
  assert.deepEqual(first!.locations, [
    { logicalLocations: [{ fullyQualifiedName: 'Service web.shop', kind: 'object' }] },
  ]);
  assert.equal(first!.level, 'note');
  assert.deepEqual(second!.locations, [
    { physicalLocation: { artifactLocation: { uri: 'a/b.yaml' }, region: { startLine: 7 } } },
  ]);
});
