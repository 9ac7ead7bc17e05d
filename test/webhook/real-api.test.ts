// The admission webhook asked by a real API server: labels, selectors, patches, denials, failure policies, dry runs,
// reinvocation.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import type { CertificateAuthority } from '../../src/ca/index.ts';
import { CheckContext, checksFor, runChecks } from '../../src/cli/check/index.ts';
import { compare, nameOf } from '../../src/cli/install/difference.ts';
import { installObjects, installOptions } from '../../src/cli/install/index.ts';
import { optionsOfInstalled } from '../../src/cli/install/installed.ts';
import { findInstalled } from '../../src/cli/kubernetes/installed.ts';
import { pathOf } from '../../src/cli/kubernetes/objects.ts';
import { systemClock } from '../../src/time/index.ts';
import { keeperFor, Recorder } from '../../webhook/admission/testing/admission.ts';
import {
  apiEventSink,
  type InjectOptions,
  injectObject,
  injectOptions,
  type KubeAnswer,
  keepCaBundle,
  namespaceLookup,
  namespacesOf,
  ownerLookup,
  type RunningWebhook,
  readWebhookSettings,
  startWebhook,
  type WebhookSettings,
} from '../../webhook/index.ts';
import {
  type ApiServer,
  collectionOf,
  DEFINITIONS_GONE_SECONDS,
  noApiServer,
  serverVersion,
  startApiServer,
} from './api-server.ts';

type Json = Record<string, unknown>;

const configurationPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector';
const options = installOptions({
  kubernetesVersion: serverVersion(),
  failurePolicy: 'Fail',
  acceptLabels: ['istio', 'linkerd'],
});

