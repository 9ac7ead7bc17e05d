// What the seeds write for Istio, as it stands (one file for each of their snippets), and what it comes to. The text of the
// second article had lost its indentation; its files say so. Refresh golden/ with UPDATE_GOLDEN=1 and read the difference.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { resolveDestination, resolveInbound } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { readable } from '../../src/translate/testing/readable.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
const seeds = globSync('istio-*.yaml', { cwd: import.meta.dirname }).sort();

for (const seed of seeds) {
  test(`the translation of ${seed} is as it was`, () => {
    const { mesh, problems } = meshFromYaml(read(seed), seed);
    const got = `${JSON.stringify(readable(mesh, problems), undefined, 2)}\n`;
    const expected = join(import.meta.dirname, 'golden', `${basename(seed, '.yaml')}.json`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(expected, got);
    assert.equal(got, readFileSync(expected, 'utf8'), `${seed} differs; UPDATE_GOLDEN=1 writes it anew`);
  });
}

test('no object of the seeds is refused', () => {
  for (const seed of seeds) {
    const { problems } = meshFromYaml(read(seed), seed);
    assert.deepEqual(
      problems.filter(each => each.severity === 'error'),
      [],
      seed,
    );
  }
});

const service = (name: string): string => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
`;

/** The routes of a call to `host` from its own namespace: conditions, and shares by subset. */
function routes(seed: string, host: string): unknown[] {
  const { mesh } = meshFromYaml(read(`istio-${seed}.yaml`) + service(host));
  const { resource } = resolveDestination(mesh, { namespace: 'default', labels: {} }, `${host}:80`);
  return resource.routes.map(({ matches, action }) => [
    (matches ?? [])
      .map(({ headers = [], query = [] }) => [...headers, ...query].map(each => each.name).join())
      .join(),
    action.kind === 'forward'
      ? action.clusters.map(({ cluster, weight }) => `${cluster.split('/')[1]} ${weight}`)
      : action.kind,
  ]);
}

test('the virtual services of the seeds route as they say, the one without hosts too', () => {
  assert.deepEqual(routes('traffic-splitting', 'reviews'), [
    ['end-user', ['v2 1']],
    ['', ['v1 75', 'v2 25']],
  ]);
  assert.deepEqual(routes('canary', 'helloworld'), [
    ['canary', ['v2 1']],
    ['', ['v1 90', 'v2 10']],
  ]);
  assert.deepEqual(routes('request-routing', 'reviews'), [
    ['cookie', ['v3 1']],
    ['test', ['v2 1']],
    ['', ['v1 1']],
  ]);
  assert.deepEqual(routes('my-api-canary', 'my-api'), [
    ['x-version', ['v2 1']],
    ['', ['v1 90', 'v2 10']],
  ]);
});

test('the rate limit of the seed holds for the pods that it selects and for no others', () => {
  const pod = (name: string, app: string): string => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: default, labels: {app: ${app}}}
status: {podIP: 10.244.0.${name.length}}
`;
  const { mesh } = meshFromYaml(
    read('istio-rate-limit.yaml') + pod('page', 'productpage') + pod('other', 'web'),
  );
  const limits = resolveInbound(mesh, 'default/page').resource?.defaultRateLimits;
  assert.deepEqual(
    limits?.map(({ bucket, status, enforcedPercent }) => ({ bucket, status, enforcedPercent })),
    [{ bucket: { maxTokens: 100, perFill: 100, fillIntervalMs: 60_000 }, status: 429, enforcedPercent: 100 }],
  );
  assert.equal(resolveInbound(mesh, 'default/other').resource?.defaultRateLimits, undefined);
});
