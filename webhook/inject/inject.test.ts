import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppProbes } from '../../src/config/index.ts';
import { parseQuantity } from '../../src/model/index.ts';
import { ACCESS_LOG_MODES } from '../../src/telemetry/access-log.ts';
import { LOG_LEVELS as TELEMETRY_LEVELS } from '../../src/telemetry/log.ts';
import { type InjectResult, inject } from './inject.ts';
import { injectOptions } from './options.ts';
import type { Container, PodTemplate } from './pod.ts';
import { ACCESS_LOGS, LOG_LEVELS } from './settings.ts';
import { uninject } from './uninject.ts';

const options = injectOptions({ injectByDefault: true });
const context = { namespace: 'shop' };

function podWith(container: Partial<Container>, metadata?: PodTemplate['metadata']): PodTemplate {
  return { ...(metadata ? { metadata } : {}), spec: { containers: [{ name: 'app', ...container }] } };
}

function injected(result: InjectResult): PodTemplate {
  assert.equal(result.kind, 'injected', JSON.stringify(result));
  return (result as { pod: PodTemplate }).pod;
}

function variable(pod: PodTemplate, name: string): string | undefined {
  return pod.spec.containers[0]?.env?.find(entry => entry.name === name)?.value;
}

/** What a newer writer of the pod did: the same pod with the app's container changed. */
function edited(pod: PodTemplate, change: Partial<Container>): PodTemplate {
  const containers = pod.spec.containers.map(entry =>
    entry.name === 'app' ? { ...entry, ...change } : entry,
  );
  return { ...pod, spec: { ...pod.spec, containers } };
}

test('a probe that was edited after injection is the one that counts', () => {
  const pod = injected(inject(podWith({ readinessProbe: { tcpSocket: { port: 80 } } }), context, options));
  const newer = edited(pod, {
    readinessProbe: { httpGet: { path: '/new', port: 81 }, periodSeconds: 7 } as never,
  });
  const again = injected(inject(newer, context, options));
  const probes = JSON.parse(variable(again, 'WEFT_PROBES') ?? '') as AppProbes;
  assert.deepEqual(probes['/app-health/app/readyz']?.httpGet, { path: '/new', port: 81, scheme: 'HTTP' });
  const back = uninject(again);
  assert.deepEqual(
    back.kind === 'uninjected' && back.pod,
    podWith({ readinessProbe: { httpGet: { path: '/new', port: 81 }, periodSeconds: 7 } as never }),
  );
});

test('the timing of a rewritten probe may be edited and survives', () => {
  const pod = injected(inject(podWith({ livenessProbe: { grpc: { port: 80 } } }), context, options));
  const probe = pod.spec.containers[1]?.livenessProbe;
  const back = uninject(edited(pod, { livenessProbe: { ...probe, timeoutSeconds: 9 } }));
  assert.deepEqual(
    back.kind === 'uninjected' && back.pod,
    podWith({ livenessProbe: { grpc: { port: 80 }, timeoutSeconds: 9 } }),
  );
});

test('an annotation that was changed after injection is kept', () => {
  const pod = injected(inject(podWith({}), context, options));
  const annotations = { ...pod.metadata?.annotations, 'prometheus.io/scrape': 'false' };
  const back = uninject({ ...pod, metadata: { ...pod.metadata, annotations } });
  assert.deepEqual(back.kind === 'uninjected' && back.pod.metadata?.annotations, {
    'prometheus.io/scrape': 'false',
  });
});