describe('the webhook behind a real API server', { skip: noApiServer }, () => {
  let api: ApiServer;
  let webhook: RunningWebhook;
  let authority: CertificateAuthority;
  let settings: WebhookSettings;
  const record = new Recorder();
  const stop = new AbortController();
  let stopWebhook = new AbortController();

  before(async () => {
    api = await startApiServer();
    for (const object of installObjects(options)) await must(api.create(object));
    const made = await keeperFor(['localhost'], stop.signal);
    authority = made.authority;
    settings = installedSettings();
    const start = async () => {
      stopWebhook = new AbortController();
      return startWebhook({
        listen: { host: '127.0.0.1', port: 0 },
        clock: systemClock,
        log: record.log,
        signal: stopWebhook.signal,
        settings: () => settings,
        namespaces: namespaceLookup(api),
        owners: ownerLookup(api, systemClock),
        certificate: made.keeper,
        events: apiEventSink(api, systemClock, 'weft-injector-test'),
        observer: record.observer,
      });
    };
    webhook = await start();
    await callByUrl(api, webhook.port);
    const keeper = keepCaBundle({
      api,
      clock: systemClock,
      log: record.log,
      signal: stop.signal,
      roots: () => authority.roots,
      leads: () => true,
    });
    const [installed] = installObjects(options).filter(({ kind }) => kind === 'MutatingWebhookConfiguration');
    const { length: entries } = (installed as unknown as { webhooks: unknown[] }).webhooks;
    assert.deepEqual(await keeper.check(), { kind: 'right', entries });
    await namespace('shop', { 'weft.dev/inject': 'enabled' });
    await namespace('plain');
    await namespace('istio', { 'istio-injection': 'enabled' });
    await namespace('linkerd', {}, { 'linkerd.io/inject': 'enabled' });
    // The server follows configurations and namespaces by watching.
    await until(async () => proxyIn(await create(pod('shop'), { dryRun: 'All' })));
  });
  after(async () => {
    stopWebhook.abort();
    stop.abort();
    await api?.stop();
  });

  async function namespace(name: string, labels: Json = {}, annotations: Json = {}): Promise<void> {
    await must(api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } }));
    await must(
      api.create({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: name },
      }),
    );
  }

  function create(object: object, query: Record<string, string> = {}): Promise<KubeAnswer> {
    return api.create(object, query);
  }

  test('a pod of a labelled namespace is injected, dry run or not, named or not', async () => {
    assert.ok(proxyIn(await must(create(pod('shop'), { dryRun: 'All' }))));
    assert.ok(proxyIn(await must(create(pod('shop')))));
    const made = await must(create(pod('shop', { metadata: { name: 'named' } })));
    assert.ok(proxyIn(made));
    const { metadata, spec } = made.body as {
      metadata: { annotations: Json };
      spec: { containers: { name: string }[] };
    };
    assert.match(String(metadata.annotations['weft.dev/status']), /"version"/);
    assert.equal(metadata.annotations['kubectl.kubernetes.io/default-container'], 'app');
    assert.deepEqual(
      spec.containers.map(({ name }) => name),
      ['weft-proxy', 'app'],
    );
  });

  test('where Pod Security enforces restricted, a pod without packet rules is admitted and another is told what to write', {
    skip: Number(serverVersion().split('.')[1]) < 25 && 'this server has no Pod Security',
  }, async () => {
    const labels = { 'weft.dev/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
    await namespace('guarded', labels);
    const guarded = (annotations: Json): Promise<KubeAnswer> =>
      create(pod('guarded', { metadata: { annotations }, spec: { containers: [restricted] } }));
    await until(async () => proxyIn(await guarded({ 'weft.dev/redirection': 'none' })));
    const { status, body } = await guarded({});
    assert.equal(status, 403);
    assert.match(JSON.stringify(body), /violates PodSecurity.*weft-init/);
    const event = await until(async () =>
      (await events('guarded')).find(({ message }) => String(message).includes('Pod Security level')),
    );
    assert.match(String(event.message), /write weft\.dev\/redirection: none into the pod template/);
  });

  test('nobody else is injected: other namespaces, opted-out pods, kube-system, the control plane itself', async () => {
    const off = { metadata: { labels: { 'weft.dev/inject': 'disabled' } } };
    assert.equal(proxyIn(await must(create(pod('plain')))), false);
    assert.equal(proxyIn(await must(create(pod('shop', off)))), false);
    for (const system of ['kube-system', 'weft-system']) {
      await must(
        api.create({
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace: system },
        }),
      );
      const asking = { metadata: { labels: { 'weft.dev/inject': 'enabled' } } };
      assert.equal(proxyIn(await must(create(pod(system, asking)))), false, system);
    }
  });

  test('labels of other meshes work as their guides write them', async () => {
    assert.ok(proxyIn(await must(create(pod('istio')))));
    assert.ok(proxyIn(await must(create(pod('linkerd')))));
    const istio = { metadata: { annotations: { 'sidecar.istio.io/inject': 'true' } } };
    assert.ok(proxyIn(await must(create(pod('plain', istio)))));
    const no = { metadata: { annotations: { 'linkerd.io/inject': 'disabled' } } };
    assert.equal(proxyIn(await must(create(pod('linkerd', no)))), false);
  });

  test('a namespace is obeyed from the moment that it is labelled', async () => {
    await namespace('late');
    assert.equal(proxyIn(await must(create(pod('late')))), false);
    const labels = { metadata: { labels: { 'weft.dev/inject': 'enabled' } } };
    const contentType = 'application/merge-patch+json';
    await must(api.request({ method: 'PATCH', path: '/api/v1/namespaces/late', body: labels, contentType }));
    await until(async () => proxyIn(await create(pod('late'))));
  });

  test('a pod that asks for something unreadable is denied with the reason, and its Deployment gets the event', async () => {
    const { metadata } = (await must(create(replicaSet('shop', 'cart-1', 'cart')))).body as {
      metadata: { uid: string };
    };
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'cart-1',
      uid: metadata.uid,
      controller: true,
    };
    const bad = { metadata: { annotations: { 'weft.dev/log-level': 'loud' }, ownerReferences: [owner] } };
    const denied = await create(pod('shop', bad));
    assert.equal(denied.status, 422);
    assert.match(
      message(denied),
      /weft cannot inject this pod: annotation weft.dev\/log-level: "loud".*weft.dev\/inject=disabled/,
    );
    const event = await until(async () =>
      (await events('shop')).find(({ reason }) => reason === 'WeftInjectionRefused'),
    );
    assert.deepEqual(event.involvedObject.kind, 'Deployment');
    assert.equal(event.involvedObject.name, 'cart');
  });

  test('a pod that cannot be in the mesh is created, and the reason is an event', async () => {
    const made = await must(create(pod('shop', { spec: { hostNetwork: true } })));
    assert.equal(proxyIn(made), false);
    const event = await until(async () =>
      (await events('shop')).find(({ reason }) => reason === 'WeftNotInjected'),
    );
    assert.match(event.message, /hostNetwork is true/);
  });

  test("a workload's annotation counts for its pods", async () => {
    const set = replicaSet('shop', 'off-1', 'off', { 'weft.dev/inject': 'disabled' });
    const { metadata } = (await must(create(set))).body as { metadata: { uid: string } };
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'off-1',
      uid: metadata.uid,
      controller: true,
    };
    assert.equal(proxyIn(await must(create(pod('shop', { metadata: { ownerReferences: [owner] } })))), false);
  });

  test('other webhooks before and after ours do no harm: shown again, the pod stays as it is', async () => {
    const before = record.admissions.length;
    // The server calls us again when its own plugins or others changed the pod after us.
    const made = await must(create(pod('shop', { metadata: { name: 'again' } })));
    const containers = (made.body as { spec: { containers: { name: string }[] } }).spec.containers;
    assert.equal(containers.filter(({ name }) => name === 'weft-proxy').length, 1);
    // Twice: the server's own plugin mounts the account's token into containers that came later, ours too.
    assert.deepEqual(record.admissions.slice(before), ['injected injected', 'injected injected']);
    assert.deepEqual(tokenMounts(made), ['app']);
    const again = await must(
      create({
        ...pod('shop'),
        spec: (made.body as Json).spec,
        metadata: {
          ...(made.body as { metadata: Json }).metadata,
          name: 'copy',
          uid: undefined,
          resourceVersion: undefined,
        },
      }),
    );
    assert.deepEqual(
      (again.body as { spec: { containers: unknown } }).spec.containers,
      (made.body as { spec: { containers: unknown } }).spec.containers,
    );
  });

  /** Kinds with pod templates that operators bring, such as Argo's Rollout: no API server has them by itself. */
  function isOfOthers({ apiVersion }: { readonly apiVersion?: unknown }): boolean {
    const [group = '', version] = String(apiVersion).split('/');
    return version !== undefined && group.includes('.') && !group.endsWith('.k8s.io');
  }

  test('every golden result of inject is accepted by the validation of the server', async () => {
    const refused: string[] = [];
    let accepted = 0;
    for (const { name, object } of goldenObjects()) {
      if (isOfOthers(object)) continue;
      const answer = await create(object, { dryRun: 'All' });
      if (answer.status < 300) accepted++;
      else refused.push(`${name}: ${message(answer)}`);
    }
    assert.deepEqual(refused, []);
    assert.ok(accepted > 20, `${accepted} objects`);
  });

  test('weft check finds the webhook well, and only the control plane that is not there', async () => {
    const context = new CheckContext({ server: 'test', request: api.request }, 'weft-system');
    const done = await runChecks(checksFor(false), context);
    const failed = done
      .filter(({ findings }) => findings.some(({ result }) => result === 'error'))
      .map(({ id }) => id);
    // No controllers run here: no replica is ready, and nobody writes weft-trust; the pods of "late" were missed.
    assert.deepEqual(failed, ['control-plane', 'trust', 'uninjected']);
    const uninjected = done.find(({ id }) => id === 'uninjected')!.findings;
    assert.ok(
      uninjected.some(({ remedy }) =>
        /kubectl get pod\/.* -n late -o yaml \| weft inject/.test(remedy ?? ''),
      ),
    );
  });

  test('weft upgrade sees no difference after an installation, caBundle or not', async () => {
    const { objects } = await findInstalled(api);
    const wanted = installObjects(installOptions({ ...optionsOfInstalled(objects) }));
    const differences = wanted.map(object =>
      compare(
        object,
        objects.find(each => nameOf(each) === nameOf(object)),
      ),
    );
    // This test calls the webhook by URL; everything else is as it was printed.
    const changed = differences.filter(({ kind }) => kind !== 'same').map(({ name }) => name);
    assert.deepEqual(changed, ['MutatingWebhookConfiguration weft-injector']);
  });

  test('with the injector down, Fail holds up labelled pods alone, and Ignore nobody', async () => {
    stopWebhook.abort();
    await until(async () => (await create(pod('shop'), { dryRun: 'All' })).status === 500);
    const denied = await create(pod('shop'));
    assert.match(message(denied), /failed calling webhook "namespace.inject.weft.dev"/);
    for (const free of ['plain', 'kube-system', 'weft-system', 'linkerd']) {
      assert.equal(proxyIn(await must(create(pod(free)))), false, free);
    }
    await setFailurePolicy(api, 'Ignore');
    await until(async () => (await create(pod('shop'), { dryRun: 'All' })).status < 300);
    assert.equal(proxyIn(await must(create(pod('shop')))), false);
  });

  test('weft uninstall finds all of it, and after deletion nothing is left', async () => {
    for (const object of (await findInstalled(api)).objects) {
      const answer = await api.request({ method: 'DELETE', path: pathOf(object)! });
      assert.ok(answer.status < 300, message(answer));
    }
    const left = async (): Promise<string[]> => (await findInstalled(api)).objects.map(nameOf);
    // A namespace goes when its controller has emptied it, and there is none here.
    await until(async () => {
      assert.deepEqual(await left(), ['Namespace weft-system']);
      return true;
    }, DEFINITIONS_GONE_SECONDS);
    assert.ok(proxyIn(await must(create(pod('shop')))) === false);
  });

  async function events(where: string) {
    const { body } = await must(api.request({ method: 'GET', path: `/api/v1/namespaces/${where}/events` }));
    return (
      body as { items: { reason: string; message: string; involvedObject: { kind: string; name: string } }[] }
    ).items;
  }
});

