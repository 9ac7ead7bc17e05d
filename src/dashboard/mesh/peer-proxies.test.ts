import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import type { PageProxy } from '../contract.ts';
import { type AskProxies, MAX_PROXIES, PeerProxies, proxiesLines } from './peer-proxies.ts';

const row = (pod: string): PageProxy => ({
  ...{ pod, version: '0.1.0', principal: '', connectedAtMs: 1, destinations: 2, outstanding: 0, refused: [] },
});

/** Replicas that answer when they are told to. */
function replicas(...names: string[]) {
  const asked: string[] = [];
  const answers = new Map<string, Parameters<AskProxies>>();
  const peers = new Map<string, AskProxies>(
    names.map(name => [
      name,
      (line, over) => {
        asked.push(name);
        answers.set(name, [line, over]);
      },
    ]),
  );
  const answer = (name: string, proxies: readonly PageProxy[]): void => {
    const [line, over] = answers.get(name)!;
    for (const each of proxiesLines(proxies)) line(JSON.stringify(each));
    over();
  };
  return { peers, asked, answers, answer };
}

test('rows of other replicas are told with their replica, and asked for anew every five seconds', async () => {
  const clock = new FakeClock();
  const { peers, asked, answer } = replicas('b', 'c');
  const proxies = new PeerProxies(() => peers, clock);
  assert.deepEqual(proxies.all, { proxies: [], count: 0 });
  answer('b', [row('shop/one')]);
  answer('c', [row('shop/two'), row('shop/three')]);
  const { all } = proxies;
  assert.deepEqual(
    all.proxies.map(({ pod, replica }) => `${pod} ${replica}`),
    ['shop/one b', 'shop/two c', 'shop/three c'],
  );
  assert.equal(all.count, 3);
  assert.deepEqual(asked, ['b', 'c']);
  await clock.advance(5_000);
  void proxies.all;
  assert.deepEqual(asked, ['b', 'c', 'b', 'c']);
  answer('b', []);
  assert.equal(proxies.all.count, 2);
});

test('a replica that is gone, or does not answer to the end, has no rows', async () => {
  const clock = new FakeClock();
  const { peers, answers, answer } = replicas('b', 'c');
  const proxies = new PeerProxies(() => peers, clock);
  void proxies.all;
  answer('b', [row('shop/one')]);
  answer('c', [row('shop/two')]);
  peers.delete('c');
  assert.deepEqual(
    proxies.all.proxies.map(({ pod }) => pod),
    ['shop/one'],
  );
  await clock.advance(5_000);
  void proxies.all;
  answers.get('b')![1]('it answered with status 404');
  assert.deepEqual(proxies.all, { proxies: [], count: 0 });
});

test('of a replica with very many proxies the first are told and all are counted; what is no proxy is none', () => {
  const clock = new FakeClock();
  const { peers, answers, answer } = replicas('b');
  const proxies = new PeerProxies(() => peers, clock);
  void proxies.all;
  const [line] = answers.get('b')!;
  line(JSON.stringify({ type: 'proxies', proxies: [7, { name: 'no pod' }] }));
  line(JSON.stringify({ type: 'alive' }));
  answer(
    'b',
    Array.from({ length: MAX_PROXIES + 5 }, (_, at) => row(`shop/${at}`)),
  );
  const { proxies: told, count } = proxies.all;
  assert.deepEqual([told.length, count], [MAX_PROXIES, MAX_PROXIES + 5]);
});
