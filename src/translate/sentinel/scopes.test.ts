import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import { readSentinel } from './index.ts';

function read(text: string) {
  const { configuration, problems } = readSentinel(text, 'f');
  return { configuration, problems: problems.map(formatProblem) };
}

const good = (text: string) => {
  const { configuration, problems } = read(text);
  assert.deepEqual(
    problems.filter(each => each.includes(': error:')),
    [],
  );
  return configuration!;
};

const listener = 'listener "http" { address "0.0.0.0:80" }\n';
const upstream = (id: string) => `upstream "${id}" { target "10.0.0.1:80" }\n`;
const route = (id: string, to: string, more = '') =>
  `route "${id}" { matches { path "/${id}" }; upstream "${to}"; ${more} }\n`;

/** Which upstream each route leads to. */
const leads = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    good(text).routes.map(({ id, action }) => [id, action.kind === 'upstream' ? action.upstream : '']),
  );

test('a name means the nearest thing of that name: of the service, of the namespace, exported, of the file', () => {
  const found = leads(`${listener}
    upstreams { ${upstream('shared')} ${upstream('cache')} ${upstream('backend')} }
    namespace "api" {
      ${upstream('backend')}
      routes { ${route('main', 'backend')} ${route('auth', 'shared')} ${route('cached', 'cache')} }
      service "users" {
        upstreams { ${upstream('backend')} }
        routes { ${route('list', 'backend')} ${route('up', 'api:backend')} ${route('other', 'cache')} }
      }
    }
    namespace "infra" { ${upstream('cache')} ${upstream('only')} exports { upstreams "cache" "only" } }
    namespace "web" { ${route('far', 'api:users:backend')} }
    ${route('file', 'cache')} ${route('exported', 'only')}
  `);
  assert.deepEqual(found, {
    'api:main': 'api:backend',
    'api:auth': 'shared',
    // What is exported goes before what the file has, but in the file itself.
    'api:cached': 'infra:cache',
    'api:users:list': 'api:users:backend',
    'api:users:up': 'api:backend',
    'api:users:other': 'infra:cache',
    'web:far': 'api:users:backend',
    file: 'cache',
    exported: 'infra:only',
  });
});

test('what a namespace does not export is not found by its bare name, and what there is is told', () => {
  const { problems } = read(
    `${listener}namespace "a" { ${upstream('backend')} }\nnamespace "b" { ${route('r', 'backend')} }`,
  );
  assert.match(
    problems.join('\n'),
    /route "r" names the upstream "backend", which does not exist; .*a:backend/,
  );
});

test('filters and copies go by the same rule', () => {
  const { routes } = good(`${listener}
    filter "limit" { type "rate-limit"; max-rps 1 }
    namespace "a" {
      ${upstream('u')} ${upstream('copy')}
      filter "limit" { type "rate-limit"; max-rps 2 }
      ${route('r', 'u', 'filters "limit"; shadow { upstream "copy" }')}
      exports { filters "limit" }
    }
    namespace "b" { ${upstream('u')} ${route('r', 'u', 'filters "limit"')} }
  `);
  assert.deepEqual(
    routes.map(({ id, clientLimits, shadow }) => [
      id,
      clientLimits[0]?.zone,
      clientLimits[0]?.perSecond,
      shadow?.upstream,
    ]),
    [
      ['a:r', 'sentinel/filter/a:limit', 2, 'a:copy'],
      ['b:r', 'sentinel/filter/a:limit', 2, undefined],
    ],
  );
});

test('limits of a scope hold in place of those around it, and are counted for it alone', () => {
  const { routes, listeners } = good(`
    limits { max-body-size "1KB"; max-requests-per-second-per-client 5; max-connections-per-client 9; max-header-size 1000 }
    ${listener} ${upstream('u')} ${route('file', 'u')}
    namespace "n" {
      limits { max-body-size "2KB"; max-header-size 2000 }
      ${route('within', 'u')}
      service "s" {
        limits { max-requests-per-second-per-client 7; max-connections-per-client 3 }
        routes { ${route('deep', 'u')} }
        listener { address "0.0.0.0:81" }
      }
    }
  `);
  const rows = routes.map(each => [
    each.id,
    each.maxBodyBytes,
    ...each.clientLimits.map(({ zone, perSecond }) => `${zone}=${perSecond}`),
    ...each.underWay.map(({ zone, max }) => `${zone}=${max}`),
  ]);
  assert.deepEqual(rows, [
    ['file', 1_024, 'sentinel/limits=5', 'sentinel/clients=9'],
    ['n:within', 2_048, 'sentinel/limits=5', 'sentinel/clients=9'],
    ['n:s:deep', 2_048, 'sentinel/limits/n:s=7', 'sentinel/clients/n:s=3'],
  ]);
  assert.deepEqual(
    listeners.map(({ id, maxHeadBytes }) => [id, maxHeadBytes]),
    [
      ['http', 1_000],
      ['n:s:service-listener', 2_000],
    ],
  );
});