/** The settings that weft-injector would read from the installed ConfigMap. */
function installedSettings(): WebhookSettings {
  const map = installObjects(options).find(({ metadata }) => metadata.name === 'weft-injection');
  const { trustDomain, clusterDomain, namespace: systemNamespace } = options;
  const facts = { trustDomain, clusterDomain, systemNamespace, nativeSidecars: false };
  const { 'injection.yaml': text = '' } = (map?.data ?? {}) as Record<string, string>;
  return readWebhookSettings(text, facts).settings!;
}

/** Lets the server call localhost instead of the Service, whose pods do not run here. */
async function callByUrl(api: ApiServer, port: number): Promise<void> {
  const { body } = await must(api.request({ method: 'GET', path: configurationPath }));
  const configuration = body as { webhooks: { clientConfig: { service?: { path: string } } }[] };
  const webhooks = configuration.webhooks.map(webhook => ({
    ...webhook,
    clientConfig: { url: `https://localhost:${port}${webhook.clientConfig.service?.path}` },
  }));
  await must(api.request({ method: 'PUT', path: configurationPath, body: { ...configuration, webhooks } }));
}

async function setFailurePolicy(api: ApiServer, failurePolicy: string): Promise<void> {
  const { body } = await must(api.request({ method: 'GET', path: configurationPath }));
  const configuration = body as { webhooks: object[] };
  const webhooks = configuration.webhooks.map(webhook => ({ ...webhook, failurePolicy }));
  await must(api.request({ method: 'PUT', path: configurationPath, body: { ...configuration, webhooks } }));
}

