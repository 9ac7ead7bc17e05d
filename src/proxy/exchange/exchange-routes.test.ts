import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../../http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../http1/index.ts';
import type { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import type { CorsPolicy, RateLimit } from '../../model/index.ts';
import { expositionText } from '../../telemetry/index.ts';
import { PassThrough } from '../destinations/pass-through.ts';
import { GET, OK, post } from '../testing/exchange-rig.ts';
import { forward, RouteRig, type TestRoute } from '../testing/route-rig.ts';

const withHeader = (line: string): string => `GET /a HTTP/1.1\r\nhost: a\r\n${line}\r\n\r\n`;

test('the first route that matches decides; without one the answer is 404 NR', async () => {
  const rig = new RouteRig([
    {
      matches: [{ headers: [{ name: 'end-user', match: { kind: 'exact', value: 'jason' } }] }],
      action: forward(['b:80']),
    },
    { matches: [{ path: { kind: 'exact', value: '/a' } }] },
  ]);
  assert.deepEqual(Object.keys(await rig.send(withHeader('End-User: jason'))), ['2']);
  assert.deepEqual(Object.keys(await rig.send(withHeader('end-user: ada'))), ['1']);
  const client = rig.client();
  await rig.send('GET /b HTTP/1.1\r\nhost: a\r\n\r\n', client);
  assert.match(client.peer.text, /^HTTP\/1\.1 404 [\s\S]*x-weft-flag: NR/);
});

test('weights are exact over a deal', async () => {
  let seed = 7;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const clusters = [
    { cluster: 'a:80', weight: 90 },
    { cluster: 'b:80', weight: 10 },
  ];
  const rig = new RouteRig([{ action: forward(clusters) }], { random });
  const client = rig.client();
  const upstreams = new Map<string, MemoryPeer>();
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1000; i++) {
    for (const [number, peer] of Object.entries(await rig.send(GET, client))) upstreams.set(number, peer);
    for (const [number, peer] of upstreams) {
      if (peer.take() === '') continue;
      counts[number] = (counts[number] ?? 0) + 1;
      peer.send(OK);
    }
  }
  assert.deepEqual(counts, { 1: 900, 2: 100 });
});

test('requests and answers are edited, the cluster first and the route after it; what is not edited stays byte for byte', async () => {
  const rig = new RouteRig([
    {
      requestHeaders: { set: [['x-team', 'route']], add: [['x-seen', '%REQ(x-in)%']], remove: ['x-secret'] },
      responseHeaders: { set: [['server', 'weft']], remove: ['x-powered-by'] },
      action: forward([
        {
          cluster: 'a:80',
          weight: 1,
          requestHeaders: {
            set: [
              ['x-team', 'cluster'],
              ['x-canary', 'yes'],
            ],
          },
          responseHeaders: { add: [['x-version', 'v2']] },
        },
      ]),
    },
  ]);
  const client = rig.client();
  const got = await rig.send(
    'GET /a HTTP/1.1\r\nHost: a\r\nX-In: one\r\nX-Secret: s\r\nX-Team: client\r\n\r\n',
    client,
  );
  assert.equal(
    got[1]!.text,
    'GET /a HTTP/1.1\r\nHost: a\r\nX-In: one\r\nx-canary: yes\r\nx-team: route\r\nx-seen: one\r\n\r\n',
  );
  got[1]!.send('HTTP/1.1 200 OK\r\nServer: app\r\nX-Powered-By: php\r\ncontent-length: 0\r\n\r\n');
  assert.equal(
    client.peer.text,
    'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-version: v2\r\nserver: weft\r\n\r\n',
  );
});

test('path and authority are rewritten', async () => {
  const rig = new RouteRig([
    {
      matches: [{ path: { kind: 'segments', value: '/api' } }],
      action: forward(['a:80'], {
        path: { kind: 'prefix', matched: '/api', value: '/v1' },
        authority: 'internal:8080',
      }),
    },
  ]);
  const got = await rig.send('GET /api/users?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n');
  assert.equal(got[1]!.text, 'GET /v1/users?x=1 HTTP/1.1\r\nhost: internal:8080\r\n\r\n');
  assert.equal(rig.records().length, 0);
});

