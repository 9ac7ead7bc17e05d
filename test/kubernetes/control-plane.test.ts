// weft-injector as processes against a real API server, with exactly the permissions that `weft install` gives.
import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../src/kubernetes/index.ts';
import { webhookConfiguration } from '../../webhook/index.ts';
import { noApiServer, noOwnApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { crashesOnCustomResources } from './support/custom-resources.ts';
import { type Injector, startInjector, startProxy } from './support/injector.ts';
import {
  apply,
  good,
  makeAccount,
  makeControlPlaneAccount,
  makeNamespace,
  makePod,
  makeService,
  setEndpoints,
  setPodStatus,
  system,
  tokenOf,
  until,
} from './support/objects.ts';

/** How long the API server is gone: a moment, and a minute in CI. */
const outageMs = Number(process.env.WEFT_TEST_OUTAGE_SECONDS ?? 3) * 1_000;
const reviews = 'reviews.shop.svc.cluster.local:80';
let api: TestApiServer;
let kubeconfig: string;
let front: { name: string; uid: string };

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  const token = await makeControlPlaneAccount(api.client, 'weft-injector');
  kubeconfig = await api.kubeconfigOf(token);
  await makeNamespace(api.client, 'shop');
  for (const name of ['front', 'other']) await makeAccount(api.client, 'shop', name);
  front = await makePod(api.client, 'shop', 'front-0', '10.244.0.10', { account: 'front' });
  await makePod(api.client, 'shop', 'reviews-0', '10.244.0.11', { account: 'other' });
  await makeService(api.client, 'shop', 'reviews', '10.96.77.7');
  await setEndpoints(api.client, 'shop', 'reviews', { 'reviews-0': '10.244.0.11' });
});

after(async () => {
  if (!noApiServer) await api.close();
});

async function rootsOf(namespace: string): Promise<string> {
  const found = await api.client.call({ path: `/api/v1/namespaces/${namespace}/configmaps/weft-trust` });
  return found instanceof ApiError ? '' : ((found.data as Record<string, string>)['root-cert.pem'] ?? '');
}

const frontToken = (audience = 'weft') => tokenOf(api.client, 'shop', 'front', { audience, pod: front });

test('a proxy gets certificate and resources, changes arrive, and no permission is missing', {
  skip: noApiServer,
}, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  assert.equal((await injector.get('/ready')).status, 200);
  await until('the roots in the namespace', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const token = await frontToken();
  const { sink, client } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'front-0' },
  );
  client.want('10.96.77.7:80');
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  const [endpoint] = sink.get('endpoints', reviews)!.endpoints;
  assert.equal(endpoint!.tls, 'mesh');
  assert.equal(endpoint!.peer.principal, 'spiffe://cluster.local/ns/shop/sa/other');

  await makePod(api.client, 'shop', 'reviews-1', '10.244.0.12', { account: 'other' });
  await setEndpoints(api.client, 'shop', 'reviews', {
    'reviews-0': '10.244.0.11',
    'reviews-1': '10.244.0.12',
  });
  await sink.until(() => sink.addresses(reviews)?.length === 2);

  await makeNamespace(api.client, 'later');
  await until('the roots in a new namespace', async () => (await rootsOf('later')) === roots);
  assert.equal(await rootsOf('kube-system'), '');
  const source = await injector.json<{ leads: boolean; kinds: { kind: string; phase: string }[] }>(
    '/debug/source',
  );
  assert.equal(source.leads, true);
  assert.deepEqual(
    source.kinds.filter(each => each.phase !== 'watching'),
    [],
  );
  const problems = await injector.json<{ message: string }[]>('/debug/problems');
  assert.deepEqual(
    problems.filter(each => /forbidden|not allowed/.test(each.message)),
    [],
  );
  assert.ok(
    !injector.lines.some(line => /forbidden/i.test(JSON.stringify(line))),
    'nothing was refused on the way',
  );
  assert.equal(await injector.kill('SIGTERM'), 0);
  const lease = await good(
    api.client.call({ path: `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/weft-injector` }),
  );
  assert.equal((lease.spec as { holderIdentity: string }).holderIdentity, '', 'given up in order');
});

