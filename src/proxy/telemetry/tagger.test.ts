import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSettings, TelemetrySettings } from '../../model/index.ts';
import { expositionText, MetricShapes, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { ExchangeRig, GET, OK } from '../testing/exchange-rig.ts';
import { Tagger } from './index.ts';

/** A rig whose metrics are as the settings of its direction have them. */
function shaped(metrics: readonly MetricSettings[]): ExchangeRig {
  const rig = new ExchangeRig();
  const settings: TelemetrySettings = { inbound: {}, outbound: { metrics } };
  const { services, host, log } = rig;
  services.requests.shapes = MetricShapes.of(settings);
  const tagger = Tagger.of(settings, { clock: host.clock, hostname: 'a', self: () => UNKNOWN_PEER }, log);
  services.tagger = tagger;
  if (tagger?.watches === true) services.observers.add(tagger);
  return rig;
}

async function ask(rig: ExchangeRig, head: string, answer: string = OK): Promise<void> {
  await rig.advance(1);
  rig.client().peer.send(GET.replace('\r\n\r\n', `\r\n${head}\r\n\r\n`));
  const dial = rig.host.dials.at(-1)!;
  const upstream = dial.open();
  await rig.settle();
  upstream.send(answer.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  upstream.end();
  await rig.settle();
}

/** Samples of istio_requests_total with one of these labels, and their counts. */
function counts(rig: ExchangeRig, ...names: readonly string[]): Record<string, number> {
  const text = expositionText(out => rig.services.requests.render(out));
  const found: Record<string, number> = {};
  for (const [, labels, value] of text.matchAll(/^istio_requests_total\{(.*)\} (\d+)$/gm)) {
    const shown = names.map(
      name => new RegExp(`(?:^|,)(${name}="[^"]*")`).exec(labels!)?.[1] ?? `no ${name}`,
    );
    found[shown.join(' ')] = Number(value);
  }
  return found;
}

const tagged = (name: string, expression?: string): MetricSettings => ({
  metric: 'REQUEST_COUNT',
  disabled: false,
  tags: [expression === undefined ? { name } : { name, expression }],
});

test('a tag has the value of each request, and of the answer where it asks for that', async () => {
  const rig = shaped([
    {
      metric: 'REQUEST_COUNT',
      disabled: false,
      tags: [
        { name: 'team', expression: "request.headers['x-team']" },
        { name: 'kind', expression: "response.headers['x-kind']" },
      ],
    },
  ]);
  await ask(rig, 'x-team: red', OK.replace('\r\n', '\r\nx-kind: a\r\n'));
  await ask(rig, 'x-team: red', OK.replace('\r\n', '\r\nx-kind: a\r\n'));
  await ask(rig, 'x-team: blue');
  await ask(rig, 'x-other: 1');
  assert.deepEqual(counts(rig, 'team', 'kind'), {
    'team="red" kind="a"': 2,
    'team="blue" kind="unknown"': 1,
    'team="unknown" kind="unknown"': 1,
  });
});

test('metrics that nobody gave the tag are whole, and the sums are the same', async () => {
  const rig = shaped([tagged('team', "request.headers['x-team']")]);
  await ask(rig, 'x-team: red');
  await ask(rig, 'x-team: blue');
  const text = expositionText(out => rig.services.requests.render(out));
  const durations = [...text.matchAll(/^istio_request_duration_milliseconds_count\{(.*)\} (\d+)$/gm)];
  assert.deepEqual(
    durations.map(([, labels, value]) => [labels!.includes('team='), value]),
    [[false, '2']],
  );
});

test('a label of the standard ones is replaced, not doubled', async () => {
  const rig = shaped([tagged('source_app', 'request.method')]);
  await ask(rig, 'x-a: 1');
  assert.deepEqual(counts(rig, 'source_app'), { 'source_app="GET"': 1 });
  const text = expositionText(out => rig.services.requests.render(out));
  assert.equal(/istio_requests_total\{([^}]*)\}/.exec(text)![1]!.split('source_app=').length, 2);
});

test('a tag that is taken away costs nothing by request, and what it told apart is one', async () => {
  const rig = shaped([tagged('response_code')]);
  assert.equal(rig.services.tagger, undefined);
  await ask(rig, 'x-a: 1');
  await ask(rig, 'x-a: 1', 'HTTP/1.1 404 no\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual(counts(rig, 'response_code'), { 'no response_code': 2 });
});

test('a metric that is disabled is not told, and the others are', async () => {
  const rig = shaped([{ metric: 'REQUEST_SIZE', disabled: true, tags: [] }]);
  await ask(rig, 'x-a: 1');
  const text = expositionText(out => rig.services.requests.render(out));
  assert.doesNotMatch(text, /^istio_request_bytes_count/m);
  assert.match(text, /^istio_response_bytes_count/m);
  assert.match(text, /^istio_requests_total/m);
});

test('clients that choose what a tag comes to fill neither memory nor the exposition', async () => {
  const rig = shaped([tagged('path', 'request.path')]);
  const { requests } = rig.services;
  const peer = rig.cluster.endpoints[Symbol.iterator]().next().value!.metrics;
  for (let i = 0; i < 20_000; i++)
    peer.tagged(200, '', { slots: ['path\nrequest.path'], values: [`/${i}`] }).requests++;
  assert.ok(requests.size <= 5001, `${requests.size} series`);
  assert.ok(requests.overflows > 10_000);
  const text = expositionText(out => requests.render(out));
  const counted = [...text.matchAll(/^istio_requests_total\{.*\} (\d+)$/gm)];
  assert.equal(
    counted.reduce((sum, [, value]) => sum + Number(value), 0),
    20_000,
  );
  assert.match(text, /^istio_requests_total\{.*overflow="true".*path="overflow"\} 1\d{4}$/m);
});

test('a quote in a value opens no label', () => {
  const settings: TelemetrySettings = { inbound: {}, outbound: { metrics: [tagged('source_app')] } };
  const shapes = MetricShapes.of(settings)!;
  const labels = 'reporter="source",source_workload="x\\",source_app=\\"y",source_app="z",a="b"';
  assert.equal(
    shapes.labels('istio_requests_total', labels),
    'reporter="source",source_workload="x\\",source_app=\\"y",a="b"',
  );
});
