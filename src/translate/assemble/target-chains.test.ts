import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../registry/index.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator } from '../translator.ts';

const entry = (kind: string, name: string, spec: string): string => `
apiVersion: consul.hashicorp.com/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`;
const router = entry(
  'ServiceRouter',
  'web',
  '{routes: [{match: {http: {pathPrefix: /api}}, destination: {service: api}}]}',
);
const splitter = (v1: number): string =>
  entry(
    'ServiceSplitter',
    'api',
    `{splits: [{weight: ${v1}, service: api-v1}, {weight: ${100 - v1}, service: api-v2}]}`,
  );
const resolver = (to: string): string => entry('ServiceResolver', 'api-v2', `{redirect: {service: ${to}}}`);
const host = 'web.shop.svc.cluster.local';

function gone(change: Change): Change {
  return { type: 'delete', kind: change.kind, key: change.key };
}

/** Where requests of /api go: `api-v1 90`. */
function shares(translator: Translator): string[] {
  const action = translator.mesh.routeTables.get(host)?.[0]?.http[0]?.action;
  assert.equal(action?.kind, 'forward');
  return action.targets.map(each => `${each.host.split('.')[0]} ${each.weight}`);
}

test('a router follows every change of the chain that its destinations go through', () => {
  const translator = new Translator();
  translator.apply(changesOf(router));
  assert.deepEqual(shares(translator), ['api 1']);
  const { touched } = translator.apply(changesOf(splitter(90)));
  assert.ok(touched.has(`route-tables ${host}`));
  assert.deepEqual(shares(translator), ['api-v1 90', 'api-v2 10']);
  translator.apply(changesOf(splitter(50)));
  translator.apply(changesOf(resolver('api-v3')));
  assert.deepEqual(shares(translator), ['api-v1 50', 'api-v3 50']);
  translator.apply(changesOf(splitter(50)).map(gone));
  translator.apply(changesOf(resolver('api-v3')).map(gone));
  assert.deepEqual(shares(translator), ['api 1']);
  assert.deepEqual(translator.problems(), []);
});

test('splits that lead back to a Service end there', () => {
  const translator = new Translator();
  const there = entry('ServiceSplitter', 'api', '{splits: [{weight: 60, service: api-v2}, {weight: 40}]}');
  const back = entry('ServiceSplitter', 'api-v2', '{splits: [{weight: 50, service: api}, {weight: 50}]}');
  translator.apply(changesOf(`${router}---${there}---${back}`));
  assert.deepEqual(shares(translator), ['api 30', 'api-v2 30', 'api 40']);
});

test('the shares of several targets of a rule stay what they are when one of them is split', () => {
  const translator = new Translator();
  const outer = entry('ServiceSplitter', 'web', '{splits: [{weight: 80}, {weight: 20, service: api}]}');
  translator.apply(changesOf(`${outer}---${splitter(99)}`));
  assert.deepEqual(shares(translator), ['web 80000', 'api-v1 19800', 'api-v2 200']);
});
