import assert from 'node:assert/strict';
import { test } from 'node:test';
import { histogramQuantile } from './quantile.ts';

const inf = Number.POSITIVE_INFINITY;
const buckets = (text: string) =>
  text.split(' ').map(each => {
    const [le, count] = each.split(':') as [string, string];
    return { le: le === '+Inf' ? inf : Number(le), count: Number(count) };
  });

// The histograms and answers of Prometheus' own tests (promql/promqltest/testdata/histograms.test), and its edge cases.
const positive = '0.1:5 0.2:7 1:11 +Inf:12';
const negative = '-0.2:1 -0.1:2 0.3:2 +Inf:3';
const cases: readonly [q: number, histogram: string, expected: number][] = [
  [1.01, positive, inf],
  [-0.1, positive, -inf],
  [Number.NaN, positive, Number.NaN],
  [0, positive, 0],
  [0.2, positive, 0.048],
  [0.5, positive, 0.15],
  [0.8, positive, 0.72],
  [1, positive, 1],
  [0, negative, -0.2],
  [0.2, negative, -0.2],
  [0.5, negative, -0.15],
  [0.8, negative, 0.3],
  [0.5, '0.1:0 +Inf:0', Number.NaN],
  [0.5, '0.1:5 0.2:7', Number.NaN],
  [0.5, '+Inf:5', Number.NaN],
  [0.5, '+Inf:12 1:11 0.2:7 0.1:5', 0.15],
  [0.5, '0.1:3 0.1:2 0.2:7 1:11 +Inf:12', 0.15],
  [0.9, '1:10 2:9.999999 +Inf:10', 0.9],
];
for (const [q, histogram, expected] of cases) {
  test(`histogram_quantile(${q}, ${histogram}) is ${expected}`, () => {
    const got = histogramQuantile(q, buckets(histogram));
    if (Number.isFinite(expected)) assert.ok(Math.abs(got - expected) < 1e-9, String(got));
    else assert.equal(got, expected);
  });
}

test('no bucket at all has no quantile', () => assert.ok(Number.isNaN(histogramQuantile(0.5, []))));
