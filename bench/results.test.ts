import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, type Round, summarise, table } from './results.ts';
import { verdicts } from './targets.ts';

const round = (proxy: string, cpu: number): Round => ({
  proxy,
  version: '1',
  figures: { cpu_us_per_request: cpu, rps: 1000 },
});

test('the median of an even number is the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('a ratio compares the same round of both, so a slow minute that hit both does not change it', () => {
  const rounds = [
    round('weft', 20),
    round('haproxy', 10),
    round('weft', 60),
    round('haproxy', 30),
    round('weft', 22),
  ];
  const [weft] = summarise([...rounds, round('haproxy', 11)]);
  assert.equal(weft!.ratio.haproxy, 2);
  assert.deepEqual(weft!.range.cpu_us_per_request, [20, 60]);
});

test('a peer that lacks a round gets no ratio', () => {
  const [weft] = summarise([round('weft', 20), round('envoy', 40), round('weft', 20)]);
  assert.deepEqual(weft!.ratio, {});
});

test('a table shows the spread and the ratio beside the peer', () => {
  const proxies = summarise([round('weft', 20), round('nginx', 10), round('weft', 30), round('nginx', 15)]);
  const text = table({ scenario: 'hop', title: 'one hop', unit: 'request', proxies, notices: ['careful'] });
  assert.match(text, /^hop: one hop \(per request\)$/m);
  assert.match(text, /^weft +25 \[20–30\]/m);
  assert.match(text, /^nginx .* 2\.00$/m);
  assert.match(text, /^ {2}note: careful$/m);
});

test('a promise is judged by what the run found, and not at all where it found nothing', () => {
  const proxies = summarise([round('weft', 14), round('haproxy', 10), round('envoy', 13)]);
  const found = verdicts([{ scenario: 'hop', title: '', unit: 'request', proxies, notices: [] }]);
  assert.deepEqual(
    found.map(({ met, limit }) => [met, Math.round(limit * 10) / 10]),
    [
      [false, 13.5],
      [false, 13],
    ],
  );
});
