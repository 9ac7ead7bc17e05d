// From a file to what proxies are told.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DestinationResource,
  formatRef,
  gatewayKey,
  type Route,
  virtualHostKey,
} from '../../model/index.ts';
import { type Change, type KubeObject, keyOf, kindOf, refOf } from '../../registry/index.ts';
import { resolveDestination, resolveEndpoints, resolveGateway } from '../../resolve/index.ts';
import { Translator } from '../translator.ts';
import { configurationObject, endpointsObject, sentinel } from './index.ts';

const caller = { namespace: 'edge', labels: {} };

function put(object: KubeObject): Change {
  const ref = refOf(object, 'edge.kdl');
  return {
    type: 'put',
    kind: kindOf(object.apiVersion, object.kind),
    key: keyOf(object.metadata),
    stored: { object, ref },
  };
}

function translated(text: string, ...more: readonly KubeObject[]) {
  const translator = new Translator({ dialects: sentinel });
  const apply = (next: string) =>
    translator.apply([
      put(configurationObject('edge', { files: [{ file: 'edge.kdl', text: next }], problems: [] })),
    ]);
  apply(text);
  translator.apply(more.map(put));
  const destination = (port: number): DestinationResource => {
    const key = virtualHostKey({ gateway: 'edge/sentinel', port, listener: '*', host: '*' });
    return resolveDestination(translator.mesh, caller, key).resource;
  };
  return {
    apply,
    problems: () => translator.problems(),
    gateway: () => resolveGateway(translator.mesh, caller, gatewayKey('edge/sentinel')).resource,
    destination,
    endpoints: (cluster: string) => resolveEndpoints(translator.mesh, caller, cluster).resource,
  };
}

const seed = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../../test/seeds/sentinel', name), 'utf8');
const shown = ({ name, action }: Route) =>
  `${name} ${action.kind}${action.kind === 'forward' ? ` ${action.clusters.map(each => each.cluster).join()}` : ''}`;

test('the ConfigMap of the seed is a listener, its route with the health path before it, and a cluster with its endpoints', () => {
  const endpoint = { address: '10.0.0.1', port: 3000, weight: 1, healthy: true };
  const { gateway, destination, endpoints, problems } = translated(
    seed('configmap.kdl'),
    endpointsObject('edge', 'api', [
      endpoint,
      { ...endpoint, port: 3001, weight: 2 },
      { ...endpoint, address: '10.0.0.2', healthy: false },
    ]),
  );
  assert.deepEqual(
    problems().map(each => `${each.path} ${each.severity} ${each.code}`),
    ['edge.kdl:9:22 warning kdl-v1-keyword'],
  );
  const [listener] = gateway().listeners;
  assert.deepEqual([listener?.port, listener?.addresses, listener?.protocol], [8080, ['0.0.0.0'], 'http']);
  const { routes, clusters } = destination(8080);
  assert.deepEqual(routes.map(shown), [
    'sentinel-health forward _builtin.upstream.sentinel:80',
    'api-no-websocket respond',
    'api forward api.upstream.sentinel:80',
    'no-route respond',
  ]);
  assert.equal(routes[2]!.edge?.body?.maxBytes, 10 << 20);
  const api = clusters.find(each => each.name === 'api.upstream.sentinel:80');
  assert.equal(api?.settings.balancer.kind, 'least-request');
  assert.equal(api?.protocol, 'http');
  const resource = endpoints('api.upstream.sentinel:80');
  assert.deepEqual(
    resource.endpoints.map(({ address, port, weight, tls }) => `${address}:${port}*${weight ?? 1} ${tls}`),
    ['10.0.0.1:3000*1 plaintext', '10.0.0.1:3001*2 plaintext'],
  );
  assert.equal(resource.total, 3);
});

test('each listener has the routes, and its own default-route after them', () => {
  const { destination } = translated(`
    listener "a" { address "0.0.0.0:80"; default-route "other" }
    listener "b" { address "0.0.0.0:81" }
    upstream "u" { target "10.0.0.1:80" }
    route "one" { matches { path "/one" }; upstream "u"; websocket #true }
    route "other" { matches { path "/other" }; upstream "u"; websocket #true }
  `);
  const names = (port: number) => destination(port).routes.map(each => each.name);
  assert.deepEqual(names(80), ['sentinel-health', 'one', 'other', 'other~2']);
  assert.deepEqual(names(81), ['sentinel-health', 'one', 'other', 'no-route']);
});

test('a file with an error changes nothing, and its error has the object and the place', () => {
  const { apply, destination, problems } = translated(seed('consul.kdl'));
  const before = destination(8080).routes.map(shown);
  assert.ok(before.includes('default forward backend.upstream.sentinel:80'), before.join());
  apply(seed('consul.kdl').replace('route "default"', 'rout "default"'));
  assert.deepEqual(destination(8080).routes.map(shown), before);
  const [error] = problems().filter(each => each.severity === 'error');
  assert.equal(error?.path, 'edge.kdl:24:5');
  assert.match(error?.message ?? '', /routes has no option rout; did you mean route\?/);
  assert.match(formatRef(error!.object!), /SentinelConfiguration/);
  apply(
    'listener "http" { address "0.0.0.0:8080" }\nroute "r" { matches { path "/" }; builtin-handler "not-found" }',
  );
  assert.deepEqual(destination(8080).routes.map(shown), [
    'sentinel-health forward _builtin.upstream.sentinel:80',
    'r respond',
    'no-route respond',
  ]);
});

