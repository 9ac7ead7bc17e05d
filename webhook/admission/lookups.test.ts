import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../src/time/index.ts';
import { kubeApiOf } from './kube-api.ts';
import { namespaceLookup, ownerLookup } from './lookups.ts';
import { fakeApi } from './testing/admission.ts';

const metadata = (over: object) => ({ status: 200, body: { metadata: over } });
const controller = (apiVersion: string, kind: string, name: string) => ({
  ownerReferences: [{ apiVersion, kind, name, uid: `uid-${name}`, controller: true }],
});

test('a namespace that the registry knows is not asked for', async () => {
  const api = fakeApi({ 'GET /api/v1/namespaces/b': metadata({ labels: { x: 'y', bad: 3 } }) });
  const known = { labels: {}, annotations: {} };
  const { get, fresh } = namespaceLookup(api, name => (name === 'a' ? known : undefined));
  assert.equal(get('a'), known);
  assert.deepEqual(await get('b'), { labels: { x: 'y' }, annotations: {} });
  assert.equal(await fresh('gone'), undefined);
  assert.equal(api.calls.length, 2);
});

test('a namespace that may not be read is an error that names the permission', async () => {
  const api = fakeApi({ 'GET /api/v1/namespaces/a': { status: 403, body: { message: 'forbidden' } } });
  await assert.rejects(
    async () => namespaceLookup(api).get('a'),
    /forbidden \(403\).*permission to get namespaces/,
  );
});

test('events about the pods of a ReplicaSet go to its Deployment, whose annotations it bears', async () => {
  const path = 'GET /apis/apps/v1/namespaces/shop/replicasets/cart-1';
  const annotations = { 'linkerd.io/inject': 'enabled' };
  const api = fakeApi({ [path]: metadata({ annotations, ...controller('apps/v1', 'Deployment', 'cart') }) });
  const clock = new FakeClock();
  const owners = ownerLookup(api, clock);
  const ref = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-1', uid: 'r1' };
  const owner = await owners('shop', ref);
  assert.deepEqual(owner?.annotations, annotations);
  assert.equal(owner?.top.kind, 'Deployment');
  await owners('shop', ref);
  assert.equal(api.calls.length, 1, 'believed for a while');
  clock.advance(10_000);
  await owners('shop', ref);
  assert.equal(api.calls.length, 2);
});

test("a CronJob's annotations count for the pods of its Jobs, a Job's own come first", async () => {
  const api = fakeApi({
    'GET /apis/batch/v1/namespaces/shop/jobs/report-1': metadata({
      annotations: { a: 'job' },
      ...controller('batch/v1', 'CronJob', 'report'),
    }),
    'GET /apis/batch/v1/namespaces/shop/cronjobs/report': metadata({ annotations: { a: 'cron', b: 'cron' } }),
  });
  const owner = await ownerLookup(api, new FakeClock())('shop', {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: 'report-1',
  });
  assert.deepEqual(owner?.annotations, { a: 'job', b: 'cron' });
  assert.equal(owner?.top.name, 'report');
});

test('kinds of others are not asked for, and a refusal is as if nobody knew', async () => {
  const api = fakeApi({ 'GET /apis/apps/v1/namespaces/shop/daemonsets/d': { status: 403, body: {} } });
  const owners = ownerLookup(api, new FakeClock());
  assert.equal(await owners('shop', { apiVersion: 'argoproj.io/v1', kind: 'Rollout', name: 'r' }), undefined);
  assert.equal(await owners('shop', { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd' }), undefined);
  assert.equal(api.calls.length, 1);
});

test('errors of the client become answers, and silence a rejection', async () => {
  const failed = (status: number) => Object.assign(new Error('no'), { status, reason: 'Forbidden' });
  const call = { method: 'GET', path: '/api' } as const;
  const forbidden = await kubeApiOf({ call: () => Promise.resolve(failed(403)) }).request(call);
  assert.equal(forbidden.status, 403);
  await assert.rejects(kubeApiOf({ call: () => Promise.resolve(failed(0)) }).request(call), /no/);
  assert.deepEqual(await kubeApiOf({ call: () => Promise.resolve({ a: 1 }) }).request(call), {
    status: 200,
    body: { a: 1 },
  });
});
