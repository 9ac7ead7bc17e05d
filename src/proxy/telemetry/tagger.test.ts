import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSettings, TelemetrySettings } from '../../model/index.ts';
import { expositionText, MetricShapes, TcpMetrics, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { closeAll, rawConnection, tcpServer } from '../testing/clients.ts';
import { ExchangeRig, GET, OK } from '../testing/exchange-rig.ts';
import { eventually, redirectedOutbound } from '../testing/redirected.ts';
import { StaticMesh } from '../testing/static-mesh.ts';
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

test('a tag of connections is what it is when they open or fail, and what they open, carry and close is one series', async t => {
  const app = await tcpServer(socket => socket.write('bye'));
  const mesh = new StaticMesh();
  const { plane, log } = mesh.proxy('client');
  const key = '10.0.0.1:80';
  mesh.set({ key, endpoints: [new StaticMesh().plain(app.port)], protocol: 'tcp' });
  const outbound = redirectedOutbound(plane, '10.0.0.1', 80);
  t.after(() => closeAll(outbound, mesh, app));
  const tags = [
    { name: 'to', expression: 'upstream.port' },
    { name: 'path', expression: 'request.path' },
  ];
  const names = ['TCP_OPENED_CONNECTIONS', 'TCP_CLOSED_CONNECTIONS', 'TCP_SENT_BYTES'] as const;
  const metrics = names.map(metric => ({ metric, disabled: false, tags }));
  const settings: TelemetrySettings = { inbound: {}, outbound: { metrics } };
  const { services } = plane;
  const owner = { clock: services.clock, hostname: 'a', self: () => UNKNOWN_PEER };
  const tagger = Tagger.of(settings, owner, log);
  assert.deepEqual([tagger?.tagsRequests, tagger?.tagsSessions, tagger?.watches], [false, true, false]);
  services.sessionTagger = tagger;
  services.tcp.shapes = MetricShapes.of(settings);

  const first = await rawConnection(outbound.port);
  first.write('hello');
  await first.until(connection => connection.text === 'bye');
  first.socket.resetAndDestroy();
  mesh.set({ key, endpoints: [], protocol: 'tcp' });
  const second = await rawConnection(outbound.port);
  await second.until(connection => connection.closed);
  await eventually(() => [...services.tcp.values()].every(series => series.opened === series.closed));

  const text = expositionText(out => services.tcp.render(out));
  const samples = [...text.matchAll(/^istio_tcp_(\w+)_total\{.*,to="(.*?)",path="(.*?)"\} (\d+)$/gm)];
  assert.deepEqual(samples.map(([, ...sample]) => sample.join(' ')).sort(), [
    `connections_closed ${app.port} unknown 1`,
    'connections_closed unknown unknown 1',
    `connections_opened ${app.port} unknown 1`,
    'connections_opened unknown unknown 1',
    `sent_bytes ${app.port} unknown 3`,
    'sent_bytes unknown unknown 0',
  ]);
});

test('tags of connections that clients choose are bounded, and series that are over and idle make room', () => {
  const tcp = new TcpMetrics();
  const peers = { reporter: 'source', source: UNKNOWN_PEER, destination: UNKNOWN_PEER } as const;
  const labels = {
    ...peers,
    service: { host: '', name: '', namespace: '' },
    protocol: 'tcp',
    mutualTls: false,
  } as const;
  for (let i = 0; i < 20_000; i++) {
    const series = tcp.series(labels, '', { slots: ['from\nsource.port'], values: [`${i}`] });
    series.opened++;
    series.closed++;
  }
  assert.ok(tcp.overflows > 0);
  const all = [...tcp.values()];
  assert.ok(all.length <= 5001, `${all.length} series`);
  assert.equal(
    all.reduce((sum, { opened }) => sum + opened, 0),
    20_000,
  );
  tcp.expire(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    [...tcp.values()].map(({ tags }) => tags?.values),
    [['overflow']],
  );
});