test('tokens that prove nothing get no certificate, and the proxy is told why', {
  skip: noApiServer,
}, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  await makeAccount(api.client, 'shop', 'doomed');
  const pod = await makePod(api.client, 'shop', 'doomed-0', '10.244.0.66', { account: 'doomed' });
  const doomed = await tokenOf(api.client, 'shop', 'doomed', { audience: 'weft', pod });
  const gone = await makePod(api.client, 'shop', 'gone-0', '10.244.0.67', { account: 'front' });
  const ofGone = await tokenOf(api.client, 'shop', 'front', { audience: 'weft', pod: gone });
  await good(api.client.call({ method: 'DELETE', path: '/api/v1/namespaces/shop/serviceaccounts/doomed' }));
  await good(
    api.client.call({
      method: 'DELETE',
      path: '/api/v1/namespaces/shop/pods/gone-0',
      query: { gracePeriodSeconds: 0 },
    }),
  );
  const frontGood = await frontToken();
  const cases: [string, string, RegExp][] = [
    ['wrong audience', await frontToken('somebody-else'), /not for the audience 'weft'/],
    [
      'no audience of ours',
      await tokenOf(api.client, 'shop', 'front', { pod: front }),
      /not for the audience 'weft'/,
    ],
    ['no pod', await tokenOf(api.client, 'shop', 'front', { audience: 'weft' }), /not bound to a pod/],
    ['deleted ServiceAccount', doomed, /does not accept the token/],
    ['deleted pod', ofGone, /does not accept the token/],
    [
      'changed claims',
      frontGood.replace(/\.(.*)\./, (_, claims: string) => `.${forged(claims)}.`),
      /does not accept the token/,
    ],
    ['rubbish', 'rubbish', /not a signed JWT/],
  ];
  const expired = await api.expired(frontGood);
  if (expired !== undefined) cases.push(['expired', expired, /the token has expired/]);
  for (const [what, token, message] of cases) {
    const { keeper, notices } = startProxy(
      context,
      port,
      () => [roots],
      () => token,
      { namespace: 'shop', name: 'front-0' },
    );
    await until(`a refusal: ${what}`, () => notices.some(each => message.test(each.message)));
    assert.equal(keeper.credentials, undefined, what);
  }
});

/** The same claims for another ServiceAccount. */
function forged(claims: string): string {
  const text = Buffer.from(claims, 'base64url').toString().replaceAll('front', 'other');
  return Buffer.from(text).toString('base64url');
}

test('a certificate is of no use for a pod of another ServiceAccount', {
  skip: noApiServer,
}, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const token = await frontToken();
  const { sink } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'reviews-0' },
  );
  await sink.until(() => sink.connections.some(each => /certificate-wrong-pod/.test(each.reason)));
});

test('the webhook injects, with a certificate that the caBundle of its configuration vouches for', {
  skip: noApiServer,
}, async context => {
  const configuration = webhookConfiguration(
    { systemNamespace: system, ignoredNamespaces: [], failurePolicy: 'Ignore', accept: [] },
    {},
  );
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  await apply(api.client, path, configuration);
  context.after(() => good(api.client.call({ method: 'DELETE', path: `${path}/weft-injector` })));
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { webhookPort } = await injector.served;
  const bundle = async (): Promise<string> => {
    const found = await good(api.client.call({ path: `${path}/weft-injector` }));
    const [first] = found.webhooks as { clientConfig: { caBundle?: string } }[];
    return Buffer.from(first!.clientConfig.caBundle ?? '', 'base64').toString();
  };
  await until('the caBundle', async () => (await bundle()) !== '');
  assert.equal(await bundle(), await rootsOf(system));
  await good(
    api.client.call({
      method: 'PATCH',
      path: '/api/v1/namespaces/shop',
      body: { metadata: { labels: { 'weft.dev/inject': 'enabled' } } },
    }),
  );
  context.after(() =>
    good(
      api.client.call({
        method: 'PATCH',
        path: '/api/v1/namespaces/shop',
        body: { metadata: { labels: { 'weft.dev/inject': null } } },
      }),
    ),
  );
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'new', namespace: 'shop' },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  };
  const request = {
    uid: 'u',
    kind: { kind: 'Pod', version: 'v1', group: '' },
    operation: 'CREATE',
    namespace: 'shop',
    name: 'new',
    object: pod,
  };
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  const answer = await post(webhookPort, await bundle(), JSON.stringify(review));
  const { response } = JSON.parse(answer) as { response: { allowed: boolean; patch: string } };
  assert.equal(response.allowed, true);
  assert.match(Buffer.from(response.patch, 'base64').toString(), /weft-proxy:test/);
});

