import assert from 'node:assert/strict';
import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { get as httpsGet, type RequestOptions } from 'node:https';
import { type TestContext, test } from 'node:test';
import { CertificateAuthority } from '../../ca/index.ts';
import type { AskableProxies, AskableProxy, QuestionListener } from '../../discovery/index.ts';
import { WeftError } from '../../errors/index.ts';
import { createKeyAndCsr, principalOf } from '../../identity/index.ts';
import { parseSpiffe } from '../../model/index.ts';
import { FakeClock, systemClock } from '../../time/index.ts';
import { Live } from '../index.ts';
import {
  type Access,
  askRoute,
  CLIENT_HEADER,
  ClusterAccess,
  isIssuedByAny,
  type LivePlace,
  type LiveRoute,
  type LiveServerOptions,
  startLiveServer,
  TokenAccess,
} from './index.ts';

const injector = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function start(context: TestContext, options: Partial<LiveServerOptions>): Promise<number> {
  const stop = new AbortController();
  context.after(() => stop.abort());
  return startLiveServer({
    listen: { host: '127.0.0.1', port: 0 },
    routes: [],
    access: new TokenAccess('a-secret-of-the-sandbox'),
    clock: systemClock,
    signal: stop.signal,
    ...options,
  });
}

function fetchFrom(get: typeof httpGet | typeof httpsGet, options: RequestOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: '127.0.0.1', agent: false, ...options }, response => {
      let body = '';
      response.setEncoding('utf8').on('data', chunk => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
      response.on('error', reject);
    });
    asked.on('error', reject);
  });
}

/** Proxies that answer what the test has them say. */
function proxies(answers: Readonly<Record<string, (listener: QuestionListener) => void>>): AskableProxies {
  const all: AskableProxy[] = Object.entries(answers).map(([pod, say]) => ({
    pod,
    proxyVersion: '1',
    ask(_question, listener) {
      say(listener);
      return () => {};
    },
  }));
  return { proxies: () => all, onProxy: () => () => {} };
}

const needs = { verb: 'create', subresource: 'tap' } as const;

function tapRoute(source: AskableProxies, more: Partial<LivePlace> = {}): LiveRoute {
  return askRoute(
    {
      path: '/live/tap',
      needs,
      follow: false,
      question: query => (query.has('bad') ? 'that is no filter' : { kind: 'tap' }),
    },
    {
      live: new Live(() => source),
      replica: 'weft-injector-0',
      chosen: query => pod => pod.startsWith(`${query.get('namespace')}/`),
      ...more,
    },
  );
}

const linesOf = (body: string): unknown[] =>
  body
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

test('who has the token hears what the chosen proxies say, line by line', async context => {
  const source = proxies({
    'shop/web': listener => {
      listener.said([{ n: 1 }], 2);
      listener.done();
    },
    'shop/old': listener => listener.done('too old'),
    'other/web': () => assert.fail('not chosen'),
  });
  const port = await start(context, { routes: [tapRoute(source)] });
  const headers = { authorization: 'Bearer a-secret-of-the-sandbox' };
  const reply = await fetchFrom(httpGet, { port, path: '/live/tap?namespace=shop', headers });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], 'application/x-ndjson');
  assert.deepEqual(linesOf(reply.body), [
    { type: 'begin', replica: 'weft-injector-0', proxies: 2 },
    { type: 'said', pod: 'shop/web', items: [{ n: 1 }], left: 2 },
    { type: 'failed', pod: 'shop/old', why: 'too old' },
    { type: 'over' },
  ]);
  const bad = await fetchFrom(httpGet, { port, path: '/live/tap?namespace=shop&bad=1', headers });
  assert.deepEqual(
    [bad.status, JSON.parse(bad.body)],
    [400, { error: 'that is no filter', code: 'live-question' }],
  );
});

test('without the token nobody gets in, whatever the path, and pages that tell nothing are open', async context => {
  const page: LiveRoute = { path: '/*', handle: (_request, answer) => answer.send(200, 'page') };
  const refused: string[] = [];
  const port = await start(context, {
    routes: [tapRoute(proxies({})), page],
    refused: code => refused.push(code),
  });
  const none = await fetchFrom(httpGet, { port, path: '/live/tap' });
  assert.equal(none.status, 401);
  assert.match(JSON.parse(none.body).error, /no token came/);
  const wrong = await fetchFrom(httpGet, {
    port,
    path: '/live/tap',
    headers: { authorization: 'Bearer guessed' },
  });
  assert.equal(wrong.status, 401);
  assert.equal((await fetchFrom(httpGet, { port, path: '/anything' })).body, 'page');
  assert.equal((await fetchFrom(httpGet, { port, path: '//[', headers: {} })).status, 404);
  assert.equal((await fetchFrom(httpGet, { port, path: '/live/tap', method: 'POST' })).status, 405);
  assert.deepEqual(refused, ['live-unproven', 'live-unproven', 'live-path', 'live-method']);
});

