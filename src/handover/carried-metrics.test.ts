import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedMetrics, withCarried } from './carried-metrics.ts';

const text = [
  '# HELP r_total Requests.\n# TYPE r_total counter\nr_total{a="# HELP x"} 5\n',
  '# HELP weft_connections Open.\n# TYPE weft_connections gauge\nweft_connections 3\n',
  '# HELP h Times.\n# TYPE h histogram\nh_bucket{le="+Inf"} 2\nh_sum 4\nh_count 2\n',
  '# HELP process_start_time_seconds Begin.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 9\n',
].join('');

test('counters and histograms are carried over, and what is open while that process drains', () => {
  const drains = carriedMetrics(text, true);
  assert.match(drains, /^r_total\{a="# HELP x"\} 5$/m);
  assert.match(drains, /^weft_connections 3$/m);
  assert.doesNotMatch(drains, /process_start/);
  const final = carriedMetrics(text, false);
  assert.doesNotMatch(final, /weft_connections|process_start/);
  const sum = [...withCarried(text, final)].join('');
  assert.match(sum, /^r_total\{a="# HELP x"\} 10$/m);
  assert.match(sum, /^h_bucket\{le="\+Inf"\} 4$/m);
  assert.match(sum, /^weft_connections 3$/m);
  assert.match(sum, /^process_start_time_seconds 9$/m);
  assert.equal([...withCarried(text, '')].join(''), text);
});
