import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inject } from '../inject.ts';
import { injectOptions } from '../options.ts';
import type { PodTemplate } from '../pod.ts';
import { uninject } from '../uninject.ts';

const accepting = injectOptions({ injectByDefault: true, acceptOtherMeshes: true });
const strange = injectOptions({ injectByDefault: true });

function pod(annotations: Readonly<Record<string, string>>): PodTemplate {
  return { metadata: { annotations }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
}

function run(annotations: Readonly<Record<string, string>>, options = accepting, around = {}) {
  return inject(pod(annotations), { namespace: 'shop', ...around }, options);
}

/** What the packet rules are told, without `init`. */
function rules(annotations: Readonly<Record<string, string>>, around = {}): readonly string[] | string {
  const result = run(annotations, accepting, around);
  if (result.kind !== 'injected') return JSON.stringify(result);
  const init = result.pod.spec.initContainers?.find(({ name }) => name === 'weft-init');
  return init === undefined ? 'no packet rules' : (init.args ?? []).slice(1);
}

function refusal(annotations: Readonly<Record<string, string>>): string | undefined {
  const result = run(annotations);
  return result.kind === 'refused' ? result.problems.map(({ message }) => message).join('; ') : undefined;
}

const traffic = 'traffic.sidecar.istio.io/';

test("annotations of other meshes about traffic become Weft's own, those of several meshes together", () => {
  const cases: [Record<string, string>, readonly string[] | string][] = [
    [{ [`${traffic}excludeOutboundPorts`]: '3306, 6379' }, ['--skip-outbound-ports=3306,6379']],
    [{ [`${traffic}excludeOutboundPorts`]: '0,25' }, ['--skip-outbound-ports=25']],
    [{ [`${traffic}excludeOutboundPorts`]: '' }, []],
    [{ [`${traffic}excludeInboundPorts`]: '9100' }, ['--skip-inbound-ports=9100']],
    [{ [`${traffic}excludeOutboundIPRanges`]: '10.1.0.0/16' }, ['--skip-outbound-cidrs=10.1.0.0/16']],
    [{ [`${traffic}includeOutboundIPRanges`]: '*' }, []],
    [{ [`${traffic}includeOutboundIPRanges`]: '' }, ['--only-outbound-cidrs=none']],
    [{ [`${traffic}includeOutboundIPRanges`]: '10.96.0.0/12' }, ['--only-outbound-cidrs=10.96.0.0/12']],
    // All addresses are included unless told, so that ports add nothing.
    [{ [`${traffic}includeOutboundPorts`]: '80' }, []],
    [
      { [`${traffic}includeOutboundIPRanges`]: '', [`${traffic}includeOutboundPorts`]: '80' },
      ['--only-outbound-cidrs=none', '--only-outbound-ports=80'],
    ],
    [{ [`${traffic}includeOutboundIPRanges`]: '', [`${traffic}includeOutboundPorts`]: '*' }, []],
    [{ [`${traffic}includeInboundPorts`]: '8080' }, ['--only-inbound-ports=8080']],
    [{ [`${traffic}includeInboundPorts`]: '' }, ['--only-inbound-ports=none']],
    // Ports of the sidecar itself are never intercepted; Istio includes them without a word.
    [{ [`${traffic}includeInboundPorts`]: '8080,15020' }, ['--only-inbound-ports=8080']],
    [
      { [`${traffic}includeInboundPorts`]: '8080', [`${traffic}excludeInboundPorts`]: '8080' },
      ['--only-inbound-ports=8080'],
    ],
    [
      {
        [`${traffic}includeOutboundIPRanges`]: '10.1.2.0/24,10.9.0.0/16',
        [`${traffic}excludeOutboundIPRanges`]: '10.1.0.0/16',
      },
      ['--skip-outbound-cidrs=10.1.0.0/16', '--only-outbound-cidrs=10.9.0.0/16'],
    ],
    [{ 'config.linkerd.io/skip-inbound-ports': '25,8000-8100' }, ['--skip-inbound-ports=25,8000-8100']],
    [{ 'config.linkerd.io/skip-subnets': '10.1.0.0/16' }, ['--skip-outbound-cidrs=10.1.0.0/16']],
    [
      { 'consul.hashicorp.com/transparent-proxy-exclude-inbound-ports': '8200' },
      ['--skip-inbound-ports=8200'],
    ],
    [
      { 'consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs': '10.1.0.0/16' },
      ['--skip-outbound-cidrs=10.1.0.0/16'],
    ],
    [
      {
        [`${traffic}excludeOutboundPorts`]: '3306',
        'config.linkerd.io/skip-outbound-ports': '4222',
        'consul.hashicorp.com/transparent-proxy-exclude-outbound-ports': '5432',
      },
      ['--skip-outbound-ports=3306,4222,5432'],
    ],
    [
      { [`${traffic}excludeOutboundPorts`]: '3306', 'weft.dev/skip-outbound-ports': '1' },
      ['--skip-outbound-ports=1'],
    ],
    [{ 'sidecar.istio.io/interceptionMode': 'REDIRECT' }, []],
    [{ 'sidecar.istio.io/interceptionMode': 'TPROXY' }, ['--client-addresses=keep']],
    [{ 'sidecar.istio.io/interceptionMode': 'TPROXY', 'weft.dev/client-addresses': 'replace' }, []],
    [
      {
        'proxy.istio.io/config': 'interceptionMode: TPROXY',
        'sidecar.istio.io/interceptionMode': 'REDIRECT',
      },
      [],
    ],
    [{ 'sidecar.istio.io/interceptionMode': 'NONE' }, 'no packet rules'],
    [{ 'proxy.istio.io/config': 'interceptionMode: NONE' }, 'no packet rules'],
    [
      { 'proxy.istio.io/config': 'interceptionMode: NONE', 'sidecar.istio.io/interceptionMode': 'REDIRECT' },
      [],
    ],
  ];
  for (const [annotations, wanted] of cases)
    assert.deepEqual(rules(annotations), wanted, JSON.stringify(annotations));
});

test("a namespace hands Linkerd's annotations down to its pods, whose own go over them; Istio's it does not", () => {
  const around = {
    namespaceAnnotations: {
      'config.linkerd.io/skip-outbound-ports': '25',
      [`${traffic}excludeOutboundPorts`]: '26',
    },
  };
  assert.deepEqual(rules({}, around), ['--skip-outbound-ports=25']);
  assert.deepEqual(rules({ 'config.linkerd.io/skip-outbound-ports': '27' }, around), [
    '--skip-outbound-ports=27',
  ]);
});

test('what Istio, Linkerd or Consul would refuse is refused, with the annotation and what to write', () => {
  const cases: [string, string, RegExp][] = [
    [`${traffic}excludeOutboundPorts`, '80,,443', /"" is no port/],
    [`${traffic}excludeOutboundPorts`, '8000-8100', /"8000-8100" is no port/],
    [`${traffic}excludeInboundPorts`, '70000', /"70000" is no port/],
    [`${traffic}includeInboundPorts`, 'http', /"http" is no port/],
    [`${traffic}includeOutboundPorts`, '-1', /"-1" is no port/],
    [`${traffic}excludeOutboundIPRanges`, '*', /"\*" is no block/],
    [`${traffic}excludeOutboundIPRanges`, '10.1.0.1', /"10.1.0.1" is no block/],
    [`${traffic}excludeOutboundIPRanges`, '10.1.0.0/16, 10.2.0.0/16', /" 10.2.0.0\/16" is no block/],
    [`${traffic}includeOutboundIPRanges`, '10.1.0.0/33', /"10.1.0.0\/33" is no block/],
    ['sidecar.istio.io/interceptionMode', 'redirect', /write REDIRECT, TPROXY/],
    ['sidecar.istio.io/proxyCPU', 'much', /quantity/],
    ['prometheus.istio.io/merge-metrics', 'yes', /neither true nor false/],
    ['proxy.istio.io/config', '- a', /no map/],
    ['proxy.istio.io/config', 'holdApplicationUntilProxyStarts: 3', /holdApplicationUntilProxyStarts/],
    ['proxy.istio.io/config', 'concurrency: -1', /concurrency/],
    ['config.linkerd.io/skip-outbound-ports', '25,smtp', /"smtp" is no port/],
    ['config.linkerd.io/proxy-await', 'maybe', /enabled or disabled/],
    ['consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs', '10.0.0.0/99', /no block/],
  ];
  for (const [key, value, words] of cases) {
    const got = refusal({ [key]: value });
    assert.match(got ?? 'not refused', words, `${key}: ${value}`);
    assert.ok(got?.includes(key), got);
    // Nobody reads them where their mesh is not accepted, so nobody is held up by them.
    assert.equal(run({ [key]: value }, strange).kind, 'injected', key);
  }
});

test("inbound ports that another mesh excludes are written on the pod in Weft's words, which peers go by", () => {
  const annotations = {
    [`${traffic}excludeInboundPorts`]: '9100',
    'config.linkerd.io/skip-inbound-ports': '25',
  };
  const result = run(annotations);
  assert.ok(result.kind === 'injected');
  assert.equal(result.pod.metadata?.annotations?.['weft.dev/skip-inbound-ports'], '9100,25');
  const back = uninject(result.pod);
  assert.deepEqual(back.kind === 'uninjected' && back.pod, pod(annotations));
  const again = inject(result.pod, { namespace: 'shop' }, accepting);
  assert.equal(again.kind === 'skipped' && again.code, 'already-injected');
});

test('settings of the sidecar that are no packet rules are obeyed too', () => {
  const proxyOf = (annotations: Record<string, string>) => {
    const result = run(annotations);
    assert.equal(result.kind, 'injected', JSON.stringify(result));
    return (result as { pod: PodTemplate }).pod.spec.containers[0]!;
  };
  assert.equal(proxyOf({}).lifecycle !== undefined, true);
  for (const off of [
    { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: no' },
    { 'config.linkerd.io/proxy-await': 'disabled' },
  ])
    assert.equal(proxyOf(off as never).lifecycle, undefined);
  assert.deepEqual(
    proxyOf({ 'sidecar.istio.io/proxyCPULimit': '2', 'sidecar.istio.io/proxyMemory': '1Gi' }).resources,
    { requests: { cpu: '10m', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } },
  );
  const level = proxyOf({ 'config.linkerd.io/proxy-log-level': 'linkerd=info,warn' }).env;
  assert.equal(level?.find(({ name }) => name === 'WEFT_LOG_LEVEL')?.value, 'warn');
});

test('where a mesh is not accepted its annotations change nothing and are named, with what to write instead', () => {
  const annotations = {
    [`${traffic}excludeOutboundPorts`]: '3306',
    'sidecar.istio.io/bootstrapOverride': 'x',
    'sidecar.istio.io/inject': 'false',
    'sidecar.istio.io/status': '{}',
    'config.linkerd.io/skip-inbound-ports': '25',
    'traffic.kuma.io/exclude-outbound-ports': '1',
  };
  const result = run(annotations, strange);
  assert.equal(result.kind, 'injected');
  const messages = result.kind === 'injected' ? result.warnings.map(({ message }) => message) : [];
  assert.equal(messages.length, 3);
  assert.match(
    messages[0]!,
    /^annotations of Istio have no effect here: .*excludeOutboundPorts \(write weft\.dev\/skip-outbound-ports\)/,
  );
  assert.match(
    messages[0]!,
    /bootstrapOverride.*sidecar\.istio\.io\/inject=false \(write weft\.dev\/inject: disabled\)/,
  );
  assert.match(messages[0]!, /--accept-labels istio/);
  assert.doesNotMatch(messages[0]!, /status/);
  assert.match(messages[1]!, /of Linkerd/);
  assert.match(messages[2]!, /of Kuma .*take them out/);
  const bare = run({}, strange);
  const without = (pod: PodTemplate) => ({ ...pod, metadata: undefined });
  assert.deepEqual(
    result.kind === 'injected' && without(result.pod),
    bare.kind === 'injected' && without(bare.pod),
  );
});

test('a mesh that is accepted is obeyed while another one is named', () => {
  const options = injectOptions({
    injectByDefault: true,
    acceptOtherMeshes: true,
    acceptedMeshes: ['linkerd'],
  });
  const result = run(
    { [`${traffic}excludeOutboundPorts`]: '1', 'config.linkerd.io/skip-outbound-ports': '2' },
    options,
  );
  assert.ok(result.kind === 'injected');
  const init = result.pod.spec.initContainers?.find(({ name }) => name === 'weft-init');
  assert.deepEqual(init?.args?.slice(1), ['--skip-outbound-ports=2']);
  assert.match(result.warnings[0]!.message, /of Istio have no effect here/);
});

test('an annotation of an accepted mesh that has no counterpart is named', () => {
  const result = run({
    'consul.hashicorp.com/envoy-extra-args': '--x',
    'sidecar.istio.io/rewriteAppHTTPProbers': 'flase',
    'proxy.istio.io/config': 'tracing: {}',
  });
  assert.ok(result.kind === 'injected');
  const text = result.warnings.map(({ message }) => message).join('\n');
  assert.match(text, /envoy-extra-args of Consul has no effect/);
  assert.match(text, /"flase" is neither true nor false, and is passed over, as Istio does/);
  assert.match(text, /proxy\.istio\.io\/config: tracing has no counterpart/);
});

test("Consul's users and pods without a transparent proxy are obeyed, also by the label of a namespace", () => {
  const consul = 'consul.hashicorp.com/';
  assert.deepEqual(rules({ [`${consul}transparent-proxy-exclude-uids`]: '6000, 7000' }), [
    '--skip-outbound-uids=6000,7000',
  ]);
  assert.match(
    refusal({ [`${consul}transparent-proxy-exclude-uids`]: 'envoy' }) ?? '',
    /"envoy" is no user id/,
  );
  assert.equal(rules({ [`${consul}transparent-proxy`]: 'false' }), 'no packet rules');
  assert.match(refusal({ [`${consul}transparent-proxy`]: 'no' }) ?? '', /is neither true nor false/);
  const around = { namespaceLabels: { [`${consul}transparent-proxy`]: 'false' } };
  assert.equal(rules({}, around), 'no packet rules');
  assert.deepEqual(rules({ [`${consul}transparent-proxy`]: 'true' }, around), []);
  assert.equal(
    rules({ [`${consul}transparent-proxy`]: 'true', 'weft.dev/redirection': 'none' }),
    'no packet rules',
  );
});

test("Istio's nativeSidecar goes over what the mesh does, where the cluster can", () => {
  const mode = (value: string, more: object): string => {
    const options = injectOptions({ injectByDefault: true, acceptOtherMeshes: true, ...more });
    const result = run({ 'sidecar.istio.io/nativeSidecar': value }, options);
    assert.ok(result.kind === 'injected');
    const words = result.warnings.map(({ message }) => message).join();
    const { containers, initContainers } = result.pod.spec;
    const isNative = (initContainers ?? []).some(({ name }) => name === 'weft-proxy');
    assert.notEqual(
      isNative,
      containers.some(({ name }) => name === 'weft-proxy'),
    );
    return `${isNative ? 'native' : 'classic'}${words === '' ? '' : `: ${words}`}`;
  };
  assert.equal(mode('true', {}), 'native');
  assert.equal(mode('true', { canRunNative: true }), 'native');
  assert.equal(mode('false', { nativeSidecar: true }), 'classic');
  assert.match(
    mode('true', { canRunNative: false }),
    /^classic: a native sidecar is asked for, .*this cluster has not/,
  );
  assert.match(mode('maybe', { nativeSidecar: true }), /^native: .*neither true nor false/);
});

test("Istio's no on a namespace goes before its yes on a pod, and not before Weft's", () => {
  const decided = (labels: Record<string, string>, more: Record<string, string> = {}): string => {
    const template = { ...pod({}), metadata: { labels } };
    const namespaceLabels = { 'istio-injection': 'disabled', ...more };
    const result = inject(template, { namespace: 'shop', namespaceLabels }, accepting);
    return result.kind === 'skipped' ? result.reason : result.kind;
  };
  const no = 'disabled by namespace shop label istio-injection=disabled';
  assert.equal(decided({ 'istio.io/rev': 'canary' }), no);
  assert.equal(decided({ 'sidecar.istio.io/inject': 'true' }), no);
  assert.equal(decided({ 'istio.io/rev': 'canary', 'weft.dev/inject': 'enabled' }), 'injected');
  assert.equal(decided({ 'istio.io/rev': 'canary' }, { 'weft.dev/inject': 'enabled' }), 'injected');
  const linkerd = { 'istio.io/rev': 'canary', 'linkerd.io/inject': 'enabled' };
  assert.equal(decided(linkerd), 'injected');
});
