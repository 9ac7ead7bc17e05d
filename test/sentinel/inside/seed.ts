// Every block of the seed for Sentinel, as it stands, in one gateway that is told of the next by SIGHUP, with requests that show
// what it does. A block without a listener or a route gets one beside it. Prints a line of JSON for each: { block, failed }.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeDns } from '../../../src/upstreams/testing/dns-server.ts';
import { FakeConsul } from './consul.ts';
import { apiServer, ask, Backends, certificates, Gateway, get, putSlice, until } from './machine.ts';
import { optionBlocks } from './options.ts';

const work = process.argv[2]!;
const seeds = join(import.meta.dirname, '../../seeds/sentinel');
const block = (name: string): string => readFileSync(join(seeds, `${name}.kdl`), 'utf8');
const listener = 'listener "http" { address "0.0.0.0:8080" }\n';
const whole = (name: string, upstream: string): string =>
  `${block(name)}\n${listener}route "all" { matches { path-prefix "/" }; upstream "${upstream}" }\n`;

const answers: Readonly<Record<string, readonly string[]>> = {
  'api.default.svc.cluster.local': ['127.0.1.1', '127.0.1.2'],
  consul: ['127.0.0.1'],
  'consul.consul': ['127.0.0.1'],
  'consul.service.consul': ['127.0.0.1'],
};
await fakeDns((name, type) => {
  const found = answers[name.toLowerCase()];
  if (!found) return 3;
  return type === 'A' ? found.map(data => ({ type: 'A' as const, name, data, ttl: 5 })) : [];
}, 53);
const api = await apiServer(process.env.HOME!);
const consul = new FakeConsul();
await consul.start();
const backends = new Backends();
await backends.add('127.0.0.1:3000', '127.0.2.1:4000', '127.0.2.2:4000', '127.0.3.1:8000', '127.0.3.2:8000');

let gateway: Gateway | undefined;

/** The file is in force when the gateway answers as it says. */
async function run(text: string): Promise<void> {
  if (gateway) await gateway.reload(text);
  else gateway = await Gateway.start(work, text);
}

const answeredBy = (who: string, path = '/') =>
  until(`an answer of ${who}`, async () => (await get(path)).who === who);
async function everybody(wanted: readonly string[], port = 8080): Promise<void> {
  const seen = new Set<string>();
  await until(`answers of ${wanted.join()}`, async () => {
    seen.add((await get('/', port)).who);
    return wanted.every(each => seen.has(each));
  });
}

