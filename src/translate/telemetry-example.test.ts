import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { meshFromYaml } from './testing/from-yaml.ts';

test('the example of telemetry is understood as a whole', () => {
  const file = join(import.meta.dirname, '../../examples/telemetry/telemetry.yaml');
  const { mesh, problems } = meshFromYaml(readFileSync(file, 'utf8'));
  assert.deepEqual(problems, []);
  assert.equal([...mesh.telemetry.values()].flat().length, 3);
});