test('an asker who goes away takes the question back', async context => {
  let gone: () => void = () => {};
  const cancelled = new Promise<void>(resolve => {
    gone = resolve;
  });
  const proxy: AskableProxy = {
    pod: 'shop/web',
    proxyVersion: '1',
    ask: (_question, listener) => {
      listener.said([{ n: 1 }], 0);
      return gone;
    },
  };
  const port = await start(context, {
    routes: [tapRoute({ proxies: () => [proxy], onProxy: () => () => {} })],
  });
  const headers = { authorization: 'Bearer a-secret-of-the-sandbox' };
  await new Promise<void>((resolve, reject) => {
    const asked = httpGet(
      { host: '127.0.0.1', port, path: '/live/tap?namespace=shop', headers },
      response => {
        response.once('data', () => {
          asked.destroy();
          resolve();
        });
        response.on('error', () => {});
      },
    );
    asked.on('error', reject);
  });
  await cancelled;
});

/** A cluster with one user by token and what they may. */
function clusterAccess(rights: readonly string[], authorities: readonly string[] = []) {
  const clock = new FakeClock();
  const asked: string[] = [];
  let broken = false;
  const access: Access = new ClusterAccess({
    clock,
    clientAuthorities: () => authorities,
    async review(path, body) {
      const spec = body.spec as Record<string, unknown>;
      asked.push(path);
      if (broken) return new Error('connection refused');
      if (path.endsWith('tokenreviews')) {
        if (spec.token !== 'good') return { authenticated: false, error: 'invalid bearer token' };
        return { authenticated: true, user: { username: 'jane', uid: 'u1', groups: ['dev'] } };
      }
      const {
        verb,
        resource,
        subresource,
        group,
        namespace = '*',
      } = spec.resourceAttributes as Record<string, string>;
      return {
        allowed: rights.includes(`${spec.user} ${verb} ${resource}/${subresource}.${group} ${namespace}`),
      };
    },
  });
  return {
    access,
    clock,
    asked,
    breakIt: () => {
      broken = true;
    },
  };
}

test('the cluster says who it is and what they may, and a refusal has the command that gives the right', async context => {
  const { access, asked, clock, breakIt } = clusterAccess(['jane create pods/tap.weft.dev shop']);
  const source = proxies({ 'shop/web': listener => listener.done() });
  const port = await start(context, { access, routes: [tapRoute(source)] });
  const ask = (query: string, token: string): Promise<Reply> =>
    fetchFrom(httpGet, { port, path: `/live/tap${query}`, headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask('?namespace=shop', 'good')).status, 200);
  assert.equal((await ask('?namespace=shop', 'good')).status, 200);
  assert.equal(asked.length, 2, 'the answers are kept for a moment');
  const elsewhere = await ask('?namespace=bank', 'good');
  assert.equal(elsewhere.status, 403);
  assert.equal(
    JSON.parse(elsewhere.body).error,
    "jane has not the right to create pods/tap of the group weft.dev in namespace bank; who administers the cluster gives it with: kubectl create rolebinding weft-tap-jane -n bank --clusterrole=weft-tap --user='jane'",
  );
  const hostile = await ask(`?namespace=${encodeURIComponent('bank; reboot')}`, 'good');
  assert.match(JSON.parse(hostile.body).error, / -n 'bank; reboot' --clusterrole=/, 'no command of its own');
  const everywhere = JSON.parse((await ask('', 'good')).body).error;
  assert.match(
    everywhere,
    /in all namespaces; .*clusterrolebinding weft-tap-jane .*; or ask about one namespace with -n$/,
  );
  const unknown = await ask('?namespace=shop', 'stolen');
  assert.equal(unknown.status, 401);
  assert.match(JSON.parse(unknown.body).error, /does not take the token \(invalid bearer token\)/);
  assert.equal(unknown.headers['www-authenticate'], 'Bearer realm="weft"');
  await clock.advance(11_000);
  breakIt();
  const nobody = await ask('?namespace=shop', 'good');
  assert.equal(nobody.status, 503);
  assert.match(JSON.parse(nobody.body).error, /connection refused.*may create tokenreviews/);
});

test('an account is named as kubectl wants it', async () => {
  const { access } = clusterAccess([]);
  const caller = { name: 'system:serviceaccount:ops:bot', groups: [] };
  const denied = await access.authorize(caller, { verb: 'get', subresource: 'figures' }, 'shop');
  assert.match(
    denied!.why,
    /rolebinding weft-viewer-bot -n shop --clusterrole=weft-viewer --serviceaccount=ops:bot/,
  );
});