const blocks: Readonly<Record<string, () => Promise<void>>> = {
  /** Every address of the name, by DNS. */
  async dns() {
    // The port that the block names is that of the listeners of other blocks, too.
    const both = ['127.0.1.1:8080', '127.0.1.2:8080'];
    await backends.add(...both);
    // What is for the process is read when it starts, with this block.
    const system = `system { pid-file "${join(work, 'pid')}" }\n`;
    await run(system + whole('dns', 'api-service').replace('0.0.0.0:8080', '0.0.0.0:8090'));
    await everybody(both, 8090);
    backends.remove(...both);
  },
  /** The target serves until Consul has answered; then its instances alone, which come and go without a reload. */
  async consul() {
    consul.up = false;
    await run(block('consul'));
    await answeredBy('127.0.0.1:3000');
    consul.set('backend-api', { address: '127.0.2.1', port: 4000 });
    consul.up = true;
    await answeredBy('127.0.2.1:4000');
    consul.set('backend-api', { address: '127.0.2.2', port: 4000 });
    await answeredBy('127.0.2.2:4000');
    assert.ok(
      consul.asked.some(url =>
        url.startsWith('/v1/health/service/backend-api?dc=dc1&tag=production&passing=1'),
      ),
    );
    consul.up = false;
    consul.set('backend-api');
    for (let count = 0; count < 5; count++) assert.equal((await get('/')).who, '127.0.2.2:4000');
    consul.up = true;
  },
  /** Files for upstreams in a listener change nothing; the discovery that no route uses takes no requests. */
  async 'consul-connect'() {
    await run(block('consul-connect'));
    await answeredBy('127.0.0.1:3000');
    assert.match(gateway!.log, /client-cert is for connections to upstreams and has no effect in a listener/);
    assert.match(gateway!.log, /upstream \\"secure-backend\\" is used by no route/);
  },
  /** Pods come and go without a reload; the port is the one that is named. */
  async kubernetes() {
    putSlice(api, 'production', 'api-server', { name: 'http', number: 8000 }, '127.0.3.1');
    await run(whole('kubernetes', 'k8s-backend'));
    await answeredBy('127.0.3.1:8000');
    putSlice(api, 'production', 'api-server', { name: 'http', number: 8000 }, '127.0.3.2');
    await answeredBy('127.0.3.2:8000');
  },
  async 'kubernetes-in-cluster'() {
    putSlice(api, 'default', 'my-service', { number: 8000 }, '127.0.3.1');
    await run(whole('kubernetes-in-cluster', 'backend'));
    await answeredBy('127.0.3.1:8000');
  },
  async 'kubernetes-kubeconfig'() {
    putSlice(api, 'production', 'api', { number: 8000 }, '127.0.3.2');
    await run(whole('kubernetes-kubeconfig', 'backend'));
    await answeredBy('127.0.3.2:8000');
  },
  async 'istio-gateway'() {
    putSlice(api, 'default', 'frontend', { name: 'http', number: 8000 }, '127.0.3.1');
    await run(whole('istio-gateway', 'frontend'));
    await answeredBy('127.0.3.1:8000');
  },
  /** What listens there, an outbound listener of a mesh, gets the request as it is. */
  async 'istio-within'() {
    await run(whole('istio-within', 'backend'));
    await backends.add('127.0.0.1:15001');
    await answeredBy('127.0.0.1:15001');
  },
  async linkerd() {
    putSlice(api, 'default', 'api', { name: 'http', number: 8000 }, '127.0.3.2');
    await run(whole('linkerd', 'api'));
    await answeredBy('127.0.3.2:8000');
  },
  async 'linkerd-ingress'() {
    putSlice(api, 'production', 'api', { number: 8000 }, '127.0.3.1');
    await run(whole('linkerd-ingress', 'meshed-service'));
    await answeredBy('127.0.3.1:8000');
  },
  /** Mutual TLS with the names and files that are said; a server of another name would not be believed. */
  async mtls() {
    const folder = '/etc/sentinel/certs';
    mkdirSync(folder, { recursive: true });
    certificates(folder, { client: 'client.test', server: 'secure-api.production.svc.cluster.local' });
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    await backends.addTls('127.0.4.1:8443', {
      key: read('server.key'),
      cert: read('server.crt'),
      ca: read('ca.crt'),
    });
    putSlice(api, 'production', 'secure-api', { number: 8443 }, '127.0.4.1');
    await run(whole('mtls', 'secure-backend'));
    await answeredBy('127.0.4.1:8443');
    const { client, serverName } = JSON.parse((await get('/')).body) as {
      client: string;
      serverName: string;
    };
    assert.deepEqual([client, serverName], ['client', 'secure-api.production.svc.cluster.local']);
  },
  /** Requests go where fewest are under way: while one backend holds its answer, all others go to the other. */
  async 'load-balancing'() {
    putSlice(api, 'default', 'api', { number: 8000 }, '127.0.3.1', '127.0.3.2');
    await run(whole('load-balancing', 'api'));
    await everybody(['127.0.3.1:8000', '127.0.3.2:8000']);
    backends.slow.add('127.0.3.1:8000');
    const waiting: Promise<unknown>[] = [];
    await until('a held answer', async () => {
      if (backends.held === 0) waiting.push(get('/'));
      await new Promise(resolve => setImmediate(resolve));
      return backends.held > 0;
    });
    const held = backends.held;
    for (let count = 0; count < 10; count++) assert.equal((await get('/')).who, '127.0.3.2:8000');
    assert.equal(backends.held, held);
    backends.slow.clear();
    backends.release();
    await Promise.all(waiting);
  },
  /** The four names of the page, where it says. */
  async observability() {
    const upstream = 'upstream "u" { target "127.0.3.1:8000" }\nupstream "gone" { target "127.0.9.9:1" }\n';
    const routes =
      'route "all" { matches { path-prefix "/" }; upstream "u" }\nroute "gone" { matches { path "/gone" }; upstream "gone" }\n';
    await run(`${block('observability')}${listener}${upstream}${routes}`);
    await answeredBy('127.0.3.1:8000', '/metered');
    await until('a failure', async () => (await get('/gone')).status === 503);
    await until('the metrics', async () => (await get('/metrics', 9090)).status === 200);
    const { body } = await get('/metrics', 9090);
    const has = (pattern: RegExp): void => assert.match(body, pattern);
    has(/^sentinel_upstream_healthy_backends\{upstream="u"\} 1$/m);
    has(/^sentinel_upstream_attempts_total\{upstream="u",route="all"\} [1-9]\d*$/m);
    has(
      /^sentinel_upstream_failures_total\{upstream="gone",route="gone",reason="connection_refused"\} [1-9]\d*$/m,
    );
    has(/^sentinel_requests_total\{route="all",method="GET",status="200"\} [1-9]\d*$/m);
    has(/^sentinel_requests_total\{route="gone",method="GET",status="503"\} [1-9]\d*$/m);
  },
  /** Neither KDL v1 nor v2: read, and what it says holds. */
  async configmap() {
    consul.set('api', { address: '127.0.2.1', port: 4000 });
    await run(block('configmap'));
    await answeredBy('127.0.2.1:4000', '/api/x');
    assert.equal((await get('/other')).status, 404);
    const health = await get('/_/health');
    assert.equal(health.status, 200);
    assert.equal((JSON.parse(health.body) as { status: string }).status, 'healthy');
    assert.match(gateway!.log, /true is KDL v1/);
  },
  /** Three bad answers in a row take a pod out, though nothing else says that it is unwell. */
  async 'health-check'() {
    putSlice(api, 'default', 'api', { number: 8000 }, '127.0.3.1', '127.0.3.2');
    backends.unwell.add('127.0.3.1:8000');
    await run(whole('health-check', 'backend'));
    await everybody(['127.0.3.2:8000']);
    await until('one pod is out', async () => {
      const { body } = await get('/', 8080);
      const who = new Set([(JSON.parse(body) as { who: string }).who]);
      for (let count = 0; count < 7; count++) who.add((await get('/')).who);
      return !who.has('127.0.3.1:8000');
    });
    for (let count = 0; count < 20; count++) assert.equal((await get('/')).who, '127.0.3.2:8000');
  },
  /** Limits, filters, rewrites and conditions, each by what a client sees. */
  async 'what routes say'() {
    await run(`${listener}
      upstream "u" { target "127.0.3.1:8000" }
      filter "each" { type "rate-limit"; max-rps 1; burst 2 }
      filter "all" { type "rate-limit"; max-rps 1; burst 1; key "route" }
      filter "cors" { type "cors"; allowed-origins "https://x.test" }
      filter "to" { type "redirect"; hostname "y.test"; scheme "https"; status-code 301; replace-prefix-match "/b" }
      filter "rw" { type "url-rewrite"; replace-prefix-match "/new" }
      route "small" { matches { path "/small" }; upstream "u"; policies { max-body-size 10 } }
      route "each" { matches { path "/each" }; upstream "u"; filters "each" }
      route "all" { matches { path "/all" }; upstream "u"; filters "all" }
      route "cors" { matches { path "/cors" }; upstream "u"; filters "cors" }
      route "go" { matches { path-prefix "/go" }; filters "to" }
      route "rw" {
        matches { path-prefix "/old" }; upstream "u"; filters "rw"
        policies { request-headers { set { X-A "50%" } }; response-headers { set { X-B "2" } } }
      }
      route "re" { matches { path-regex "^/v[0-9]+/x$"; method "GET" "PUT" }; upstream "u" }
      route "host" { matches { host "*.h.test" }; upstream "u" }
      route "soon" { priority "high"; matches { path "/v1/x"; header "X-Soon" }; builtin-handler "not-found" }
      route "ws" { matches { path "/ws" }; upstream "u"; websocket #true }
    `);
    await answeredBy('127.0.3.1:8000', '/small');
    /** How many of twenty requests at once were answered with each status. */
    const statuses = async (path: string): Promise<Readonly<Record<number, number>>> => {
      const found: Record<number, number> = {};
      for (const { status } of await Promise.all(Array.from({ length: 20 }, () => get(path))))
        found[status] = (found[status] ?? 0) + 1;
      return found;
    };
    const post = async (body: string): Promise<number> =>
      (await ask({ path: '/small', method: 'POST', body })).status;
    assert.deepEqual([await post('0123456789'), await post('0123456789a')], [200, 413]);
    // A token may come back while a starved machine asks: some are let through, and most of many are not.
    for (const [path, least] of [
      ['/each', 2],
      ['/all', 1],
    ] as const) {
      const { 200: passed = 0, 429: refused = 0 } = await statuses(path);
      assert.ok(passed >= least && refused > 0 && passed + refused === 20, `${path}: ${passed}, ${refused}`);
    }
    const cors = await ask({ path: '/cors', headers: { origin: 'https://x.test' } });
    assert.equal(cors.headers['access-control-allow-origin'], 'https://x.test');
    const go = await get('/go/x?y=1');
    assert.deepEqual([go.status, go.headers.location], [301, 'https://y.test/b/x?y=1']);
    const old = await get('/old/z');
    const echo = JSON.parse(old.body) as { path: string; headers: Record<string, string> };
    assert.deepEqual([echo.path, echo.headers['x-a'], old.headers['x-b']], ['/new/z', '50%', '2']);
    const asked = async (path: string, method: string, headers = {}): Promise<number> =>
      (await ask({ path, method, headers })).status;
    assert.deepEqual(
      [await asked('/v12/x', 'PUT'), await asked('/v12/xy', 'GET'), await asked('/v12/x', 'DELETE')],
      [200, 404, 404],
    );
    assert.deepEqual(
      [await asked('/v1/x', 'GET'), await asked('/v1/x', 'GET', { 'x-soon': '1' })],
      [200, 404],
    );
    assert.deepEqual(
      [await asked('/', 'GET', { host: 'a.b.h.test:99' }), await asked('/', 'GET', { host: 'h.test' })],
      [200, 404],
    );
    const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
    assert.equal(await asked('/small', 'GET', upgrade), 403);
    assert.notEqual(await asked('/ws', 'GET', upgrade), 403);
  },
  ...optionBlocks({ work, run }),
  /** A file with an error changes nothing, and says so with line and column; the next good one holds. */
  async 'a bad file'() {
    await run(
      `${listener}upstream "u" { target "127.0.3.1:8000" }\nroute "r" { matches { path-prefix "/" }; upstream "u" }\n`,
    );
    await answeredBy('127.0.3.1:8000');
    await run(
      `${listener}upstream "u" { target "127.0.3.2:8000" }\nrout "r" { matches { path-prefix "/" }; upstream "u" }\n`,
    );
    await until('the error', () => /sentinel\.kdl:3:1"/.test(gateway!.log));
    assert.match(gateway!.log, /the configuration has no option rout; did you mean route\?/);
    for (let count = 0; count < 5; count++) assert.equal((await get('/')).who, '127.0.3.1:8000');
  },
  /** Told to end, the gateway is unwell for load balancers, and ends; its pid-file goes with it. */
  async 'an end in order'() {
    const pidFile = join(work, 'pid');
    const { pid } = gateway!;
    assert.equal(readFileSync(pidFile, 'utf8'), `${pid}\n`);
    gateway!.signal('SIGTERM');
    assert.equal(await gateway!.ended, 0);
    assert.ok(!existsSync(pidFile));
  },
};

copyFileSync(join(seeds, 'dns.kdl'), join(work, 'sentinel.kdl'));
for (const [name, check] of Object.entries(blocks)) {
  let failed = '';
  try {
    await check();
  } catch (error) {
    failed = `${error instanceof Error ? error.stack : String(error)}\n${gateway?.log.slice(-3_000) ?? ''}`;
  } finally {
    // What one block has left must not be what the next one fails by.
    consul.up = true;
    backends.unwell.clear();
    backends.slow.clear();
    backends.release();
  }
  process.stdout.write(`${JSON.stringify({ block: name, failed })}\n`);
}
process.exit(0);