/** As the API server would: by the Service's name, trusting the bundle alone. */
function post(port: number, ca: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const servername = `weft-injector.${system}.svc`;
    const call = httpsRequest(
      { host: '127.0.0.1', port, path: '/inject', method: 'POST', ca, servername, headers },
      response => {
        let text = '';
        response.on('data', chunk => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

test('replicas share one root, one leads, and another takes over when it dies', {
  skip: noApiServer,
}, async context => {
  const names = ['weft-injector-a', 'weft-injector-b'];
  const replicas = await Promise.all(names.map(name => startInjector(context, kubeconfig, name)));
  await Promise.all(replicas.map(each => each.served));
  const leads = async (injector: Injector): Promise<boolean> =>
    (await injector.json<{ leads: boolean }>('/debug/source')).leads;
  const leaders = async () => (await Promise.all(replicas.map(leads))).filter(Boolean).length;
  await until('a leader', async () => (await leaders()) === 1);
  const serials = await Promise.all(
    replicas.map(
      async each =>
        (await each.json<{ expiries: { serial: string }[] }>('/debug/authority')).expiries[0]!.serial,
    ),
  );
  assert.equal(serials[0], serials[1]);
  const first = (await leads(replicas[0]!)) ? 0 : 1;
  await replicas[first]!.kill('SIGKILL');
  await makeNamespace(api.client, 'orphan');
  await until('the other leads', () => leads(replicas[1 - first]!));
  await until('its work', async () => (await rootsOf('orphan')) !== '');
});

test('a kind of policies is read when its definition comes, and obeyed', {
  skip: noApiServer,
}, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const token = await frontToken();
  const { sink, client } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'front-0' },
  );
  client.want('10.96.77.7:80');
  await sink.until(() => sink.get('destination', '10.96.77.7:80') !== undefined);
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await apply(api.client, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'destinationrules.networking.istio.io' },
    spec: {
      group: 'networking.istio.io',
      scope: 'Namespaced',
      names: { plural: 'destinationrules', singular: 'destinationrule', kind: 'DestinationRule' },
      versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
    },
  });
  const kinds = async () =>
    (await injector.json<{ kinds: { kind: string; phase: string }[] }>('/debug/source')).kinds;
  await until('the kind to be read', async () =>
    (await kinds()).some(
      each => each.kind === 'DestinationRule.networking.istio.io' && each.phase === 'watching',
    ),
  );
  const crashes = await crashesOnCustomResources(api.client);
  if (crashes) {
    context.diagnostic(crashes);
    return;
  }
  const path = '/apis/networking.istio.io/v1beta1/namespaces/shop/destinationrules';
  await until('the definition', async () => {
    const answer = await api.client.call({
      method: 'POST',
      path,
      body: {
        apiVersion: 'networking.istio.io/v1beta1',
        kind: 'DestinationRule',
        metadata: { name: 'reviews' },
        spec: { host: 'reviews', trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } },
      },
    });
    return !(answer instanceof ApiError) || answer.code === 'api-already-exists';
  });
  const limit = () => sink.get('destination', '10.96.77.7:80')?.clusters[0]?.settings.limits.maxConnections;
  await sink.until(() => limit() === 7);
  await good(api.client.call({ method: 'DELETE', path: `${path}/reviews` }));
  await sink.until(() => limit() !== 7);
});

test('the end of a Job’s containers is told to its proxy', { skip: noApiServer }, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const spec = { restartPolicy: 'Never' };
  const pod = await makePod(api.client, 'shop', 'job-0', '10.244.0.70', { account: 'front', spec });
  const token = await tokenOf(api.client, 'shop', 'front', { audience: 'weft', pod });
  const { sink } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'job-0' },
  );
  await sink.until(() => sink.get('inbound', 'shop/job-0') !== undefined);
  assert.equal(sink.get('inbound', 'shop/job-0')!.ended, undefined);
  const common = { ready: false, restartCount: 0, image: 'none', imageID: 'none' };
  await setPodStatus(api.client, 'shop', 'job-0', {
    containerStatuses: [{ ...common, name: 'app', state: { terminated: { exitCode: 3 } } }],
  });
  await sink.until(() => sink.get('inbound', 'shop/job-0')?.ended !== undefined);
  assert.deepEqual(sink.get('inbound', 'shop/job-0')!.ended, [{ container: 'app', exitCode: 3 }]);
});