test('what is said of one share holds for it alone, in place of what the route says', async () => {
  const rolls = [0.9, 0.1];
  const rig = new RouteRig(
    [
      {
        action: forward(
          [
            'a:80',
            {
              cluster: 'b:80',
              weight: 1,
              path: { kind: 'prefix', matched: '/api', value: '/v2' },
              authority: 'b.example',
              mirrors: [{ cluster: 'c:80', percent: 100 }],
            },
          ],
          { authority: 'internal', path: { kind: 'prefix', matched: '/api', value: '/v1' } },
        ),
      },
    ],
    { random: () => rolls.shift() ?? 0 },
  );
  const asked = 'GET /api/users HTTP/1.1\r\nHost: shop\r\n\r\n';
  const ofB = await rig.send(asked);
  assert.deepEqual(Object.keys(ofB), ['2', '3']);
  assert.equal(ofB[2]!.text, 'GET /v2/users HTTP/1.1\r\nhost: b.example\r\n\r\n');
  assert.match(ofB[3]!.text, /^GET \/v2\/users HTTP\/1\.1\r\nhost: b\.example-shadow\r\n/);
  const ofA = await rig.send(asked);
  assert.deepEqual(Object.keys(ofA), ['1']);
  assert.equal(ofA[1]!.text, 'GET /v1/users HTTP/1.1\r\nhost: internal\r\n\r\n');
});

test('a share can be redirected, and one of weight 0 before it changes nothing', async () => {
  const rolls = [0.9, 0.1];
  const redirect = { kind: 'redirect', status: 307, authority: 'old.example' } as const;
  const share = { cluster: 'c:80', weight: 1, redirect, responseHeaders: { set: [['x-by', 'c'] as const] } };
  const rig = new RouteRig([{ action: forward([{ cluster: 'b:80', weight: 0 }, 'a:80', share]) }], {
    random: () => rolls.shift() ?? 0,
  });
  const client = rig.client();
  await rig.send(GET, client);
  assert.match(
    client.peer.take(),
    /^HTTP\/1\.1 307 [^\n]*\n[\s\S]*location: http:\/\/old\.example\/a\r\nx-by: c\r\n/,
  );
  const got = await rig.send(GET, client);
  got[1]!.send(OK);
  assert.equal(client.peer.take(), OK);
  assert.deepEqual(rig.outcomes(), ['307', '200']);
  assert.equal(rig.clusters.get('c:80')!.occupancy.requests, 0);
});

test('a redirect and an answer of its own never reach an upstream', async () => {
  const rig = new RouteRig([
    {
      matches: [{ path: { kind: 'prefix', value: '/old' } }],
      action: {
        kind: 'redirect',
        status: 308,
        scheme: 'https',
        authority: 'new.example',
        path: { kind: 'prefix', matched: '/old', value: '/new' },
      },
    },
    {
      action: { kind: 'respond', status: 418, body: 'teapot\n', contentType: 'text/plain' },
      responseHeaders: { set: [['x-by', 'policy']] },
    },
  ]);
  const client = rig.client();
  await rig.send('GET /old/a?b HTTP/1.1\r\nhost: a\r\n\r\n', client);
  assert.match(
    client.peer.take(),
    /^HTTP\/1\.1 308 .*\r\n[\s\S]*location: https:\/\/new\.example\/new\/a\?b\r\n/,
  );
  await rig.send(GET, client);
  assert.match(client.peer.take(), /^HTTP\/1\.1 418 [\s\S]*x-by: policy[\s\S]*teapot\n$/);
  assert.deepEqual(rig.outcomes(), ['308', '418']);
  assert.equal(rig.host.dials.length, 0);
});

test('a redirect to another scheme leaves out the port of the old one, and keeps any other that the client named', async () => {
  const to = async (scheme: string | undefined, host: string): Promise<string | undefined> => {
    const rig = new RouteRig([{ action: { kind: 'redirect', status: 301, ...(scheme && { scheme }) } }]);
    const client = rig.client();
    await rig.send(`GET /a HTTP/1.1\r\nhost: ${host}\r\n\r\n`, client);
    return /location: (\S+)/.exec(client.peer.take())?.[1];
  };
  assert.equal(await to('https', 'a.test:80'), 'https://a.test/a');
  assert.equal(await to('https', 'a.test:8080'), 'https://a.test:8080/a');
  assert.equal(await to('http', 'a.test:443'), 'http://a.test/a');
  assert.equal(await to('http', 'a.test:8443'), 'http://a.test:8443/a');
  assert.equal(await to(undefined, 'a.test:443'), 'http://a.test:443/a', 'no other scheme');
});

