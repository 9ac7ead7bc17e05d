import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import { readSentinel } from './index.ts';

function read(text: string) {
  const { configuration, problems } = readSentinel(text, 'f');
  return { configuration, problems: problems.map(formatProblem) };
}

const api = 'upstream "api" { target "10.0.0.1:80" }\n';
const listener = 'listener "http" { address "0.0.0.0:8080" }\n';
const routeOf = (body: string, more = '') => {
  const { configuration, problems } = read(`${listener}${api}${more}route "r" { ${body}; upstream "api" }`);
  assert.deepEqual(
    problems.filter(each => each.includes(': error:')),
    [],
  );
  return configuration!.routes[0]!;
};

test('of one kind any condition must hold, of different kinds all', () => {
  const { matches } = routeOf(
    'matches { path "/a"; path-prefix "/b" "/c/"; host "x.org" "*.y.org"; method "get" "POST" }',
  );
  const method = { kind: 'regex', value: 'GET|POST' };
  const hosts = [
    { kind: 'exact', value: 'x.org', ignoreCase: true },
    { kind: 'suffix', value: '.y.org', ignoreCase: true },
  ];
  const paths = [
    { kind: 'exact', value: '/a' },
    { kind: 'segments', value: '/b' },
    { kind: 'prefix', value: '/c/' },
  ];
  assert.deepEqual(
    matches,
    paths.flatMap(path => hosts.map(authority => ({ path, method, authority }))),
  );
});

test('headers and parameters are asked for with a value or without, as arguments or by name', () => {
  const { matches } = routeOf('matches { header "X-A" "1"; header name="X-B"; query-param "q" value="2" }');
  assert.deepEqual(
    matches.map(({ headers, query }) => [headers?.[0], query?.[0]]),
    [
      [
        { name: 'x-a', match: { kind: 'exact', value: '1' } },
        { name: 'q', match: { kind: 'exact', value: '2' } },
      ],
      [
        { name: 'x-b', match: { kind: 'present', value: '' } },
        { name: 'q', match: { kind: 'exact', value: '2' } },
      ],
    ],
  );
});

test('routes are tried by priority, then the most specific, then as they stand', () => {
  const routes = [
    'route "prefix" { matches { path-prefix "/" }; upstream "api" }',
    'route "longer" { matches { path-prefix "/api" }; upstream "api" }',
    'route "host" { matches { path-prefix "/"; host "a.org" }; upstream "api" }',
    'route "pattern" { matches { path-regex "^/x" }; upstream "api" }',
    'route "exact" { matches { path "/x" }; upstream "api" }',
    'route "low" { priority "low"; matches { path "/x" }; upstream "api" }',
    'route "critical" { priority 1000; matches { path-prefix "/" }; upstream "api" }',
    'route "same" { matches { path-prefix "/" }; upstream "api" }',
  ];
  const { configuration } = read(listener + api + routes.join('\n'));
  assert.deepEqual(
    configuration?.routes.map(each => each.id),
    ['critical', 'exact', 'pattern', 'host', 'longer', 'prefix', 'same', 'low'],
  );
});

test('the first try counts among the attempts of a retry-policy', () => {
  const { retry } = routeOf(
    'matches { path "/a" }; retry-policy { max-attempts 4; retryable-status-codes 502 503; backoff "50ms" }',
  );
  assert.deepEqual(retry, {
    attempts: 3,
    on: ['connect-failure', 'refused-stream'],
    backoffBaseMs: 50,
    backoffMaxMs: 2_000,
    nonIdempotent: false,
    statuses: [502, 503],
  });
});

test('filters apply in the order of the route, to answers the other way round, and the route’s own edits are nearest to the upstream', () => {
  const filters = `
    filter "a" { type "headers"; phase "both"; set { X-Who "a"; X-A "50%" }; remove "X-Gone" }
    filter "b" { type "headers"; phase "both"; set { X-Who "b" } }
  `;
  const { requestHeaders, responseHeaders } = routeOf(
    'matches { path "/" }; filters "a" "b"; policies { request-headers { add { X-Own "1" } } }',
    filters,
  );
  assert.deepEqual(requestHeaders, {
    remove: ['x-gone'],
    set: [
      ['x-a', '50%%'],
      ['x-who', 'b'],
    ],
    add: [['x-own', '1']],
  });
  assert.deepEqual(responseHeaders?.set, [
    ['x-who', 'a'],
    ['x-a', '50%%'],
  ]);
});

