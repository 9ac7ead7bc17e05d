// For tests: findings out of YAML text, through the same parser as in production.
import assert from 'node:assert/strict';
import { refOf } from '../../registry/index.ts';
import { parseFile } from '../../source/index.ts';
import { analyze, type Finding, meshOfObjects } from '../index.ts';

/** The findings about the objects of the text, which must be readable. */
export function findingsOf(yaml: string, file = 'test.yaml'): readonly Finding[] {
  const { objects, problems } = parseFile(yaml, file);
  assert.deepEqual(problems, []);
  const stored = objects.map(({ object, line }) => ({ object, ref: refOf(object, `${file}:${line}`) }));
  return analyze(meshOfObjects(stored, { expectPods: true }));
}
