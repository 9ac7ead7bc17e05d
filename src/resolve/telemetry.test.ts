// Which Telemetry counts for a workload, of the whole mesh, of its namespace, of itself: Istio's order, as a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DirectionTelemetry, TelemetrySettings } from '../model/index.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveInbound } from './index.ts';

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: shop, labels: {app: cart}}
spec: {containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}]}
`;

const providers = `
extensionProviders:
- {name: lines, envoyFileAccessLog: {path: /dev/stderr}}
- {name: zipkin, zipkin: {service: zipkin.istio-system.svc.cluster.local, port: 9411}}
- {name: otel, opentelemetry: {service: otel.istio-system.svc.cluster.local, port: 4318, http: {path: /v1/traces}}}
`;

function settings(mesh: string, ...telemetry: readonly Told[]): TelemetrySettings | undefined {
  const config = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: ${JSON.stringify(providers + mesh)}
`;
  const objects = telemetry.map(
    ({ at, spec, selector, name = 'x', created = '2026-01-01T00:00:00Z' }) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: ${name}, namespace: ${at}, creationTimestamp: "${created}"}
spec: ${JSON.stringify({ ...(selector && { selector: { matchLabels: selector } }), ...spec })}
`,
  );
  const { mesh: made } = meshFromYaml([pod, config, ...objects].join('---\n'));
  return resolveInbound(made, 'shop/cart-1').resource!.telemetry;
}

interface Told {
  readonly at: string;
  readonly spec: object;
  readonly selector?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly created?: string;
}

const mesh = (spec: object): Told => ({ at: 'istio-system', spec });
const namespaced = (spec: object): Told => ({ at: 'shop', spec, name: 'ns' });
const own = (spec: object): Told => ({ at: 'shop', spec, selector: { app: 'cart' }, name: 'own' });

/** What of it a case is about, in few words. */
function told({ accessLogs, tracing, metrics }: DirectionTelemetry): object {
  return {
    ...(accessLogs && {
      logs: accessLogs.map(
        ({ provider, filter }) => `${provider.name}${filter === undefined ? '' : ` ${filter}`}`,
      ),
    }),
    ...(tracing && {
      spans: `${tracing.provider.name} ${tracing.disabled ? 'off' : tracing.samplingPercent}`,
    }),
    ...(metrics && {
      metrics: metrics.map(
        ({ metric, disabled, tags }) =>
          `${metric}${disabled ? ' off' : ''} ${tags.map(tag => `${tag.name}=${tag.expression ?? '-'}`).join()}`,
      ),
    }),
  };
}

const logTo = (...names: readonly string[]): object => ({
  accessLogging: [{ providers: names.map(name => ({ name })) }],
});
const sample = (percent: number, provider?: string): object => ({
  tracing: [
    { randomSamplingPercentage: percent, ...(provider !== undefined && { providers: [{ name: provider }] }) },
  ],
});
const tag = (metric: string, name: string, value: string | undefined, mode = 'SERVER'): object => ({
  metrics: [
    {
      overrides: [
        {
          match: { metric, mode },
          tagOverrides: { [name]: value === undefined ? { operation: 'REMOVE' } : { value } },
        },
      ],
    },
  ],
});

const cases: readonly {
  readonly name: string;
  readonly mesh?: string;
  readonly objects: readonly Told[];
  readonly inbound: object;
  readonly outbound?: object;
}[] = [
  {
    name: 'accessLogFile logs everything',
    mesh: 'accessLogFile: /dev/stdout',
    objects: [],
    inbound: { logs: ['accessLogFile'] },
  },
  {
    name: 'a default provider goes before accessLogFile',
    mesh: 'accessLogFile: /dev/stdout\ndefaultProviders: {accessLogging: [lines]}',
    objects: [],
    inbound: { logs: ['lines'] },
  },
  { name: 'logs: the mesh', objects: [mesh(logTo('envoy'))], inbound: { logs: ['envoy'] } },
  {
    name: 'logs: the namespace in place of the mesh',
    objects: [mesh(logTo('envoy')), namespaced(logTo('lines'))],
    inbound: { logs: ['lines'] },
  },
  {
    name: 'logs: the workload in place of the namespace',
    objects: [mesh(logTo('envoy')), namespaced(logTo('lines')), own(logTo('envoy', 'lines'))],
    inbound: { logs: ['envoy', 'lines'] },
  },
  {
    name: "logs: a narrower object without providers keeps the wider one's",
    objects: [
      mesh(logTo('lines')),
      own({ accessLogging: [{ filter: { expression: 'response.code >= 500' } }] }),
    ],
    inbound: { logs: ['lines response.code >= 500'] },
  },
  {
    name: 'logs: disabled for the workload, on one side only',
    mesh: 'accessLogFile: /dev/stdout',
    objects: [own({ accessLogging: [{ match: { mode: 'CLIENT' }, disabled: true }] })],
    inbound: { logs: ['accessLogFile'] },
    outbound: { logs: [] },
  },
  {
    name: 'logs: a provider that nobody has is none',
    objects: [own(logTo('nobody'))],
    inbound: { logs: [] },
  },
  {
    name: "tracing: the mesh's settings alone",
    mesh: 'defaultConfig: {tracing: {zipkin: {address: "z:9411"}, sampling: 50}}',
    objects: [],
    inbound: { spans: 'defaultConfig.tracing.zipkin 50' },
  },
  {
    name: 'tracing: switched off for the mesh',
    mesh: 'enableTracing: false\ndefaultConfig: {tracing: {zipkin: {address: "z:9411"}}}',
    objects: [],
    inbound: {},
  },
  {
    name: 'tracing: 1 % unless told',
    mesh: 'defaultProviders: {tracing: [zipkin]}',
    objects: [],
    inbound: { spans: 'zipkin 1' },
  },
  {
    name: 'tracing: field by field, the narrowest that says it',
    objects: [
      mesh(sample(10, 'zipkin')),
      namespaced(sample(20)),
      own({ tracing: [{ providers: [{ name: 'otel' }] }] }),
    ],
    inbound: { spans: 'otel 20' },
  },
  {
    name: 'tracing: none reported from the server side of one workload',
    objects: [
      mesh(sample(10, 'zipkin')),
      own({ tracing: [{ match: { mode: 'SERVER' }, disableSpanReporting: true }] }),
    ],
    inbound: { spans: 'zipkin off' },
    outbound: { spans: 'zipkin 10' },
  },
  { name: 'tracing: a percentage without a provider is nothing', objects: [mesh(sample(10))], inbound: {} },
  {
    name: 'metrics: all scopes add up, the narrower over the wider',
    objects: [
      mesh(tag('REQUEST_COUNT', 'a', 'request.host')),
      namespaced(tag('REQUEST_COUNT', 'b', 'request.method')),
      own(tag('REQUEST_COUNT', 'a', undefined)),
    ],
    inbound: { metrics: ['REQUEST_COUNT a=-,b=request.method'] },
    outbound: {},
  },
  {
    name: 'metrics: disabled, and enabled again by the workload',
    objects: [
      mesh({ metrics: [{ overrides: [{ match: { metric: 'REQUEST_SIZE' }, disabled: true }] }] }),
      own({
        metrics: [{ overrides: [{ match: { metric: 'REQUEST_SIZE', mode: 'SERVER' }, disabled: false }] }],
      }),
    ],
    inbound: {},
    outbound: { metrics: ['REQUEST_SIZE off '] },
  },
  {
    name: 'metrics: another provider is no business of proxies',
    objects: [own({ metrics: [{ providers: [{ name: 'stackdriver' }], overrides: [{ disabled: true }] }] })],
    inbound: {},
  },
  {
    name: 'of two for one namespace the oldest counts',
    objects: [
      { ...namespaced(logTo('lines')), name: 'young', created: '2026-02-01T00:00:00Z' },
      { ...namespaced(logTo('envoy')), name: 'old' },
    ],
    inbound: { logs: ['envoy'] },
  },
  {
    name: 'of two that select a workload the oldest counts',
    objects: [
      { ...own(logTo('lines')), name: 'young', created: '2026-02-01T00:00:00Z' },
      { ...own(logTo('envoy')), name: 'old' },
    ],
    inbound: { logs: ['envoy'] },
  },
  {
    name: 'a selector that does not match says nothing',
    objects: [{ ...own(logTo('lines')), selector: { app: 'other' } }],
    inbound: {},
  },
  {
    name: 'a selector in the namespace of the mesh is for pods there',
    objects: [{ at: 'istio-system', selector: { app: 'cart' }, spec: logTo('lines') }],
    inbound: {},
  },
];

for (const { name, mesh: config = '', objects, inbound, outbound = inbound } of cases) {
  test(name, () => {
    const found = settings(config, ...objects);
    assert.deepEqual(told(found?.inbound ?? {}), inbound);
    assert.deepEqual(told(found?.outbound ?? {}), outbound);
  });
}

test('a workload that nobody says anything about has no field for it', () => {
  assert.equal(settings(''), undefined);
  const { mesh: made } = meshFromYaml(pod);
  assert.ok(!('telemetry' in resolveInbound(made, 'shop/cart-1').resource!));
});

test('redaction keeps what it does not say', () => {
  assert.deepEqual(settings('redaction: {query: ["*"]}')?.redaction, {
    headers: ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'],
    query: ['*'],
  });
});

test('a DestinationRule says how a collector is called, as of any other host; settings of its own go before', () => {
  const config = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: ${JSON.stringify(`${providers}defaultProviders: {tracing: [otel]}\ndefaultConfig: {tracing: {zipkin: {address: "zipkin.ops:9411"}, tlsSettings: {mode: SIMPLE, sni: own.example}}}\n`)}
`;
  const rule = (namespace: string, name: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  host: otel.istio-system.svc.cluster.local
  exportTo: [".", "istio-system"]
  trafficPolicy: {tls: {mode: SIMPLE, sni: ${name}.example, caCertificates: /etc/ca.pem}}
`;
  const provider = (...objects: string[]) => {
    const { mesh: made } = meshFromYaml([pod, config, ...objects].join('---\n'));
    return resolveInbound(made, 'shop/cart-1').resource!.telemetry!.inbound.tracing!.provider;
  };
  assert.equal(provider().tls, undefined);
  assert.equal(provider(rule('bank', 'theirs')).tls, undefined);
  assert.deepEqual(provider(rule('shop', 'ours')).tls, {
    ...{ mode: 'simple', serverName: 'ours.example', caFile: '/etc/ca.pem' },
  });
  const byDefault = config.replace('defaultProviders: {tracing: [otel]}\\n', '');
  const { mesh: made } = meshFromYaml([pod, byDefault].join('---\n'));
  assert.deepEqual(resolveInbound(made, 'shop/cart-1').resource!.telemetry!.inbound.tracing!.provider.tls, {
    ...{ mode: 'simple', serverName: 'own.example' },
  });
});