test('everything that an upstream says is in its cluster, everything that a route says in its route', () => {
  const { destination } = translated(`
    listener "http" { address "0.0.0.0:80" }
    upstream "u" {
      target "10.0.0.1:443"
      load-balancing "sticky" { cookie-name "S" }
      connection-pool { max-connections 7; idle-timeout-secs 8 }
      timeouts { connect-secs 2; request-secs 9; read-secs 4 }
      circuit-breaker { failure-threshold 3; timeout-seconds 20 }
      tls { sni "u.test"; ca-cert "/ca.pem" }
      http-version { min-version 2; max-h2-streams 50 }
    }
    upstream "copy" { target "10.0.0.2:80" }
    filter "limit" { type "rate-limit"; max-rps 4; key "route" }
    filter "each" { type "rate-limit"; max-rps 5; burst 1 }
    filter "small" { type "compress"; algorithms "br" }
    route "r" {
      matches { path-prefix "/" }
      upstream "u"
      websocket #true
      filters "limit" "each" "small"
      retry-policy { max-attempts 2; retryable-status-codes 503 }
      shadow { upstream "copy"; percentage 12.5 }
    }
  `);
  const { routes, clusters } = destination(80);
  const route = routes.find(each => each.name === 'r')!;
  const { settings, protocol } = clusters.find(each => each.name === 'u.upstream.sentinel:80')!;
  assert.equal(protocol, 'http2');
  assert.deepEqual(
    [settings.connectTimeoutMs, settings.idleTimeoutMs, settings.limits.maxConnections],
    [2_000, 8_000, 7],
  );
  assert.deepEqual([settings.outlier.consecutive5xx, settings.outlier.baseEjectionTimeMs], [3, 20_000]);
  assert.deepEqual(settings.tls, { mode: 'simple', serverName: 'u.test', caFile: '/ca.pem' });
  assert.equal(settings.http2?.maxConcurrentStreams, 50);
  assert.deepEqual([route.timeoutMs, route.idleTimeoutMs], [9_000, 4_000]);
  assert.deepEqual(route.session, {
    cookie: 'S',
    path: '/',
    ttlSeconds: 3_600,
    sameSite: 'Lax',
    secure: 'by-tls',
  });
  assert.deepEqual([route.retry.attempts, route.retry.statuses], [1, [503]]);
  assert.deepEqual(route.mirrors, [
    { cluster: 'copy.upstream.sentinel:80', percent: 12.5, timeoutMs: 5_000, maxBodyBytes: 1 << 20 },
  ]);
  assert.deepEqual(route.rateLimits?.[0]?.bucket, { maxTokens: 10, perFill: 1, fillIntervalMs: 250 });
  assert.deepEqual(
    route.edge?.clientLimits?.map(each => [each.perSecond, each.burst, each.status]),
    [[5, 1, 429]],
  );
  assert.deepEqual(route.edge?.compression?.encodings, ['br']);
});

test('sample-header: copies are made of requests with the header alone, and a limit of the whole route beside it is refused', () => {
  const file = (more: string) => `
    listener "http" { address "0.0.0.0:8080" }
    upstream "api" { target "10.0.0.1:80" }
    upstream "copy" { target "10.0.0.2:80" }
    route "r" {
      matches { path-prefix "/a"; header "X-A" "1" }
      upstream "api"
      shadow { upstream "copy"; percentage 50; sample-header "X-Sample" "yes" }
      ${more}
    }`;
  const { destination } = translated(file('websocket #true'));
  const { routes } = destination(8080);
  const shown = routes
    .slice(1, 3)
    .map(({ name, matches, mirrors }) => [
      name,
      matches?.[0]?.headers?.map(each => `${each.name}=${each.match.value}`),
      mirrors?.map(each => each.percent),
    ]);
  assert.deepEqual(shown, [
    ['r-sampled', ['x-a=1', 'x-sample=yes'], [50]],
    ['r', ['x-a=1'], undefined],
  ]);
  const refused = translated(file('policies { rate-limit { requests-per-second 5; key "route" } }'));
  assert.match(
    refused
      .problems()
      .map(each => each.message)
      .join(),
    /sample-header is not supported beside a rate limit of the whole route/,
  );
});

test('what stands in namespaces has names and hosts of its own, and each listener the routes that it has', () => {
  const upstream = 'upstream "u" { target "10.0.0.1:80" }';
  const route = 'route "r" { matches { path "/r" }; upstream "u"; websocket #true }';
  const { destination, endpoints, gateway } = translated(
    `listener "l" { address "0.0.0.0:80" }
    ${upstream}
    ${route}
    namespace "n" {
      service "s" {
        listener { address "0.0.0.0:81"; protocol "https"; tls { cert-file "a"; key-file "b" } }
        upstreams { ${upstream} }
        routes { ${route} }
      }
    }`,
    endpointsObject('edge', 'n:s:u', [{ address: '10.0.0.9', port: 9, weight: 1, healthy: true }]),
  );
  const last = ['no-route respond'];
  const health = 'sentinel-health forward _builtin.upstream.sentinel:80';
  assert.deepEqual(destination(80).routes.map(shown), [health, 'r forward u.upstream.sentinel:80', ...last]);
  assert.deepEqual(destination(81).routes.map(shown), [
    health,
    'n:s:r forward n~s~u.upstream.sentinel:80',
    ...last,
  ]);
  assert.deepEqual(
    endpoints('n~s~u.upstream.sentinel:80').endpoints.map(({ address, port }) => `${address}:${port}`),
    ['10.0.0.9:9'],
  );
  const names = gateway().listeners.flatMap(each => each.tls?.certificates ?? []);
  assert.match(JSON.stringify(names), /edge\/listener\.n:s:service-listener\.0/);
});