test('an API server that goes and comes back costs nothing that was known', {
  skip: noOwnApiServer,
}, async context => {
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0');
  const { port } = await injector.served;
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const token = await frontToken();
  const { sink, client, keeper } = startProxy(
    context,
    port,
    () => [roots],
    () => token,
    { namespace: 'shop', name: 'front-0' },
  );
  client.want('10.96.77.7:80');
  await setEndpoints(api.client, 'shop', 'reviews', { 'reviews-0': '10.244.0.11' });
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  const before = sink.applied.length;

  await api.stop();
  const stoppedMs = performance.now();
  await until('the problem', async () =>
    (await injector.json<{ code: string }[]>('/debug/problems')).some(
      each => each.code === 'api-unreachable',
    ),
  );
  assert.equal((await injector.get('/ready')).status, 200, 'it serves what it knows');
  const other = startProxy(
    context,
    port,
    () => [roots],
    () => `${token.slice(0, -2)}AA`,
    { namespace: 'shop', name: 'front-0' },
  );
  await until('words to try again', () =>
    other.notices.some(each => /could not be checked.*try again/.test(each.message)),
  );
  assert.equal(other.keeper.credentials, undefined);
  assert.ok(keeper.credentials);
  do {
    assert.equal((await injector.get('/ready')).status, 200, 'it still serves what it knows');
    await sleep(500);
  } while (performance.now() - stoppedMs < outageMs);

  await api.start();
  await setEndpoints(api.client, 'shop', 'reviews', {
    'reviews-0': '10.244.0.11',
    'reviews-1': '10.244.0.12',
  });
  await sink.until(() => sink.addresses(reviews)?.length === 2);
  const sizes = sink.applied
    .slice(before)
    .flatMap(each => (each.kind === 'endpoints' ? [each.endpoints.length] : []));
  assert.ok(
    sizes.every(size => size > 0),
    'nobody heard of endpoints going',
  );
  await until(
    'no problem left',
    async () =>
      !(await injector.json<{ code: string }[]>('/debug/problems')).some(
        each => each.code === 'api-unreachable',
      ),
  );
});

test('a control plane that starts before the API server waits for it', {
  skip: noOwnApiServer,
}, async context => {
  await api.stop();
  const injector = await startInjector(context, kubeconfig, 'weft-injector-0', {
    'metrics-listen': '127.0.0.1:0',
  });
  await until('words', () => injector.lines.some(line => line.code === 'api-unreachable'));
  await api.start();
  await injector.served;
  assert.equal((await injector.get('/ready')).status, 200);
});

test('a missing permission is named, and the rest goes on', { skip: noApiServer }, async context => {
  const token = await makeControlPlaneAccount(api.client, 'weft-limited', ['nodes', 'tokenreviews']);
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-limited-0');
  const { port } = await injector.served;
  const problems = await injector.json<{ message: string }[]>('/debug/problems');
  const found = problems.find(each => /list nodes/.test(each.message));
  assert.match(
    found!.message,
    /system:serviceaccount:weft-system:weft-limited.*add the rule \{apiGroups: \[""\], resources: \["nodes"\]/,
  );
  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const workload = await frontToken();
  const { keeper, notices } = startProxy(
    context,
    port,
    () => [roots],
    () => workload,
    { namespace: 'shop', name: 'front-0' },
  );
  await until('a refusal', () => notices.some(each => /tokenreviews.*is forbidden/.test(each.message)));
  assert.equal(keeper.credentials, undefined);
});

test('without permission for Services nobody is served, and why is said', {
  skip: noApiServer,
}, async context => {
  const token = await makeControlPlaneAccount(api.client, 'weft-blind', ['services']);
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-blind-0');
  await until('the problem', () =>
    injector.lines.some(line => /not allowed to list services/.test(String(line.message))),
  );
  await makeControlPlaneAccount(api.client, 'weft-blind-2');
  assert.ok(!injector.lines.some(line => line.message === 'the control plane serves proxies'));
});