test('a delay on purpose: the request waits, body and all, and is marked DI; its client may leave meanwhile', async () => {
  const rig = new RouteRig([{ fault: { delay: { ms: 5_000, percent: 100 } }, timeoutMs: 1_000 }]);
  const client = rig.client();
  client.peer.send(post('hello'));
  await rig.advance(4_900);
  assert.equal(rig.host.dials.length, 0);
  await rig.advance(150);
  const upstream = await rig.upstream();
  assert.equal(upstream.text, post('hello'));
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(rig.outcomes(), ['200 DI']);
  const leaving = rig.client();
  leaving.peer.send(GET);
  leaving.peer.breakOff();
  await rig.advance(6_000);
  assert.equal(rig.host.dials.length, 0);
  assert.deepEqual(rig.outcomes(leaving), ['0 DC']);
});

test('a failure on purpose takes its share of the requests, and says so', async () => {
  const rolls = [0.05, 0.5];
  const fault = { abort: { status: 500, percent: 10 } };
  const rig = new RouteRig([{ fault }], { random: () => rolls.shift() ?? 0 });
  const first = rig.client();
  await rig.send(GET, first);
  assert.match(first.peer.text, /^HTTP\/1\.1 500 [\s\S]*x-weft-flag: FI[\s\S]*route route-0 asks for 500/);
  const got = await rig.send(GET);
  got[1]!.send(OK);
  assert.deepEqual(rig.outcomes(), ['500 FI', '200']);
});

const cors: CorsPolicy = {
  origins: [{ kind: 'exact', value: 'https://shop.example' }],
  methods: ['GET', 'PUT'],
  headers: ['x-token'],
  exposeHeaders: ['x-id'],
  maxAgeSeconds: 600,
  credentials: true,
  forwardUnmatchedPreflights: false,
};

test('browsers of other origins: preflights are answered, answers are opened to the origins that may have them', async () => {
  const rig = new RouteRig([{ cors }]);
  const client = rig.client();
  await rig.send(
    'OPTIONS /a HTTP/1.1\r\nhost: a\r\norigin: https://shop.example\r\naccess-control-request-method: PUT\r\n\r\n',
    client,
  );
  const preflight = client.peer.take();
  assert.match(preflight, /^HTTP\/1\.1 200 /);
  assert.match(preflight, /access-control-allow-origin: https:\/\/shop\.example\r\n/);
  assert.match(preflight, /access-control-allow-methods: GET,PUT\r\n/);
  const got = await rig.send(withHeader('Origin: https://shop.example'), client);
  got[1]!.send(OK);
  assert.match(
    client.peer.take(),
    /access-control-allow-origin: https:\/\/shop\.example\r\n[\s\S]*access-control-expose-headers: x-id\r\n/,
  );
  await rig.send(withHeader('Origin: https://evil.example'), client);
  got[1]!.send(OK);
  assert.equal(client.peer.take(), OK);
});

test('an answer of Weft to an origin that may read it says so too', async () => {
  const rig = new RouteRig([{ cors }]);
  rig.clusters.get('a:80')!.setEndpoints({ kind: 'endpoints', key: 'a:80', endpoints: [], total: 1 });
  const client = rig.client();
  await rig.send(withHeader('Origin: https://shop.example'), client);
  assert.match(
    client.peer.text,
    /^HTTP\/1\.1 503 [\s\S]*access-control-allow-origin: https:\/\/shop\.example/,
  );
});

const limit: RateLimit = {
  bucket: { maxTokens: 2, perFill: 2, fillIntervalMs: 60_000 },
  matches: [],
  status: 429,
  enabledPercent: 100,
  enforcedPercent: 100,
};

