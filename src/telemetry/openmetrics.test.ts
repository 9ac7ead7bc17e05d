import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exposition, type ExpositionFormat, expositionPieces, type Rendering } from './exposition.ts';
import { Histogram } from './histogram.ts';

const histogram = new Histogram();
for (const value of [0.2, 7, 8]) histogram.observe(value);
histogram.exemplify({ traceId: 'aa', value: 7, atMs: 1_700_000_000_250 });
histogram.exemplify({ traceId: 'bb', value: 8, atMs: 1_700_000_001_000 });

function* render(out: Exposition): Rendering {
  out.family('weft_a_total', 'counter', 'A.');
  out.sample('weft_a_total', 'x="1"', 2);
  out.family('weft_b_milliseconds', 'histogram', 'B.');
  out.histogram('weft_b_milliseconds', 'x="1"', histogram);
  yield;
}
const linesOf = (format: ExpositionFormat): string[] =>
  [...expositionPieces(render, undefined, format)].join('').split('\n');

test('OpenMetrics: counters without _total in comments, the last trace of each bucket, and an end', () => {
  const lines = linesOf('openmetrics');
  assert.deepEqual(lines.slice(0, 3), ['# HELP weft_a A.', '# TYPE weft_a counter', 'weft_a_total{x="1"} 2']);
  const buckets = lines.filter(line => line.includes('_bucket{'));
  assert.equal(
    buckets.find(line => line.includes('le="10"')),
    'weft_b_milliseconds_bucket{x="1",le="10"} 3 # {trace_id="bb"} 8 1700000001',
  );
  assert.equal(buckets.filter(line => line.includes('trace_id')).length, 1);
  assert.deepEqual(lines.slice(-2), ['# EOF', '']);
});

test('the older format has no exemplars', () => {
  const text = linesOf('text').join('\n');
  assert.doesNotMatch(text, /trace_id|EOF/);
  assert.match(text, /^# TYPE weft_a_total counter$/m);
});
