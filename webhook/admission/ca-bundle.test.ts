import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../src/time/index.ts';
import { type CaBundleOptions, caBundlePatch, keepCaBundle } from './ca-bundle.ts';
import { webhookConfiguration } from './configuration.ts';
import type { KubeAnswer, KubeCall } from './kube-api.ts';
import { fakeApi, Recorder } from './testing/admission.ts';

const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector';
const choice = {
  systemNamespace: 'weft-system',
  ignoredNamespaces: ['kube-system'],
  failurePolicy: 'Fail',
  accept: [],
} as const;
const bundle = Buffer.from('A\n').toString('base64');

type Configuration = {
  metadata: { resourceVersion: string };
  webhooks: { name: string; clientConfig: { caBundle?: string } }[];
};

function configuration(): Configuration {
  const made = webhookConfiguration(choice, {}) as unknown as Configuration;
  return { ...made, metadata: { ...made.metadata, resourceVersion: '7' } };
}

const { length: all } = configuration().webhooks;

function keeper(
  answers: Record<string, KubeAnswer | ((call: KubeCall) => KubeAnswer)>,
  over: Partial<CaBundleOptions> = {},
) {
  const clock = new FakeClock();
  const record = new Recorder();
  const api = fakeApi(answers);
  const stop = new AbortController();
  const made = keepCaBundle({
    ...{ api, clock, log: record.log, signal: stop.signal },
    ...{ roots: () => ['A'], leads: () => true },
    ...over,
  });
  return { made, api, record, clock, stop };
}

test('writes the bundle into every entry of its own and into nothing else', () => {
  const given = configuration();
  given.webhooks.splice(1, 0, { name: 'other.example.com', clientConfig: {} });
  for (const index of [0, 3, 4, 5]) given.webhooks[index]!.clientConfig.caBundle = bundle;
  const { patch, entries } = caBundlePatch(given, bundle);
  assert.equal(entries, all);
  assert.deepEqual(patch, [
    { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
    { op: 'add', path: '/webhooks/2/clientConfig/caBundle', value: bundle },
  ]);
});

test('writes nothing when the bundle is right already', async () => {
  const given = configuration();
  for (const webhook of given.webhooks) webhook.clientConfig.caBundle = bundle;
  const { made, api } = keeper({ [`GET ${path}`]: { status: 200, body: given } });
  assert.deepEqual(await made.check(), { kind: 'right', entries: all });
  assert.deepEqual(
    api.calls.map(({ method }) => method),
    ['GET', 'GET'],
    'the configuration, and a list of tags',
  );
});

test('reads again and retries when somebody else wrote at the same moment', async () => {
  let patches = 0;
  const { made } = keeper({
    [`GET ${path}`]: () => ({ status: 200, body: configuration() }),
    [`PATCH ${path}`]: () => ({ status: ++patches < 3 ? 409 : 200, body: {} }),
  });
  assert.deepEqual(await made.check(), { kind: 'right', entries: all });
  assert.equal(patches, 3);
});

test('a replica that does not lead writes nothing', async () => {
  const { made, api } = keeper({}, { leads: () => false });
  assert.deepEqual(await made.check(), { kind: 'waiting' });
  assert.deepEqual(api.calls, []);
});

test('says once that the configuration is missing, and what to do', async () => {
  const { made, record, clock } = keeper({});
  assert.deepEqual(await made.check(), { kind: 'missing' });
  clock.advance(30_000);
  await made.check();
  assert.deepEqual(record.lines, [
    'warn there is no webhook configuration, so no pod is injected; weft install prints it',
  ]);
});

test('a refusal and a server that is gone are states, and the next look mends them', async () => {
  let answer: KubeAnswer | undefined = { status: 403, body: { message: 'may not' } };
  const { made, record } = keeper({
    [`GET ${path}`]: () => {
      if (answer === undefined) throw new Error('gone');
      return answer;
    },
    [`PATCH ${path}`]: { status: 200, body: {} },
  });
  assert.deepEqual(await made.check(), { kind: 'failed', message: 'may not (403)' });
  answer = undefined;
  assert.deepEqual(await made.check(), { kind: 'failed', message: 'gone' });
  answer = { status: 200, body: configuration() };
  assert.equal((await made.check()).kind, 'right');
  assert.deepEqual(
    record.lines.map(line => line.split(' ')[0]),
    ['error', 'error', 'info'],
  );
});

test('rotated roots reach the configuration with the next look', async () => {
  const given = configuration();
  let roots = ['A'];
  const { made, api, clock, stop } = keeper(
    {
      [`GET ${path}`]: () => ({ status: 200, body: structuredClone(given) }),
      [`PATCH ${path}`]: { status: 200, body: {} },
    },
    { roots: () => roots },
  );
  await made.check();
  for (const webhook of given.webhooks) webhook.clientConfig.caBundle = bundle;
  roots = ['A', 'B'];
  clock.advance(30_000);
  await made.check();
  const last = api.calls.findLast(({ method }) => method === 'PATCH')?.body as { value: string }[];
  assert.equal(Buffer.from(last[1]!.value, 'base64').toString(), 'A\nB\n');
  stop.abort();
  const before = api.calls.length;
  clock.advance(300_000);
  assert.equal(api.calls.length, before);
});

test('keeps what pods choose its revision and its tags by, and nothing of another revision', async () => {
  const root = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const of = (given: { revision: string; answersTo?: string }) => {
    const made = webhookConfiguration({ ...choice, ...given }, {}) as unknown as Configuration;
    return { ...made, metadata: { ...made.metadata, resourceVersion: '7' } };
  };
  const tag = of({ revision: 'canary', answersTo: 'prod' });
  const promoted = of({ revision: 'canary', answersTo: 'default' });
  const patched: string[] = [];
  const answers = {
    [`GET ${root}/weft-injector-canary`]: { status: 200, body: of({ revision: 'canary' }) },
    [`GET ${root}`]: (call: KubeCall) => ({
      status: 200,
      body: {
        items: JSON.stringify(call.query).includes('weft.dev/rev=canary,weft.dev/tag') ? [tag, promoted] : [],
      },
    }),
    [`GET ${root}/weft-tag-prod`]: { status: 200, body: tag },
    [`GET ${root}/weft-injector`]: { status: 200, body: promoted },
  };
  for (const name of ['weft-injector-canary', 'weft-tag-prod', 'weft-injector'])
    Object.assign(answers, {
      [`PATCH ${root}/${name}`]: () => {
        patched.push(name);
        return { status: 200, body: {} };
      },
    });
  const canary = keeper(answers, { revision: 'canary' });
  const entries = 2 + 2 + promoted.webhooks.length;
  assert.deepEqual(await canary.made.check(), { kind: 'right', entries });
  assert.deepEqual(patched.splice(0), ['weft-injector-canary', 'weft-tag-prod', 'weft-injector']);
  const before = keeper(answers);
  assert.deepEqual(await before.made.check(), { kind: 'right', entries: 0 });
  assert.deepEqual(patched, [], 'the default has nothing to keep after its configuration became a tag');
});
