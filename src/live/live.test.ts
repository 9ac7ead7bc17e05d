import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskableProxies, AskableProxy, Question, QuestionListener } from '../discovery/index.ts';
import { Live } from './index.ts';

class FakeProxy implements AskableProxy {
  readonly proxyVersion = '1';
  readonly pod: string;
  readonly asked: { question: Question; listener: QuestionListener; cancelled: boolean }[] = [];
  refuses: string | undefined;

  constructor(pod: string) {
    this.pod = pod;
  }

  ask(question: Question, listener: QuestionListener): () => void {
    const asked = { question, listener, cancelled: false };
    this.asked.push(asked);
    if (this.refuses !== undefined) listener.done(this.refuses);
    return () => {
      asked.cancelled = true;
    };
  }
}

function setUp(...pods: string[]) {
  const proxies = pods.map(pod => new FakeProxy(pod));
  const listeners = new Set<(proxy: AskableProxy) => void>();
  const source: AskableProxies = {
    proxies: () => proxies,
    onProxy(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const heard: string[] = [];
  const listener = {
    asked: (pod: string) => heard.push(`asked ${pod}`),
    said: (pod: string, items: readonly unknown[], left: number) =>
      heard.push(`${pod} ${JSON.stringify(items)} ${left}`),
    failed: (pod: string, why: string) => heard.push(`${pod} failed: ${why}`),
    over: () => heard.push('over'),
  };
  const connect = (proxy: FakeProxy): void => listeners.forEach(each => void each(proxy));
  return { live: new Live(() => source), proxies, heard, listener, listeners, connect };
}

const question = { kind: 'tap' };

test('the chosen proxies are asked, and the answer is over when the last has said all', () => {
  const { live, proxies, heard, listener } = setUp('shop/web', 'shop/cart', 'other/web');
  const stop = new AbortController();
  const chosen = (pod: string): boolean => pod.startsWith('shop/');
  assert.equal(live.count(chosen), 2);
  live.ask({ question, chosen, follow: false }, listener, stop.signal);
  proxies[0]!.asked[0]!.listener.said([1, 2], 3);
  proxies[0]!.asked[0]!.listener.done();
  proxies[1]!.asked[0]!.listener.done('too old');
  assert.deepEqual(heard, [
    'asked shop/web',
    'asked shop/cart',
    'shop/web [1,2] 3',
    'shop/cart failed: too old',
    'over',
  ]);
  assert.equal(proxies[2]!.asked.length, 0);
  stop.abort();
  assert.equal(heard.length, 5);
});

test('an answer of nobody is over at once, and so is one of proxies that all refuse at once', () => {
  const { live, proxies, heard, listener } = setUp('shop/web');
  const { signal } = new AbortController();
  live.ask({ question, chosen: () => false, follow: false }, listener, signal);
  proxies[0]!.refuses = 'too old';
  live.ask({ question, chosen: () => true, follow: false }, listener, signal);
  assert.deepEqual(heard, ['over', 'asked shop/web', 'shop/web failed: too old', 'over']);
});

test('who follows hears of proxies that connect later or anew, and nothing is left when they go', () => {
  const { live, proxies, heard, listener, listeners, connect } = setUp('shop/web');
  const stop = new AbortController();
  live.ask({ question, chosen: pod => pod.startsWith('shop/'), follow: true }, listener, stop.signal);
  proxies[0]!.asked[0]!.listener.done('disconnected');
  const again = new FakeProxy('shop/web');
  connect(again);
  connect(new FakeProxy('other/web'));
  assert.deepEqual(heard, ['asked shop/web', 'shop/web failed: disconnected', 'asked shop/web']);
  stop.abort();
  assert.deepEqual([again.asked[0]!.cancelled, listeners.size], [true, 0]);
});

test('questions at once are bounded, and each that ends makes room', () => {
  const { live, listener } = setUp('shop/web');
  const stops = Array.from({ length: 64 }, () => new AbortController());
  const ask = (signal: AbortSignal): void =>
    live.ask({ question, chosen: () => true, follow: true }, listener, signal);
  for (const { signal } of stops) ask(signal);
  const { signal } = new AbortController();
  assert.throws(() => ask(signal), { code: 'live-busy' });
  stops[0]!.abort();
  ask(signal);
  assert.throws(
    () =>
      live.ask(
        { question: { kind: 'tap', path: 'x'.repeat(20_000) }, chosen: () => true, follow: false },
        listener,
        signal,
      ),
    { code: 'question-too-long' },
  );
});
