import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../errors/index.ts';
import type { PodView } from '../../sandbox/index.ts';
import { meshOfSandbox, type SandboxLike } from './from-sandbox.ts';
import { askAll, choosePods, readExposition } from './index.ts';

function pod(name: string, over: Partial<PodView> = {}): PodView {
  return {
    ...{ namespace: 'shop', name, uid: name, workload: name, workloadKind: 'Deployment', labels: {} },
    ...{ phase: 'Running', ready: true, readyContainers: '2/2', terminating: false, restarts: 0 },
    ...{
      address: '10.0.0.1',
      meshed: true,
      proxyVersion: '1.2.3',
      reason: 'Running',
      startedAt: '',
      containers: [],
    },
    ...over,
  };
}

const sandbox: SandboxLike = {
  name: 'demo',
  pods: async () => [
    pod('web'),
    pod('plain', { meshed: false }),
    pod('done', { phase: 'Succeeded' }),
    pod('weft-injector-x', { namespace: 'weft-system', workload: 'weft-injector', meshed: false }),
  ],
  status: async () => ({ events: [] }),
  execCommand: async () => [],
  fetch: async (target, path, { port }) =>
    target === 'pod/shop/web'
      ? { status: 200, headers: {}, body: `${path} ${port}` }
      : { status: 503, headers: {}, body: 'busy\n' },
};

test('pods of a sandbox are found and asked by way of its agent, and remedies name its commands', async () => {
  const mesh = meshOfSandbox(sandbox);
  const chosen = await choosePods(mesh, { systemNamespace: 'weft-system' });
  assert.deepEqual(
    chosen.map(({ name, proxyVersion }) => [name, proxyVersion]),
    [['web', '1.2.3']],
  );
  assert.deepEqual(
    (await mesh.controlPlanes()).map(({ name }) => name),
    ['weft-injector-x'],
  );
  const answers = await askAll(mesh, await mesh.pods(), 15020, '/stats');
  assert.deepEqual(answers.slice(0, 2), [{ text: '/stats 15020' }, { trouble: 'status 503: busy' }]);
  assert.equal(mesh.logCommand(chosen[0]!), 'weft sandbox logs shop/web -c weft-proxy --name demo');
});

test('an API that nobody answers at ends it, whatever the other pods say', async () => {
  const mesh = meshOfSandbox(sandbox);
  const gone = { ...mesh, read: () => Promise.reject(new WeftError('api-unreachable', 'gone')) };
  await assert.rejects(askAll(gone, await mesh.pods(), 1, '/'), { code: 'api-unreachable' });
});

test('the text format is read as Prometheus writes it, and what is none is left out', () => {
  const text = [
    'a{x="q\\"\\\\\\n",y=""} 1.5e3 1700000000000',
    'a +Inf',
    'a{x="}"} NaN',
    'a{x=1} 2',
    'a{x="open} 2',
    'a 0x',
    'a',
    'b 1',
  ].join('\n');
  const samples = readExposition(text, name => name === 'a');
  assert.deepEqual(
    samples.map(({ labels, value }) => [{ ...labels }, value]),
    [
      [{ x: 'q"\\\n', y: '' }, 1500],
      [{}, Number.POSITIVE_INFINITY],
      [{ x: '}' }, Number.NaN],
    ],
  );
});