/** A mesh and a cluster with a user, each with an authority of its own. */
function certificates() {
  const clock = systemClock;
  const make = (): CertificateAuthority =>
    CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
  const [mesh, cluster] = [make(), make()];
  const issue = (authority: CertificateAuthority, principal: string) => {
    const { keyPem, csrPem } = createKeyAndCsr();
    const signed = authority.sign(csrPem, parseSpiffe(principal)!, {});
    assert.ok(!(signed instanceof WeftError));
    return { key: keyPem, cert: signed.chainPem };
  };
  return { mesh, cluster, issue };
}

test('another replica is believed by its certificate of the mesh, and by no other', async context => {
  const { mesh, cluster, issue } = certificates();
  const own = issue(mesh, injector);
  const authorities = [...mesh.roots, ...cluster.roots];
  const port = await start(context, {
    access: clusterAccess([]).access,
    routes: [tapRoute(proxies({ 'shop/web': listener => listener.done() }))],
    tls: use => {
      use({ keyPem: own.key, chainPem: own.cert, authorities });
      return () => {};
    },
    isPeer: shown => principalOf(shown) === injector && !isIssuedByAny(shown, cluster.roots),
  });
  const ask = (client: object): Promise<Reply> =>
    fetchFrom(httpsGet, {
      ...{
        port,
        path: '/live/tap?namespace=shop',
        ca: [...mesh.roots],
        checkServerIdentity: () => undefined,
      },
      ...client,
    });
  assert.equal((await ask(issue(mesh, injector))).status, 200);
  for (const client of [
    {},
    issue(mesh, 'spiffe://cluster.local/ns/shop/sa/web'),
    issue(cluster, injector),
    issue(certificates().mesh, injector),
  ])
    assert.notEqual((await ask(client)).status, 200);
  // A browser would show the certificate to any page.
  const page = await ask(issue(mesh, 'spiffe://cluster.local/ns/shop/sa/web'));
  assert.match(JSON.parse(page.body).error, new RegExp(CLIENT_HEADER));
});

test('replicas ask each other, and one that is away is named', async context => {
  const { mesh, cluster, issue } = certificates();
  const own = issue(mesh, injector);
  const tls: LiveServerOptions['tls'] = use => {
    use({ keyPem: own.key, chainPem: own.cert, authorities: mesh.roots });
    return () => {};
  };
  const credentials = {
    keyPem: own.key,
    chainPem: own.cert,
    roots: mesh.roots,
    isReplica: (shown: string | undefined) => shown === injector,
  };
  const isPeer: LiveServerOptions['isPeer'] = shown => principalOf(shown) === injector;
  const { access } = clusterAccess(['jane create pods/tap.weft.dev shop']);
  const far = tapRoute(
    proxies({
      'shop/far': listener => {
        listener.said([{ n: 2 }], 0);
        listener.done();
      },
    }),
    { replica: 'far', peers: () => assert.fail('who is asked by a replica asks no other') },
  );
  const farPort = await start(context, { access, tls, isPeer, routes: [far] });
  const strange = issue(cluster, injector);
  const strangePort = await start(context, {
    ...{ access, isPeer, routes: [far] },
    tls: use => {
      use({ keyPem: strange.key, chainPem: strange.cert, authorities: mesh.roots });
      return () => {};
    },
  });
  const peers = [
    { name: 'far', host: '127.0.0.1', port: farPort },
    { name: 'strange', host: '127.0.0.1', port: strangePort },
  ];
  const near = tapRoute(proxies({ 'shop/near': listener => listener.done() }), {
    replica: 'near',
    peers: () => ({ peers, credentials }),
  });
  const port = await start(context, { access, routes: [near] });
  const reply = await fetchFrom(httpGet, {
    ...{ port, path: '/live/tap?namespace=shop', headers: { authorization: 'Bearer good' } },
  });
  const lines = linesOf(reply.body) as { type: string; replica?: string; pod?: string }[];
  assert.deepEqual(lines[0], { type: 'begin', replica: 'near', proxies: 1 });
  assert.deepEqual(
    lines.filter(({ type }) => type === 'begin').map(({ replica }) => replica),
    ['near', 'far'],
  );
  assert.ok(lines.some(({ type, pod }) => type === 'said' && pod === 'shop/far'));
  assert.ok(lines.some(({ type, replica }) => type === 'failed' && replica === 'strange'));
  assert.deepEqual(lines.at(-1), { type: 'over' });
});