test('rewrites of a prefix stand for the prefix of the route', () => {
  const filter = 'filter "w" { type "url-rewrite"; replace-prefix-match "/v2"; hostname "api.org" }\n';
  const { path, authority } = routeOf('matches { path-prefix "/v1" }; filters "w"', filter);
  assert.deepEqual(path, { kind: 'prefix', matched: '/v1', value: '/v2' });
  assert.equal(authority, 'api.org');
  const { problems } = read(
    `${listener}${api}${filter}route "r" { matches { path "/a" }; filters "w"; upstream "api" }`,
  );
  assert.match(problems[0]!, /error: route "r" replaces a prefix and does not have exactly one path-prefix/);
});

test('a filter that redirects needs no upstream', () => {
  const filter = 'filter "to" { type "redirect"; scheme "https"; status-code 301 }\n';
  const { configuration, problems } = read(
    `${listener}${filter}route "r" { matches { path-prefix "/" }; filters "to" }`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(configuration?.routes[0]?.action, {
    kind: 'redirect',
    redirect: { kind: 'redirect', status: 301, scheme: 'https' },
  });
});

test('limits are for each client, or for the route', () => {
  const filters =
    'filter "c" { type "rate-limit"; max-rps 5; burst 2 }\nfilter "r" { type "rate-limit"; max-rps 7; key "route" }\n';
  const route = routeOf(
    'matches { path-prefix "/" }; filters "c" "r"; policies { max-body-size "2KB" }',
    filters,
  );
  assert.deepEqual(route.rateLimits, [{ perSecond: 7, burst: 10, status: 429, dryRun: false }]);
  assert.deepEqual(
    route.clientLimits.map(({ zone, perSecond, burst }) => [zone, perSecond, burst]),
    [['sentinel/filter/c', 5, 2]],
  );
  assert.equal(route.maxBodyBytes, 2_048);
  assert.equal(routeOf('matches { path-prefix "/" }').maxBodyBytes, 10 << 20);
});

test('an upstream has Sentinel’s defaults, and what is said', () => {
  const upstream = (body: string) =>
    read(`upstream "u" { target "h:1" weight=3 { metadata { zone "z" } }; ${body} }`).configuration!
      .upstreams[0]!;
  const plain = upstream('');
  assert.deepEqual(
    [
      plain.connectTimeoutMs,
      plain.requestTimeoutMs,
      plain.idleTimeoutMs,
      plain.circuitBreaker,
      plain.balancer.kind,
    ],
    [
      ...[10_000, 60_000, 60_000],
      { failures: 5, openMs: 30_000, trial: { successes: 2, maxRequests: 1 }, isDefault: true },
      'round-robin',
    ],
  );
  assert.deepEqual(plain.settings.targets, [{ host: 'h', port: 1, weight: 3, zone: 'z' }]);
  const words = {
    round_robin: 'round-robin',
    least_connections: 'least-request',
    'consistent-hash': 'ring-hash',
    random: 'random',
    powerOfTwoChoices: 'p2c-ewma',
    p2c: 'p2c-ewma',
    ip_hash: 'ring-hash',
    maglev: 'maglev',
  };
  for (const [word, kind] of Object.entries(words))
    assert.equal(upstream(`load-balancing "${word}"`).balancer.kind, kind, word);
  const { session } = upstream('load-balancing "sticky" { cookie-name "S"; cookie-ttl "2h" }');
  assert.deepEqual(session, { cookie: 'S', path: '/', ttlSeconds: 7_200, sameSite: 'Lax', secure: 'by-tls' });
  const { healthCheck } = upstream(
    'health-check { type "http" { expected-status 200 "204-206" }; interval-secs 3 }',
  ).settings;
  assert.deepEqual(healthCheck, {
    probe: {
      kind: 'http',
      path: '/health',
      statuses: [
        { min: 200, max: 200 },
        { min: 204, max: 206 },
      ],
    },
    intervalMs: 3_000,
    timeoutMs: 5_000,
    healthyThreshold: 2,
    unhealthyThreshold: 3,
  });
});

test('spellings of older pages are read as well', () => {
  const { timeouts, pool } = (() => {
    const { upstreams } = read(
      'upstream "u" { target "h:1"; timeouts { connect 3 }; connection-pool { idle-timeout 7 } }',
    ).configuration!;
    return { timeouts: upstreams[0]!.connectTimeoutMs, pool: upstreams[0]!.idleTimeoutMs };
  })();
  assert.deepEqual([timeouts, pool], [3_000, 7_000]);
});

test('two upstreams of one id are one where one has targets and the other a discovery', () => {
  const consul = 'upstream "b" { discovery "consul" { address "consul:8500"; service "s" } }\n';
  const { configuration, problems } = read(`${consul}upstreams { upstream "b" { target "127.0.0.1:3000" } }`);
  const [only, ...more] = configuration!.upstreams;
  assert.equal(more.length, 0);
  assert.equal(only?.settings.discovery?.kind, 'consul');
  assert.deepEqual(only?.settings.targets, [{ host: '127.0.0.1', port: 3000, weight: 1 }]);
  assert.equal(only?.settings.keepTargets, false);
  assert.match(problems[0]!, /sentinel-static-beside-discovery/);
  const both = read(`${consul}upstream "b" { static "add"; target "127.0.0.1:3000" }`);
  assert.equal(both.configuration?.upstreams[0]?.settings.keepTargets, true);
  assert.deepEqual(both.problems, []);
  assert.match(
    read(api + api).problems[0]!,
    /error: there are two upstreams "api"; the other is in line 1 \(sentinel-id-twice\)/,
  );
});

test('what is named and does not exist is told with what there is', () => {
  const { problems } = read(`
    listener "http" { address "0.0.0.0:80"; default-route "fallbak" }
    ${api}
    route "fallback" { matches { path "/" }; upstream "apis"; filters "gone" }
    route "r" { matches { path "/" }; upstream "api"; shadow { upstream "x" } }
  `);
  assert.deepEqual(problems, [
    'f:2:59: error: default-route of listener "http" names the route "fallbak", which does not exist; there is r (sentinel-unknown-reference)',
    'f:5:55: error: route "fallback" names the upstream "apis", which does not exist; did you mean api? (sentinel-unknown-reference)',
    'f:5:71: error: route "fallback" names the filter "gone", which does not exist; there is none (sentinel-unknown-reference)',
    'f:6:73: error: shadow of route "r" names the upstream "x", which does not exist; there is api (sentinel-unknown-reference)',
  ]);
});

test('two listeners of one port, one without certificate and one of QUIC are refused', () => {
  const { problems } = read(`
    listener "a" { address "0.0.0.0:80" }
    listener "b" { address "[::]:80" }
    listener "c" { address "0.0.0.0:443"; protocol "https" }
    listener "d" { address "0.0.0.0:444"; protocol "h3" }
    listener "e" { address "8080" }
    listener "f" { address "0.0.0.0:81"; tls { cert-file "c"; key-file "k" } }
  `);
  assert.deepEqual(
    problems.map(each => each.replace(/.*error: /, '').slice(0, 60)),
    [
      'listener "b" has port 80, which listener "a" in line 2 has a',
      'listener "c" has protocol https and no certificate: tls { ce',
      'protocol h3 is not supported: QUIC is not spoken here; say h',
      'address is "8080"; it takes an address and a port, such as 0',
      'listener "f" has certificates and protocol http; say protoco',
    ],
  );
});

test('what Weft does not do is refused with the reason, and never taken silently', () => {
  for (const text of [
    'agents { agent "auth" {} }',
    'waf { mode "prevention" }',
    'filters { filter "g" { type "geo" } }',
    'filters { filter "a" { type "agent" } }',
    `${api}route "r" { matches { path "/" }; upstream "api"; inference { } }`,
    `${api}route "r" { matches { path "/" }; upstream "api"; waf-enabled #true }`,
    `${api}route "r" { matches { path "/" }; service-type "inference" }`,
    'upstream "u" { target "h:1"; load-balancing "deterministic_subset" }',
    'upstream "u" { target "h:1"; health-check { type "inference" } }',
  ]) {
    const { configuration, problems } = read(text);
    assert.equal(configuration, undefined, text);
    assert.match(problems.join('\n'), /error: .*is not supported: .{10,}\(kdl-refused\)/, text);
  }
});

test('an upstream without targets, and a target that is none, are refused', () => {
  assert.match(
    read('upstream "u" {}').problems[0]!,
    /upstream "u" has neither targets nor a discovery \(kdl-missing\)/,
  );
  assert.match(
    read('upstream "u" { target "h" }').problems[0]!,
    /f:1:23: error: "h" is no target; it takes a host and a port/,
  );
});

test('what a later filter says of a header wins, whether it sets it or takes it out', () => {
  const filters = `
filter "a" { type "headers"; set { x-one "1"; x-two "1" }; add { x-three "1" } }
filter "b" { type "headers"; remove "x-one"; set { x-three "2" } }
`;
  assert.deepEqual(routeOf('filters "a" "b"', filters).requestHeaders, {
    remove: ['x-one'],
    set: [
      ['x-two', '1'],
      ['x-three', '2'],
    ],
  });
  assert.deepEqual(routeOf('filters "b" "a"', filters).requestHeaders, {
    remove: ['x-one'],
    set: [
      ['x-three', '2'],
      ['x-one', '1'],
      ['x-two', '1'],
    ],
    add: [['x-three', '1']],
  });
});

test('error-pages are written in their format, with what is said escaped, for answers of the gateway alone', () => {
  const { errorPages = [] } = routeOf(`
error-pages {
  default-format "html"
  pages {
    "503" { message "a < b & c"; headers { Retry-After "5%" } }
    "404" { format "json"; message "say \\"what\\"" }
    "429" { format "xml"; message "<slow>" }
    "500" { format "text" }
  }
}`);
  const page = (status: number) => errorPages.find(each => each.statuses.includes(status))!;
  assert.match(page(503).body!, /<h1>503 Service Unavailable<\/h1><p>a &lt; b &amp; c<\/p>/);
  assert.deepEqual(page(503).fields, [['retry-after', '5%']]);
  assert.deepEqual(JSON.parse(page(404).body!), { status: 404, error: 'Not Found', message: 'say "what"' });
  assert.match(page(429).body!, /<status>429<\/status><message>&lt;slow&gt;<\/message>/);
  assert.deepEqual(
    [page(500).contentType, page(500).body],
    ['text/plain; charset=utf-8', 'Internal Server Error\n'],
  );
  assert.match(page(502).body!, /<h1>502 Bad Gateway<\/h1><\/body>/);
  assert.ok(errorPages.every(each => each.ownOnly));
});

test('error-pages: what cannot be is named with its place', () => {
  const pages = (body: string, to = 'upstream "api"') =>
    read(`${listener}${api}route "r" { matches { path "/" }; ${to}; error-pages { ${body} } }`).problems.join(
      '\n',
    );
  assert.match(pages('default-fromat "html"'), /has no option default-fromat; did you mean default-format\?/);
  assert.match(pages('pages { "200" { message "x" } }'), /error: pages has no option 200/);
  assert.match(
    pages('pages { "503" { headers { Content-Length "1" } } }'),
    /content-length cannot be edited/,
  );
  assert.match(
    pages('', 'builtin-handler "status"'),
    /warning: error-pages have no effect: route "r" has no/,
  );
});

test('rename: names in lower case and in turn, before all other edits; what an earlier filter edits is not renamed', () => {
  const filters = `
filter "a" { type "headers"; rename { X-Old "X-New" } }
filter "b" { type "headers"; rename { X-New "X-Newest" }; set { X-Who "b" } }
filter "c" { type "headers"; rename { X-Who "X-Whom" } }
`;
  assert.deepEqual(routeOf('filters "a" "b"', filters).requestHeaders, {
    rename: [
      ['x-old', 'x-new'],
      ['x-new', 'x-newest'],
    ],
    set: [['x-who', 'b']],
  });
  const faults = (route: string) =>
    read(`${listener}${api}${filters}route "r" { matches { path "/" }; ${route}; upstream "api" }`).problems;
  assert.match(faults('filters "b" "c"').join(), /x-who is edited by one filter and renamed by a later one/);
  assert.deepEqual(
    faults('filters "c" "b"').filter(each => each.includes(': error:')),
    [],
  );
  const own = (rename: string) => faults(`policies { request-headers { rename { ${rename} } } }`).join();
  assert.match(own('Host "X-Host"'), /host cannot be renamed/);
  assert.match(own('X-A "Content-Length"'), /content-length cannot be edited/);
  assert.match(own('X-A "not a name"'), /"not a name" is no name of a header/);
});