test('renamed fields keep their values and take the place of what had the name; one that is missing changes nothing', async () => {
  const rig = new RouteRig([
    {
      requestHeaders: {
        rename: [
          ['x-old', 'x-new'],
          ['x-new', 'x-newest'],
          ['x-missing', 'x-kept'],
        ],
        set: [['x-old', 'set']],
      },
      responseHeaders: { rename: [['x-cookie', 'set-cookie']] },
    },
  ]);
  const client = rig.client();
  const fields = 'X-OLD: 1\r\nX-New: taken\r\nx-old: 2\r\nX-Newest: taken\r\nX-Kept: k\r\n';
  const got = await rig.send(`GET /a HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, client);
  assert.equal(
    got[1]!.text,
    'GET /a HTTP/1.1\r\nHost: a\r\nX-Kept: k\r\nx-newest: 1\r\nx-newest: 2\r\nx-old: set\r\n\r\n',
  );
  got[1]!.send('HTTP/1.1 200 OK\r\nSet-Cookie: old=1\r\nX-Cookie: a=1\r\ncontent-length: 0\r\n\r\n');
  assert.equal(client.peer.text, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: a=1\r\n\r\n');
});

test('a rate limit lets through what its bucket holds, and its tokens outlive a change of the routes', async () => {
  const rig = new RouteRig([{ rateLimits: [limit] }]);
  const client = rig.client();
  const got = await rig.send(GET, client);
  got[1]!.send(OK);
  rig.use([{ rateLimits: [limit], requestHeaders: { set: [['x-new', '1']] } }]);
  await rig.send(GET, client);
  got[1]!.send(OK);
  client.peer.take();
  await rig.send(GET, client);
  const refused = client.peer.take();
  assert.match(
    refused,
    /^HTTP\/1\.1 429 [\s\S]*x-envoy-ratelimited: true\r\nretry-after: 60\r\n[\s\S]*2 per 60000 ms/,
  );
  await rig.advance(60_000);
  const later = await rig.send(GET, client);
  later[1]!.send(OK);
  assert.equal(client.peer.take(), OK);
  assert.deepEqual(rig.outcomes(), ['200', '200', '429 RL', '200']);
});

test('a copy goes to the mirror, body and all, and whatever becomes of it nobody notices', async () => {
  const rig = new RouteRig([
    { mirrors: [{ cluster: 'b:80', percent: 100 }], requestHeaders: { set: [['x-edit', '1']] } },
  ]);
  const client = rig.client();
  client.peer.send(post('hello').slice(0, -2));
  await rig.settle();
  assert.deepEqual(rig.dialled.sort(), [1, 2]);
  const mirror = rig.host.dials.find(({ endpoint }) => endpoint.address === '10.0.0.2')!.open();
  const real = rig.host.dials[0]!.open();
  await rig.settle();
  client.peer.send('lo');
  await rig.settle();
  assert.equal(
    mirror.text,
    real.text.replace('host: a\r\n', '').replace('\r\n\r\n', '\r\nhost: a-shadow\r\n\r\n'),
  );
  assert.match(mirror.text, /hello$/);
  mirror.breakOff();
  real.send(OK);
  assert.equal(client.peer.text, OK);
  const { mirrored, occupancy } = rig.clusters.get('b:80')!;
  assert.deepEqual(mirrored, { sent: 1, answered: 0, failed: 1 });
  assert.equal(occupancy.requests, 0);
});

test('a mirror that does not answer is given up, and one that cannot be reached costs nothing', async () => {
  const rig = new RouteRig([
    {
      mirrors: [
        { cluster: 'b:80', percent: 100 },
        { cluster: 'c:80', percent: 0 },
      ],
    },
  ]);
  const client = rig.client();
  const got = await rig.send(GET, client);
  got[1]!.send(OK);
  assert.equal(client.peer.text, OK);
  await rig.advance(31_000);
  assert.equal(got[2]!.closed, true);
  assert.deepEqual(rig.clusters.get('b:80')!.mirrored, { sent: 1, answered: 0, failed: 1 });
  assert.deepEqual(rig.clusters.get('c:80')!.mirrored, { sent: 0, answered: 0, failed: 0 });
});

test('a session keeps its endpoint and its side of a weighted split', async () => {
  const rolls = [0.9];
  const session = { cookie: 'sid', ttlSeconds: 3600, path: '/' };
  const rig = new RouteRig([{ session, action: forward(['a:80', 'b:80']) }], {
    random: () => rolls.shift() ?? 0,
  });
  const client = rig.client();
  const got = await rig.send(GET, client);
  assert.deepEqual(Object.keys(got), ['2']);
  got[2]!.send(OK);
  const cookie = /set-cookie: (sid="[0-9a-f]{16}"); Max-Age=3600; Path=\/; HttpOnly\r\n/.exec(
    client.peer.take(),
  )?.[1];
  assert.ok(cookie);
  for (let i = 0; i < 5; i++) {
    await rig.send(withHeader(`cookie: a=1; ${cookie}`), client);
    got[2]!.send(OK);
    assert.equal(client.peer.take(), OK, 'no new cookie for a client that has one');
  }
  rig.clusters.get('b:80')!.setEndpoints({ kind: 'endpoints', key: 'b:80', endpoints: [], total: 0 });
  const moved = await rig.send(withHeader(`cookie: ${cookie}`), client);
  moved[1]!.send(OK);
  assert.match(client.peer.take(), /set-cookie: sid=/);
});

test('targets that do not know the session of a route are chosen by weight, and set no cookie', async () => {
  let roll = 0.9;
  const session = { cookie: 'sid', ttlSeconds: 3600, path: '/', targets: 1 };
  const rig = new RouteRig([{ session, action: forward(['a:80', 'b:80']) }], { random: () => roll });
  const client = rig.client();
  const other = await rig.send(GET, client);
  assert.deepEqual(Object.keys(other), ['2']);
  other[2]!.send(OK);
  assert.equal(client.peer.take(), OK, 'no cookie');
  roll = 0;
  const own = await rig.send(GET, client);
  own[1]!.send(OK);
  const cookie = /set-cookie: (sid="[0-9a-f]{16}")/.exec(client.peer.take())?.[1];
  assert.ok(cookie);
  roll = 0.9;
  await rig.send(withHeader(`cookie: ${cookie}`), client);
  own[1]!.send(OK);
  assert.equal(client.peer.take(), OK, 'it stays where its session is');
});

test('statuses that a policy names are tried again, and response classes say what is a failure', async () => {
  const retry = {
    attempts: 1,
    perTryTimeoutMs: 0,
    on: [],
    statuses: [409],
    backoffBaseMs: 10,
    backoffMaxMs: 10,
    nonIdempotent: false,
  } as const;
  const classes: TestRoute = {
    retry,
    metricsName: 'GET /a',
    responseClasses: [
      { min: 404, max: 404, failure: true },
      { min: 500, max: 599, failure: false },
    ],
  };
  const rig = new RouteRig([classes]);
  const client = rig.client();
  const got = await rig.send(GET, client);
  got[1]!.send('HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n');
  await rig.advance(50);
  got[1]!.send('HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n');
  assert.match(client.peer.take(), /^HTTP\/1\.1 500/);
  await rig.send(GET, client);
  got[1]!.send('HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n');
  const text = expositionText(out => rig.metrics.render(out));
  const labels = 'dst="a.default",rt_route="GET /a"';
  assert.ok(text.includes(`weft_route_requests_total{${labels},classification="success"} 1`), text);
  assert.ok(text.includes(`weft_route_requests_total{${labels},classification="failure"} 1`), text);
  assert.ok(text.includes(`weft_route_tries_total{${labels}} 3`), text);
});

test('what cannot be run is refused in words, and what ran goes on', async () => {
  const rig = new RouteRig([{}]);
  const before = rig.destination;
  const bad: readonly (readonly [TestRoute, RegExp])[] = [
    [{ matches: [{ path: { kind: 'regex', value: '(' } }] }, /not valid RE2/],
    [{ requestHeaders: { set: [['content-length', '1']] } }, /'content-length' cannot be edited/],
    [{ responseHeaders: { add: [['x', 'a\r\nb']] } }, /control characters/],
    [{ action: { kind: 'redirect', status: 200 } }, /200 is no status of a redirect/],
    [
      { rateLimits: [{ ...limit, bucket: { maxTokens: 0, perFill: 1, fillIntervalMs: 1 } }] },
      /at least one token/,
    ],
  ];
  const [unclear, ...others] = bad;
  assert.throws(() => rig.use([unclear![0]]), unclear![1]);
  assert.equal(rig.destination, before);
  for (const [route, words] of others) {
    rig.use([route]);
    assert.match(rig.destination.refused!, words);
    assert.ok(rig.destination.routes[0]!.plain);
  }
  // Where nothing ran before, the requests that are meant get the reason, and the others what they are for.
  rig.use([{ ...others[0]![0], name: 'new', matches: [{ path: { kind: 'prefix', value: '/a' } }] }, {}]);
  assert.deepEqual(
    rig.destination.routes.map(each => each.unusable !== undefined),
    [true, false],
  );
  const client = rig.client();
  await rig.send(GET, client);
  assert.match(
    client.peer.text,
    /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: NFCF[\s\S]*route new: the header 'content-length' cannot be edited/,
  );
});

test('the share of a backend that does not exist is answered 500, and the others get theirs', async () => {
  const gone = { cluster: 'b:80', weight: 1, invalid: 'the backend gone:80 does not exist' };
  const rig = new RouteRig([{ action: forward(['a:80', gone]) }], { random: () => 0 });
  const statuses: string[] = [];
  let upstream: MemoryPeer | undefined;
  for (let i = 0; i < 4; i++) {
    const client = rig.client();
    const got = await rig.send(GET, client);
    upstream ??= Object.values(got)[0];
    if (client.peer.text === '') upstream!.send(OK);
    await rig.settle();
    if (client.peer.text.startsWith('HTTP/1.1 500'))
      assert.match(client.peer.text, /x-weft-flag: NC[\s\S]*the backend gone:80 does not exist/);
    statuses.push(client.peer.text.slice(9, 12));
  }
  assert.deepEqual(statuses.sort(), ['200', '200', '500', '500']);
});

test('paths are normalised before routes look at them and before anything goes on, and the query is not', async () => {
  const rig = new RouteRig([
    {
      matches: [{ path: { kind: 'segments', value: '/admin' } }],
      action: { kind: 'respond', status: 403, body: 'no', contentType: 'text/plain' },
    },
    {},
  ]);
  for (const path of [
    '/admin',
    '/public/../admin',
    '/./admin/x',
    '/public/%2e%2e/%61dmin',
    '/public\\..\\admin?x=1',
  ]) {
    const client = rig.client();
    assert.deepEqual(await rig.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, client), {}, path);
    assert.match(client.peer.text, /^HTTP\/1\.1 403 /, path);
  }
  const [upstream] = Object.values(
    await rig.send('GET /admin/../%70ublic?x=/../%61 HTTP/1.1\r\nhost: a\r\n\r\n'),
  );
  assert.match(upstream!.text, /^GET \/public\?x=\/\.\.\/%61 HTTP\/1\.1\r\n/);
  const client = rig.client();
  await rig.send('GET /admin%00 HTTP/1.1\r\nhost: a\r\n\r\n', client);
  assert.match(client.peer.text, /^HTTP\/1\.1 400 [\s\S]*x-weft-flag: DPE[\s\S]*%00/);
});

test('a rewritten path is normal too; mirrors and redirects see the normal path', async () => {
  const rig = new RouteRig([
    {
      matches: [{ path: { kind: 'prefix', value: '/moved' } }],
      action: { kind: 'redirect', status: 301, scheme: 'https' },
    },
    {
      matches: [{ path: { kind: 'prefix', value: '/files' } }],
      action: { ...forward(['a:80']), path: { kind: 'prefix', matched: '/files', value: '/srv/' } },
      mirrors: [{ cluster: 'b:80', percent: 100 }],
    },
  ]);
  const upstreams = await rig.send('GET /x/../files../secret HTTP/1.1\r\nhost: a\r\n\r\n');
  assert.deepEqual(
    Object.values(upstreams).map(each => each.text.split('\r\n')[0]),
    ['GET /secret HTTP/1.1', 'GET /secret HTTP/1.1'],
  );
  const client = rig.client();
  await rig.send('GET /x/%2e./moved//?q HTTP/1.1\r\nhost: a\r\n\r\n', client);
  assert.match(client.peer.text, /\r\nlocation: https:\/\/a\/moved\/\/\?q\r\n/);
});

test('what nobody knows is passed through with its path normalised as the mesh says, from the next request on', () => {
  const { host } = new RouteRig([]);
  const passThrough = new PassThrough(host);
  const pathOf = (): string => {
    const head = new Head();
    const bytes = Buffer.from('GET /a//../b%2fc HTTP/1.1\r\nhost: x\r\n\r\n');
    parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
    assert.ok(passThrough.destination('10.9.9.9:80', true).paths.normalize(head));
    return head.targetText;
  };
  assert.equal(pathOf(), '/a/b%2fc');
  passThrough.normalizePaths('DECODE_AND_MERGE_SLASHES');
  assert.equal(pathOf(), '/a/b/c');
  passThrough.normalizePaths('NONE');
  assert.equal(pathOf(), '/a//../b%2fc');
  passThrough.normalizePaths(undefined);
  assert.equal(pathOf(), '/a/b%2fc');
  assert.equal(passThrough.clusters.length, 1);
  passThrough.close();
});
