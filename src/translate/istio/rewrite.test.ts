import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../testing/from-yaml.ts';

function problemsOf(uri: string): readonly string[] {
  const { problems } = meshFromYaml(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec:
  hosts: [a]
  http: [{match: [{uri: {prefix: /x/}}], rewrite: {uri: "${uri}"}, route: [{destination: {host: a}}]}]
`);
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

test('a rewrite to nothing has no effect, and that is said with what to write', () => {
  assert.equal(problemsOf('').length, 1);
  assert.match(
    problemsOf('')[0]!,
    /^warning spec\.http\[0\]\.rewrite\.uri: .*has no effect; .*write uri: \//,
  );
  assert.deepEqual(problemsOf('/'), []);
});
