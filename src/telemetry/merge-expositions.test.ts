import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeExpositions as mergePieces } from './merge-expositions.ts';

function mergeExpositions(own: string, app: string, openMetrics: boolean): string {
  return [...mergePieces([own], { bytes: Buffer.from(app), openMetrics })].join('');
}

const own = `# HELP istio_requests_total Requests.
# TYPE istio_requests_total counter
istio_requests_total{a="b"} 7
# HELP process_cpu_seconds_total CPU.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 3
`;

test('the app’s metrics come after the proxy’s, untouched', () => {
  const app = `# HELP shop_orders_total Orders, with "quotes" # and hashes.
# TYPE shop_orders_total counter
shop_orders_total{path="/a b",note="x#y\\"}"} 5 1700000000000
# TYPE shop_seconds histogram
shop_seconds_bucket{le="+Inf"} 2
shop_seconds_sum 1.5e-3
shop_seconds_count 2
shop_load NaN
`;
  assert.equal(mergeExpositions(own, app, false), own + app);
});

test('families that both have do not come twice: the app keeps its process’s, the proxy its own', () => {
  const app = `# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 100
# TYPE istio_requests_total counter
istio_requests_total{evil="true"} 1000
up_to_me 1
`;
  assert.equal(
    mergeExpositions(own, app, false),
    `# HELP istio_requests_total Requests.
# TYPE istio_requests_total counter
istio_requests_total{a="b"} 7
# HELP weft_proxy_process_cpu_seconds_total CPU.
# TYPE weft_proxy_process_cpu_seconds_total counter
weft_proxy_process_cpu_seconds_total 3
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 100
up_to_me 1
`,
  );
});

test('OpenMetrics becomes the older format: no end mark, units, exemplars or types of its own, times in milliseconds', () => {
  const app = `# TYPE foo counter
# UNIT foo seconds
foo_total{a="# b"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67
foo_created 1520872607.123
# TYPE bar stateset
bar{bar="a"} 1
# EOF
`;
  assert.equal(
    mergeExpositions('', app, true),
    `# TYPE foo counter
foo_total{a="# b"} 17.0 1520879607789
foo_created 1520872607.123
# TYPE bar untyped
bar{bar="a"} 1
`,
  );
});

test('what is no metric does not spoil the rest', () => {
  const app =
    '<html>\n\0\0\nnot a metric at all\nfine 1\nbad{x=} x\nbroken{x="} 1\n{} 1\n9a 1\nstamp 1 later\r\n';
  assert.equal(mergeExpositions('own 1\n', app, false), 'own 1\nfine 1\nstamp 1 later\n');
});

test('an app that sends what no app sends costs its own length and no more', () => {
  const app = [
    `a{x="${'y'.repeat(100_000)}"} 1`,
    `b${' '.repeat(60_000)}c d e`,
    'fine 1',
    `# TYPE ${'h'.repeat(70_000)} histogram`,
  ];
  assert.equal(mergeExpositions('own 1\n', app.join('\n'), false), 'own 1\nfine 1\n');
  const many = Array.from({ length: 300_000 }, (_, i) => `m${i} 1`).join('\n');
  let pieces = 0;
  for (const piece of mergePieces(['own 1\n'], { bytes: Buffer.from(many), openMetrics: false })) {
    pieces++;
    assert.ok(piece.length < 64 << 10);
  }
  assert.ok(pieces > 1_000, `${pieces} pieces`);
});