test('what the API server filled into an injected pod does not make it refused or doubled', () => {
  const pod = injected(inject(podWith({ readinessProbe: { httpGet: { port: 80 } } }), context, options));
  const mount = { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  const filled = (list: readonly Container[]) =>
    list.map(entry => ({
      terminationMessagePath: '/dev/termination-log',
      ...entry,
      volumeMounts: [...(entry.volumeMounts ?? []), mount],
    }));
  const spec = {
    ...pod.spec,
    dnsPolicy: 'ClusterFirst',
    containers: filled(pod.spec.containers),
    initContainers: filled(pod.spec.initContainers ?? []),
    volumes: [...(pod.spec.volumes ?? []), { name: 'kube-api-access-x', projected: {} }],
  };
  const again = injected(inject({ ...pod, spec }, context, options));
  assert.deepEqual(
    again.spec.containers.map(({ name }) => name),
    ['weft-proxy', 'app'],
  );
  assert.equal(again.spec.initContainers?.length, 1);
  assert.equal(variable(again, 'WEFT_PROBES'), variable(pod, 'WEFT_PROBES'));
});

test('a container that another webhook put in front stays, and the proxy comes first again', () => {
  const pod = injected(inject(podWith({}), context, options));
  const late = { name: 'late' };
  const spec = {
    ...pod.spec,
    containers: [late, ...pod.spec.containers],
    initContainers: [...pod.spec.initContainers!, late],
  };
  const again = injected(inject({ ...pod, spec }, context, options));
  assert.deepEqual(
    again.spec.containers.map(({ name }) => name),
    ['weft-proxy', 'late', 'app'],
  );
  assert.deepEqual(
    again.spec.initContainers?.map(({ name }) => name),
    ['late', 'weft-init'],
  );
});

test('what looks like a variable in a probe reaches the proxy as it was written', () => {
  const path = '/ready?of=$(POD_NAME)&price=$5';
  const pod = injected(
    inject(podWith({ readinessProbe: { httpGet: { path, port: 80 } } }), context, options),
  );
  // The kubelet turns $$( into $( and leaves every other dollar alone.
  const seen = variable(pod, 'WEFT_PROBES')?.replaceAll('$$(', '$(');
  assert.equal((JSON.parse(seen ?? '') as AppProbes)['/app-health/app/readyz']?.httpGet?.path, path);
  assert.match(variable(pod, 'WEFT_PROBES') ?? '', /\$\$\(POD_NAME\)/);
});

test('a pod that is disabled but still carries an injection is told so', () => {
  const pod = injected(inject(podWith({}), context, options));
  const result = inject(
    { ...pod, metadata: { ...pod.metadata, labels: { 'weft.dev/inject': 'disabled' } } },
    context,
    options,
  );
  assert.equal(result.kind, 'skipped');
  assert.match(result.kind === 'skipped' ? result.reason : '', /weft uninject takes it out/);
});

test('a status that names fields of every object changes nothing but what it may', () => {
  const status = {
    ...{
      version: '1',
      mode: 'classic',
      image: '',
      initContainers: [],
      containers: [],
      volumes: [],
      annotations: {},
    },
    created: {},
    probes: { __proto__: { httpGet: {} } },
  };
  const forged = podWith(
    { readinessProbe: { httpGet: { path: 'constructor', port: 15020 } } },
    {
      annotations: {
        'weft.dev/status': JSON.stringify(status).replace('"probes":{}', '"probes":{"__proto__":{}}'),
      },
    },
  );
  const back = uninject(forged);
  assert.deepEqual(back.kind === 'uninjected' && back.pod.spec, forged.spec);
  assert.equal(({} as Record<string, unknown>).httpGet, undefined);
});

test('quantities are read as Kubernetes reads them', () => {
  const cases: [string | number, number | undefined][] = [
    ['100m', 0.1],
    ['64Mi', 67_108_864],
    ['1e3', 1000],
    ['1E3', 1000],
    ['1E', 1e18],
    ['.5', 0.5],
    [2, 2],
    ['1 Gi', undefined],
    ['lots', undefined],
    ['', undefined],
    ['1K', undefined],
  ];
  for (const [text, value] of cases) assert.equal(parseQuantity(text), value, String(text));
});

test('the words for logs are those of the proxy', () => {
  assert.deepEqual(LOG_LEVELS, TELEMETRY_LEVELS);
  assert.deepEqual(ACCESS_LOGS, ACCESS_LOG_MODES);
});

test('a pod without packet rules asks for no capability, in none of its containers', () => {
  for (const nativeSidecar of [false, true]) {
    const without = { ...options, nativeSidecar, redirection: 'none' as const };
    const { spec, metadata } = injected(inject(podWith({}), context, without));
    const added = [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => name !== 'app');
    assert.equal(added.length, 1);
    for (const { securityContext, args } of added) {
      const { runAsNonRoot, allowPrivilegeEscalation, capabilities, seccompProfile } =
        securityContext as never;
      assert.deepEqual(
        { runAsNonRoot, allowPrivilegeEscalation, capabilities, seccompProfile },
        {
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      );
      assert.deepEqual(args, ['run', '--no-redirect']);
    }
    assert.equal(metadata?.annotations?.['weft.dev/tunnel-port'], '15006');
    const app = spec.containers.find(({ name }) => name === 'app');
    assert.equal(app?.env?.find(({ name }) => name === 'http_proxy')?.value, 'http://127.0.0.1:15001');
  }
});

test('who follows the remedy for a proxy of one’s own is not told again', () => {
  const codes = (value: string) => {
    const result = inject(podWith({ env: [{ name: 'http_proxy', value }] }), context, {
      ...options,
      redirection: 'none',
    });
    return result.kind === 'injected' && result.warnings.map(({ code }) => code);
  };
  assert.deepEqual(codes('http://proxy.example:3128'), ['proxy-named-already', 'not-redirected']);
  assert.deepEqual(codes('http://127.0.0.1:15001'), ['not-redirected']);
});

test('the pod has the last word on packet rules, whatever the installation says', () => {
  const metadata = { annotations: { 'weft.dev/redirection': 'init' } };
  const { spec } = injected(inject(podWith({}, metadata), context, { ...options, redirection: 'none' }));
  assert.deepEqual(
    spec.initContainers?.map(({ name }) => name),
    ['weft-init'],
  );
});

test('apps that serve are stopped after their traffic; hooks of their own, Jobs and hasty pods are left alone', () => {
  const preStopOf = (container: Partial<Container>, spec: object = {}) => {
    const pod = podWith(container);
    const after = injected(inject({ ...pod, spec: { ...pod.spec, ...spec } }, context, options));
    return after.spec.containers.find(({ name }) => name === 'app')?.lifecycle?.preStop;
  };
  const path = (seconds: number) => ({
    httpGet: { path: `/app-drained?seconds=${seconds}`, port: 15020, scheme: 'HTTP' },
  });
  assert.deepEqual(preStopOf({}), path(10));
  assert.deepEqual(preStopOf({ lifecycle: { postStart: { exec: { command: ['x'] } } } }), path(10));
  assert.deepEqual(preStopOf({}, { terminationGracePeriodSeconds: 10 }), path(3));
  assert.equal(preStopOf({}, { terminationGracePeriodSeconds: 2 }), undefined);
  assert.equal(preStopOf({}, { restartPolicy: 'Never' }), undefined);
  const own = { exec: { command: ['sleep', '5'] } };
  assert.deepEqual(preStopOf({ lifecycle: { preStop: own } }), own);
});

test('a preStop hook that replaced ours since stays when Weft is taken out', () => {
  const mine = { preStop: { exec: { command: ['sleep', '5'] } } };
  const back = uninject(edited(injected(inject(podWith({}), context, options)), { lifecycle: mine }));
  assert.deepEqual(back.kind === 'uninjected' && back.pod, podWith({ lifecycle: mine }));
});

test('where Pod Security forbids packet rules, the pod is told what to write, and one without them is not', () => {
  const said = (level: string, annotations: Record<string, string> = {}, options = {}): string => {
    const template = { metadata: { annotations }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
    const namespaceLabels = { 'pod-security.kubernetes.io/enforce': level };
    const all = injectOptions({ injectByDefault: true, ...options });
    const result = inject(template, { namespace: 'shop', namespaceLabels }, all);
    assert.equal(result.kind, 'injected');
    return result.kind === 'injected' ? result.warnings.map(({ message }) => message).join() : '';
  };
  for (const level of ['baseline', 'restricted'])
    assert.match(
      said(level),
      /^namespace shop enforces the Pod Security level \w+, which refuses weft-init .*write weft\.dev\/redirection: none/,
    );
  assert.equal(said('privileged'), '');
  assert.doesNotMatch(said('restricted', { 'weft.dev/redirection': 'none' }), /Pod Security/);
  assert.doesNotMatch(said('restricted', {}, { redirection: 'none' }), /Pod Security/);
});

test('bounds of HTTP/2 reach the proxy as its pod says them, and what is none refuses the pod', () => {
  const annotations = { 'weft.dev/http2-max-streams': '2000', 'weft.dev/http2-max-headers': '128Ki' };
  const pod = injected(inject(podWith({}, { annotations }), context, options));
  assert.equal(variable(pod, 'WEFT_HTTP2_MAX_STREAMS'), '2000');
  assert.equal(variable(pod, 'WEFT_HTTP2_MAX_HEADERS'), '128Ki');
  const wrong = { 'weft.dev/http2-max-streams': 'many' };
  assert.match(
    JSON.stringify(inject(podWith({}, { annotations: wrong }), context, options)),
    /write auto, or a number from 1 to 99999/,
  );
});

test('the age of connections reaches the proxy as its pod says it, and what is none refuses the pod', () => {
  const annotations = {
    'weft.dev/max-connection-age': '30m',
    'weft.dev/max-connection-age-grace': 'off',
  };
  const pod = injected(inject(podWith({}, { annotations }), context, options));
  assert.equal(variable(pod, 'WEFT_MAX_CONNECTION_AGE'), '30m');
  assert.equal(variable(pod, 'WEFT_MAX_CONNECTION_AGE_GRACE'), 'off');
  const wrong = { 'weft.dev/max-connection-age': 'often' };
  assert.match(
    JSON.stringify(inject(podWith({}, { annotations: wrong }), context, options)),
    /write off, or a duration such as 30m/,
  );
});