test('a listener has the routes of its scope; one of the file those of every scope without a listener of its own', () => {
  const routesAt = (text: string) =>
    Object.fromEntries(good(text).listeners.map(({ id, routes }) => [id, routes && [...routes]]));
  const own = (port: number) => `listener "l" { address "0.0.0.0:${port}" }\n`;
  const found = routesAt(`${listener} ${upstream('u')} ${route('file', 'u')}
    namespace "bare" { ${route('r', 'u')} service "s" { routes { ${route('r', 'u')} } } }
    namespace "own" { ${own(81)} ${route('r', 'u')} service "s" { routes { ${route('r', 'u')} } } }
    namespace "half" {
      ${route('r', 'u')}
      service "s" { listener { address "0.0.0.0:82" }; routes { ${route('r', 'u')} } }
    }
    namespace "named" { ${route('r', 'u')} }
    listener "for" { address "0.0.0.0:83"; namespace "named" }
  `);
  assert.deepEqual(found, {
    http: ['file', 'bare:r', 'bare:s:r', 'half:r'],
    'own:l': ['own:r', 'own:s:r'],
    'half:s:service-listener': ['half:s:r'],
    for: ['named:r'],
  });
  assert.deepEqual(routesAt(`${listener} ${upstream('u')} ${route('file', 'u')}`), { http: undefined });
});

test('a default-route is looked for in the scope of its listener first', () => {
  const { listeners } = good(`${upstream('u')} ${route('last', 'u')} ${route('only', 'u')}
    namespace "n" {
      ${route('last', 'u')}
      listener "a" { address "0.0.0.0:80"; default-route "last" }
      listener "b" { address "0.0.0.0:81"; default-route "only" }
    }
  `);
  assert.deepEqual(
    listeners.map(each => each.defaultRoute),
    ['n:last', 'only'],
  );
});

const refused: readonly (readonly [text: string, problem: RegExp])[] = [
  ['namespace "a:b" { }', /id is "a:b"; it takes letters, digits/],
  [
    'namespace "a" { }\nnamespace "a" { }',
    /f:2:1: error: there are two of namespace "a"; the other is in line 1/,
  ],
  ['namespace "a" { service "s" { }; service "s" { } }', /there are two of service "s"/],
  [
    'namespace "a" { exports { upstreams "u" } }',
    /exports of namespace "a" names the upstream "a:u", which does not exist/,
  ],
  ['namespace "a" { exports { upstrems "u" } }', /exports has no option upstrems; did you mean upstreams\?/],
  [
    `namespace "a" { ${upstream('u')} exports { upstreams "u" } }\nnamespace "b" { ${upstream('u')} exports { upstreams "u" } }`,
    /u is exported as a:u already; name it with its namespace/,
  ],
  ['namespace "a" { agents { } }', /agents is not supported: agents are programs/],
  [
    'namespace "a" { service "s" { listeners { } } }',
    /service "s" has no option listeners; did you mean listener\?/,
  ],
  [
    'listener "l" { address "0.0.0.0:80"; namespace "aps" }\nnamespace "api" { }',
    /names the namespace "aps", which does not exist; did you mean api\?/,
  ],
  [`namespace "a" { ${upstream('u')} ${upstream('u')} }`, /there are two upstreams "a:u"/],
];

for (const [text, problem] of refused)
  test(`refused: ${text.replace(/\s+/g, ' ')}`, () => {
    const { configuration, problems } = read(text);
    assert.equal(configuration, undefined);
    assert.match(problems.join('\n'), problem);
  });

test('routes that no listener has are told, and so is an upstream of a namespace that no route names', () => {
  const { problems } = read(`
    namespace "n" { ${upstream('u')} ${upstream('idle')} listener "l" { address "0.0.0.0:80" }; ${route('r', 'u')} }
    ${route('file', 'n:u')}
  `);
  assert.match(
    problems.join('\n'),
    /warning: no listener has the routes outside of namespaces; give them one/,
  );
  assert.match(problems.join('\n'), /warning: upstream "n:idle" is used by no route/);
});