function pod(namespace: string, over: { metadata?: Json; spec?: Json } = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-', namespace, ...over.metadata },
    spec: {
      containers: [namespace === 'weft-system' ? restricted : { name: 'app', image: 'app' }],
      ...over.spec,
    },
  };
}

/** What weft-system demands of its pods, where the server enforces Pod Security. */
const restricted = {
  name: 'app',
  image: 'app',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

function replicaSet(namespace: string, name: string, deployment: string, annotations: Json = {}): Json {
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, uid: 'd-1', controller: true };
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app' }] } };
  const metadata = { name, namespace, annotations, ownerReferences: [owner] };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata,
    spec: { selector: { matchLabels: labels }, template },
  };
}

function proxyIn({ body }: KubeAnswer): boolean {
  const containers = (body as { spec?: { containers?: { name: string }[] } }).spec?.containers ?? [];
  return containers.some(({ name }) => name === 'weft-proxy');
}

/** The containers that see the account's token. */
function tokenMounts({ body }: KubeAnswer): string[] {
  const { containers = [], initContainers = [] } = (body as { spec: Record<string, Json[] | undefined> })
    .spec;
  const sees = ({ volumeMounts }: Json) =>
    ((volumeMounts ?? []) as Json[]).some(
      ({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
    );
  return [...initContainers, ...containers].filter(sees).map(({ name }) => String(name));
}

function message({ body }: KubeAnswer): string {
  return String((body as { message?: string }).message ?? '');
}

async function must(answer: Promise<KubeAnswer>): Promise<KubeAnswer> {
  const given = await answer;
  assert.ok(given.status < 300, `${given.status}: ${message(given)}`);
  return given;
}

/**
 * What `look` gives once it gives something, and does not throw; the server follows changes within moments, where it has the CPU.
 * In the end what it threw last is the failure.
 */
async function until<T>(look: () => Promise<T>, seconds = 60): Promise<NonNullable<T>> {
  const endAt = performance.now() + seconds * 1_000;
  for (;;) {
    let thrown: unknown = new Error(`it did not come to that within ${seconds} s`);
    const found = await look().catch((error: unknown) => {
      thrown = error;
    });
    if (found) return found as NonNullable<T>;
    if (performance.now() > endAt) throw thrown;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Fields that the inputs of golden cases leave out because inject does not read them, and a server wants. */
function completed(object: Json): Json {
  const copy = structuredClone(object) as { kind: string; metadata?: Json; spec: Json };
  copy.metadata = { ...copy.metadata, namespace: 'default' };
  if (copy.metadata.name === undefined && copy.metadata.generateName === undefined)
    copy.metadata.name = 'golden';
  // A claim without a size is refused by newer servers, and no business of injection.
  for (const claim of (copy.spec.volumeClaimTemplates ?? []) as { spec: Json }[])
    claim.spec.resources ??= { requests: { storage: '1Gi' } };
  const template = templateOf(copy);
  const spec = (template.spec ?? {}) as {
    containers?: Json[];
    initContainers?: Json[];
    volumes?: Json[];
    restartPolicy?: string;
  };
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    container.image ??= 'app';
    for (const { name } of (container.volumeMounts as { name: string }[] | undefined) ?? []) {
      spec.volumes ??= [];
      if (!spec.volumes.some(volume => volume.name === name)) spec.volumes.push({ name, emptyDir: {} });
    }
    const hooks = (container.lifecycle ?? {}) as Record<string, Json>;
    for (const [hook, handler] of Object.entries(hooks)) {
      // `sleep` is of Kubernetes 1.29.
      if (Object.keys(handler).length === 0 || 'sleep' in handler)
        hooks[hook] = { exec: { command: ['true'] } };
    }
    // Servers before 1.28 know no native sidecars, and drop the field with it.
    for (const entry of (container.ports as Json[] | undefined) ?? []) entry.containerPort ??= 80;
  }
  if (copy.kind === 'Job' || copy.kind === 'CronJob') spec.restartPolicy ??= 'Never';
  else if (copy.kind !== 'Pod') {
    const labels = { app: 'golden' };
    template.metadata = {
      ...(template.metadata as Json),
      labels: { ...(template.metadata as { labels?: Json })?.labels, ...labels },
    };
    copy.spec.selector = copy.kind === 'ReplicationController' ? labels : { matchLabels: labels };
    if (copy.kind === 'StatefulSet') copy.spec.serviceName ??= 'golden';
  }
  return copy as unknown as Json;
}

function templateOf(object: { kind: string; spec: Json }): Json {
  if (object.kind === 'Pod') return object as unknown as Json;
  if (object.kind === 'CronJob') {
    return (object.spec.jobTemplate as { spec: { template: Json } }).spec.template;
  }
  return object.spec.template as Json;
}

/** What inject makes of the golden inputs, by the options that each names. */
function goldenObjects(): { name: string; object: Json }[] {
  const folder = new URL('../../webhook/inject/golden/', import.meta.url).pathname;
  const found: { name: string; object: Json }[] = [];
  for (const file of globSync(`${folder}*.yaml`).sort()) {
    const name = basename(file, '.yaml');
    // Native sidecars are probes and restartPolicy on init containers, which this server's validation refuses.
    if (file.endsWith('.expected.yaml') || /native|own-sidecar|refused/.test(name)) continue;
    const text = readFileSync(file, 'utf8');
    const directive = /^# options: (.*)$/m.exec(text)?.[1];
    const given = directive === undefined ? {} : (parse(directive) as Partial<InjectOptions>);
    if (given.nativeSidecar) continue;
    const inputs = parseAllDocuments(text).map(document => document.toJS() as unknown);
    const surroundings = { namespace: 'default', namespaces: namespacesOf(inputs) };
    for (const input of inputs) {
      const { object, outcomes } = injectObject(
        input,
        surroundings,
        injectOptions({ injectByDefault: true, ...given }),
      );
      if (!outcomes.some(({ kind }) => kind === 'changed')) continue;
      const { kind, items } = object as { kind: string; items?: Json[] };
      for (const each of kind.endsWith('List') ? (items ?? []) : [object as Json]) {
        const { spec } = each as { spec?: Json };
        if (each.kind !== 'Pod' && spec?.template === undefined && spec?.jobTemplate === undefined) continue;
        if (each.apiVersion === 'batch/v1' && each.kind === 'CronJob' && serverVersion() === '1.20')
          each.apiVersion = 'batch/v1beta1';
        if (String(each.apiVersion).startsWith('extensions/')) continue;
        assert.ok(collectionOf(each));
        found.push({ name: `${name} ${each.kind}`, object: completed(each) });
      }
    }
  }
  return found;
}
