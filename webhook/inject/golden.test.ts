// Golden cases: golden/<name>.yaml is input, golden/<name>.expected.yaml what comes of it. UPDATE_GOLDEN=1 rewrites those.
// A first line `# options: {…}` changes the options from "inject whatever is not disabled".
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { type InjectOptions, injectOptions } from './options.ts';
import { injectObject, namespacesOf, type ObjectOutcome, uninjectObject } from './workload.ts';

const folder = new URL('./golden/', import.meta.url).pathname;

for (const file of globSync(`${folder}*.yaml`).sort()) {
  if (file.endsWith('.expected.yaml')) continue;
  const name = basename(file, '.yaml');
  const text = readFileSync(file, 'utf8');

  test(`golden case ${name}`, () => {
    const result = render(text);
    const expectedFile = file.replace(/\.yaml$/, '.expected.yaml');
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(expectedFile, result);
    assert.equal(result, readFileSync(expectedFile, 'utf8'));
  });
}

function render(text: string): string {
  const directive = /^# options: (.*)$/m.exec(text)?.[1];
  const given = directive === undefined ? {} : (parse(directive) as Partial<InjectOptions>);
  const options = injectOptions({ injectByDefault: true, version: '1.2.3', ...given });
  const objects = parseAllDocuments(text).map(document => document.toJS() as unknown);
  const surroundings = { namespace: 'default', namespaces: namespacesOf(objects) };
  return objects
    .map(object => {
      const { object: after, outcomes } = injectObject(object, surroundings, options);
      const changed = outcomes.some(({ kind }) => kind === 'changed');
      if (changed && !outcomes.some(({ kind }) => kind === 'refused')) {
        const again = injectObject(after, surroundings, options).object;
        assert.deepEqual(again, after, 'a second injection changes nothing');
      }
      if (changed && !JSON.stringify(object).includes('weft.dev/status')) {
        assert.deepEqual(uninjectObject(after, surroundings).object, object, 'uninject restores the input');
      }
      const body = changed
        ? stringify(after, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
        : '';
      return `${outcomes.map(describe).join('')}${outcomes.length === 0 ? '# nothing to inject\n' : ''}${body}`;
    })
    .join('---\n');
}

function describe(outcome: ObjectOutcome): string {
  const who = `${outcome.object.kind} ${outcome.object.name}.${outcome.object.namespace}`;
  if (outcome.kind === 'skipped') return `# ${who}: skipped, ${outcome.code}: ${outcome.reason}\n`;
  const problems = outcome.kind === 'refused' ? outcome.problems : outcome.warnings;
  const lines = problems.map(
    ({ severity, code, path, message }) => `#   ${severity} ${code} ${path}: ${message}\n`,
  );
  const parts = outcome.kind === 'changed' ? outcome.parts.map(part => `#   ${part}\n`) : [];
  return `# ${who}: ${outcome.kind}\n${[...parts, ...lines].join('')}`;
}
