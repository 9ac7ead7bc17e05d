// What matching means, as a table: requests, routes, and which route decides. `weft route` and the coverage that analyze works
// out are run over it, both with the matchers of routing/ that proxies run. Pure data; no test in here.
import type { PathRewrite, RequestMatch } from '../../src/model/index.ts';

/** A request as a client sends it. */
export interface CaseRequest {
  readonly method: string;
  /** As in the request line: with its query, or a whole URL. */
  readonly target: string;
  /** In order; Host among them unless the case is about its absence. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A route by name; any of its matches, none for everything. The first that matches decides. */
export interface CaseRoute {
  readonly name: string;
  readonly matches: readonly RequestMatch[];
}

/** One request to one list of routes; `expected` is the route's name, or undefined where none matches. */
export interface RoutingCase {
  readonly title: string;
  readonly routes: readonly CaseRoute[];
  readonly request: CaseRequest;
  readonly expected: string | undefined;
}

/** The request's head in HTTP/1.1, ready to be parsed. */
export function headText({ method, target, headers }: CaseRequest): string {
  return `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** `GET /path?query` and header lines; without a Host line it is `Host: reviews`, and `Host:` alone leaves it out. */
function request(line: string, ...lines: string[]): CaseRequest {
  const [method = '', target = ''] = line.split(' ');
  const headers = lines.map(each => {
    const colon = each.indexOf(':');
    return [each.slice(0, colon), each.slice(colon + 1).trim()] as const;
  });
  const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
  if (hosts.length === 0) return { method, target, headers: [['Host', 'reviews'], ...headers] };
  return {
    method,
    target,
    headers: headers.filter(([name, value]) => name.toLowerCase() !== 'host' || value),
  };
}

/** Requests (a line, or a line with headers) that the match must hold for, and such that it must not. */
interface MatchTable {
  readonly title: string;
  readonly match: RequestMatch;
  readonly yes: readonly (string | readonly string[])[];
  readonly no: readonly (string | readonly string[])[];
}

const header = (
  name: string,
  kind: 'exact' | 'prefix' | 'suffix' | 'regex' | 'present',
  value = '',
): RequestMatch => ({
  headers: [{ name, match: { kind, value } }],
});
const query = (
  name: string,
  kind: 'exact' | 'prefix' | 'suffix' | 'regex' | 'present',
  value = '',
): RequestMatch => ({
  query: [{ name, match: { kind, value } }],
});

const tables: readonly MatchTable[] = [
  {
    title: 'nothing is asked',
    match: {},
    yes: ['GET /', 'POST /a?b', 'OPTIONS *', 'GET http://other/x', ['GET /', 'Host:']],
    no: [],
  },
  {
    title: 'path exact',
    match: { path: { kind: 'exact', value: '/a/b' } },
    yes: [
      'GET /a/b',
      'POST /a/b',
      'GET /a/b?x=1',
      'GET /a/b?',
      'GET http://reviews/a/b',
      'GET http://other:8080/a/b?q',
    ],
    no: [
      'GET /a/b/',
      'GET /a',
      'GET /A/b',
      'GET /a//b',
      'GET /a/b/c',
      'GET /a%2Fb',
      'GET /a/./b',
      'GET /',
      'OPTIONS *',
    ],
  },
  {
    title: 'path exact of the root',
    match: { path: { kind: 'exact', value: '/' } },
    yes: ['GET /', 'GET /?a', 'GET http://reviews', 'GET http://reviews?x=1', 'GET http://reviews/'],
    no: ['GET /a', 'GET //', 'OPTIONS *'],
  },
  {
    title: 'path exact with a percent sign',
    match: { path: { kind: 'exact', value: '/a%20b' } },
    yes: ['GET /a%20b'],
    no: ['GET /a+b', 'GET /a%2520b', 'GET /a%20B'],
  },
  {
    title: 'path exact ignoring case',
    match: { path: { kind: 'exact', value: '/Login', ignoreCase: true } },
    yes: ['GET /login', 'GET /LOGIN', 'GET /Login?X', 'GET /lOgIn'],
    no: ['GET /logins', 'GET /logi', 'GET /login/'],
  },
  {
    title: 'path prefix',
    match: { path: { kind: 'prefix', value: '/api' } },
    yes: ['GET /api', 'GET /api/', 'GET /api/v1', 'GET /apiary', 'GET /api?x', 'DELETE /api-docs'],
    no: ['GET /ap', 'GET /API', 'GET /', 'GET /x/api', 'GET //api', 'GET /?/api'],
  },
  {
    title: 'path prefix of everything that has a path',
    match: { path: { kind: 'prefix', value: '/' } },
    yes: ['GET /', 'GET /a', 'GET http://reviews', 'GET //x', 'GET /?'],
    no: ['OPTIONS *'],
  },
  {
    title: 'path prefix with a slash at its end',
    match: { path: { kind: 'prefix', value: '/api/' } },
    yes: ['GET /api/', 'GET /api/v1', 'GET /api//'],
    no: ['GET /api', 'GET /api?/', 'GET /apix'],
  },
  {
    title: 'path prefix ignoring case',
    match: { path: { kind: 'prefix', value: '/API/v1', ignoreCase: true } },
    yes: ['GET /api/v1', 'GET /Api/V1/x', 'GET /API/v12'],
    no: ['GET /api', 'GET /api/v2', 'GET /xapi/v1'],
  },
  {
    title: 'path by segments',
    match: { path: { kind: 'segments', value: '/api' } },
    yes: ['GET /api', 'GET /api/', 'GET /api/v1', 'GET /api?x', 'GET /api//x'],
    no: ['GET /apiary', 'GET /api-docs', 'GET /ap', 'GET /API', 'GET /api%2Fx'],
  },
  {
    title: 'path by segments, written with a slash at its end',
    match: { path: { kind: 'segments', value: '/api/' } },
    yes: ['GET /api', 'GET /api/', 'GET /api/v1'],
    no: ['GET /apiary', 'GET /x'],
  },
  {
    title: 'path by segments of everything',
    match: { path: { kind: 'segments', value: '/' } },
    yes: ['GET /', 'GET /a', 'GET /a/b', 'GET http://reviews'],
    no: [],
  },
  {
    title: 'path by segments, two of them',
    match: { path: { kind: 'segments', value: '/a/b' } },
    yes: ['GET /a/b', 'GET /a/b/c', 'GET /a/b/'],
    no: ['GET /a', 'GET /a/bc', 'GET /a/'],
  },
  {
    title: 'path by regex matches the whole path and not the query',
    match: { path: { kind: 'regex', value: '/users/[0-9]+' } },
    yes: ['GET /users/1', 'GET /users/42?x=y'],
    no: ['GET /users/', 'GET /users/1/', 'GET /users/a', 'GET /x/users/1', 'GET /users/1a'],
  },
  {
    title: 'path by regex with alternatives',
    match: { path: { kind: 'regex', value: '/(a|bb)(/.*)?' } },
    yes: ['GET /a', 'GET /bb', 'GET /a/', 'GET /bb/x/y'],
    no: ['GET /b', 'GET /ab', 'GET /aa', 'GET /'],
  },
  {
    title: 'path by regex of anything',
    match: { path: { kind: 'regex', value: '.*' } },
    yes: ['GET /', 'GET /a/b?c'],
    no: [],
  },
  {
    title: 'path by regex with flags of its own',
    match: { path: { kind: 'regex', value: '(?i)/images/.*\\.(png|jpe?g)' } },
    yes: ['GET /images/a.png', 'GET /IMAGES/A.JPG', 'GET /images/x.y.jpeg?w=1'],
    no: ['GET /images/a.gif', 'GET /images/png', 'GET /images/a.png/x'],
  },
  {
    title: 'path by regex with anchors',
    match: { path: { kind: 'regex', value: '^/a$' } },
    yes: ['GET /a', 'GET /a?b'],
    no: ['GET /ab', 'GET /a/'],
  },
  {
    title: 'method exact',
    match: { method: { kind: 'exact', value: 'GET' } },
    yes: ['GET /', 'GET /a?b'],
    no: ['POST /', 'HEAD /', 'get /', 'GETX /'],
  },
  {
    title: 'method of nobody’s list',
    match: { method: { kind: 'exact', value: 'PURGE' } },
    yes: ['PURGE /x'],
    no: ['GET /x', 'PUR /x', 'PURGES /x'],
  },
  {
    title: 'method by regex',
    match: { method: { kind: 'regex', value: 'GET|HEAD' } },
    yes: ['GET /', 'HEAD /'],
    no: ['POST /', 'GETHEAD /'],
  },
  {
    title: 'method by prefix',
    match: { method: { kind: 'prefix', value: 'P' } },
    yes: ['POST /', 'PUT /', 'PATCH /'],
    no: ['GET /', 'DELETE /'],
  },
  {
    title: 'authority exact, with the port that was sent or without',
    match: { authority: { kind: 'exact', value: 'reviews.shop' } },
    yes: [
      ['GET /', 'Host: reviews.shop'],
      ['GET /', 'Host: reviews.shop:80'],
      ['GET /', 'host: reviews.shop:9080'],
    ],
    no: [
      ['GET /', 'Host: reviews.shop.svc'],
      ['GET /', 'Host: reviews'],
      ['GET /', 'Host: xreviews.shop'],
      ['GET /', 'Host:'],
    ],
  },
  {
    title: 'authority exact with a port',
    match: { authority: { kind: 'exact', value: 'reviews:8080' } },
    yes: [['GET /', 'Host: reviews:8080']],
    no: [
      ['GET /', 'Host: reviews'],
      ['GET /', 'Host: reviews:80'],
      ['GET /', 'Host: reviews:8081'],
    ],
  },
  {
    title: 'authority by prefix',
    match: { authority: { kind: 'prefix', value: 'api.' } },
    yes: [
      ['GET /', 'Host: api.example.com'],
      ['GET /', 'Host: api.:80'],
    ],
    no: [
      ['GET /', 'Host: www.example.com'],
      ['GET /', 'Host: api'],
    ],
  },
  {
    title: 'authority by suffix',
    match: { authority: { kind: 'suffix', value: '.example.com' } },
    yes: [
      ['GET /', 'Host: a.example.com'],
      ['GET /', 'Host: a.b.example.com:443'],
    ],
    no: [
      ['GET /', 'Host: example.com'],
      ['GET /', 'Host: a.example.com.evil'],
    ],
  },
  {
    title: 'authority by regex',
    match: { authority: { kind: 'regex', value: '.*\\.example\\.(com|org)' } },
    yes: [
      ['GET /', 'Host: www.example.com'],
      ['GET /', 'Host: a.example.org:8080'],
    ],
    no: [
      ['GET /', 'Host: example.com'],
      ['GET /', 'Host: www.example.net'],
      ['GET /', 'Host: www.example.com.x'],
    ],
  },
  {
    title: 'authority of an IPv6 literal',
    match: { authority: { kind: 'exact', value: '[fd00::1]' } },
    yes: [
      ['GET /', 'Host: [fd00::1]'],
      ['GET /', 'Host: [fd00::1]:80'],
    ],
    no: [['GET /', 'Host: [fd00::2]:80']],
  },
  {
    title: 'scheme http, which is all that a sidecar sees in the clear',
    match: { scheme: { kind: 'exact', value: 'http' } },
    yes: ['GET /', 'GET http://x/'],
    no: [],
  },
  {
    title: 'scheme https',
    match: { scheme: { kind: 'exact', value: 'https' } },
    yes: [],
    no: ['GET /', 'GET https://x/'],
  },
  {
    title: 'header exact',
    match: header('end-user', 'exact', 'jason'),
    yes: [
      ['GET /', 'end-user: jason'],
      ['GET /', 'End-User: jason'],
      ['GET /', 'END-USER:   jason'],
    ],
    no: [
      'GET /',
      ['GET /', 'end-user: Jason'],
      ['GET /', 'end-user: jason2'],
      ['GET /', 'end-users: jason'],
      ['GET /', 'end-user:'],
    ],
  },
  {
    title: 'header of which there are several: the first counts',
    match: header('x', 'exact', 'a'),
    yes: [['GET /', 'x: a', 'x: b']],
    no: [['GET /', 'x: b', 'x: a']],
  },
  {
    title: 'header by prefix',
    match: header('user-agent', 'prefix', 'Mozilla/'),
    yes: [['GET /', 'User-Agent: Mozilla/5.0']],
    no: [['GET /', 'User-Agent: curl/8'], 'GET /', ['GET /', 'User-Agent: mozilla/5']],
  },
  {
    title: 'header by suffix',
    match: header('x-file', 'suffix', '.txt'),
    yes: [
      ['GET /', 'x-file: a.txt'],
      ['GET /', 'x-file: .txt'],
    ],
    no: [
      ['GET /', 'x-file: a.txt2'],
      ['GET /', 'x-file: txt'],
    ],
  },
  {
    title: 'header by regex, the whole value',
    match: header('cookie', 'regex', '^(.*?;)?(user=jason)(;.*)?$'),
    yes: [
      ['GET /', 'Cookie: user=jason'],
      ['GET /', 'Cookie: a=b;user=jason'],
      ['GET /', 'Cookie: a=b;user=jason;c=d'],
    ],
    no: [
      ['GET /', 'Cookie: a=b; user=jason'],
      ['GET /', 'Cookie: user=jasonx'],
      ['GET /', 'Cookie: xuser=jason'],
      'GET /',
    ],
  },
  {
    title: 'header that is present',
    match: header('x-debug', 'present'),
    yes: [
      ['GET /', 'x-debug: 1'],
      ['GET /', 'X-Debug:'],
    ],
    no: ['GET /', ['GET /', 'x-debugger: 1']],
  },
  {
    title: 'header of an empty value',
    match: header('x', 'exact', ''),
    yes: [['GET /', 'x:']],
    no: ['GET /', ['GET /', 'x: y']],
  },
  {
    title: 'header ignoring case',
    match: { headers: [{ name: 'x', match: { kind: 'exact', value: 'Yes', ignoreCase: true } }] },
    yes: [
      ['GET /', 'x: yes'],
      ['GET /', 'x: YES'],
    ],
    no: [['GET /', 'x: yess'], 'GET /'],
  },
  {
    title: 'header that must not be there',
    match: { headers: [{ name: 'x', match: { kind: 'present', value: '' }, invert: true }] },
    yes: ['GET /', ['GET /', 'y: 1']],
    no: [
      ['GET /', 'x: 1'],
      ['GET /', 'X:'],
    ],
  },
  {
    title: 'header that must not be so; an absent one is not',
    match: { headers: [{ name: 'x', match: { kind: 'exact', value: 'a' }, invert: true }] },
    yes: ['GET /', ['GET /', 'x: b'], ['GET /', 'x: A']],
    no: [['GET /', 'x: a']],
  },
  {
    title: 'header that must not match a regex',
    match: { headers: [{ name: 'x', match: { kind: 'regex', value: 'a.*' }, invert: true }] },
    yes: ['GET /', ['GET /', 'x: ba']],
    no: [
      ['GET /', 'x: a'],
      ['GET /', 'x: abc'],
    ],
  },
  {
    title: 'two headers, both of them',
    match: {
      headers: [
        { name: 'a', match: { kind: 'exact', value: '1' } },
        { name: 'b', match: { kind: 'present', value: '' } },
      ],
    },
    yes: [
      ['GET /', 'a: 1', 'b: 2'],
      ['GET /', 'b:', 'a: 1'],
    ],
    no: [['GET /', 'a: 1'], ['GET /', 'b: 2'], ['GET /', 'a: 2', 'b: 2'], 'GET /'],
  },
  {
    title: 'query exact',
    match: query('test', 'exact', 'true'),
    yes: [
      'GET /?test=true',
      'GET /a?x=1&test=true',
      'GET /?test=true&test=false',
      'GET http://reviews/?test=true',
    ],
    no: [
      'GET /',
      'GET /?test=false',
      'GET /?test',
      'GET /?Test=true',
      'GET /?test=true1',
      'GET /?test=false&test=true',
      'GET /test=true',
      'GET /?xtest=true',
    ],
  },
  {
    title: 'query of an empty value',
    match: query('a', 'exact', ''),
    yes: ['GET /?a=', 'GET /?a', 'GET /?b&a'],
    no: ['GET /?a=1', 'GET /', 'GET /?aa'],
  },
  {
    title: 'query that is present',
    match: query('a', 'present'),
    yes: ['GET /?a', 'GET /?a=', 'GET /?b=1&a=2'],
    no: ['GET /?b=a', 'GET /a', 'GET /?A=1'],
  },
  {
    title: 'query by prefix',
    match: query('v', 'prefix', '1.'),
    yes: ['GET /?v=1.0', 'GET /?v=1.'],
    no: ['GET /?v=1', 'GET /?v=21.'],
  },
  {
    title: 'query by regex',
    match: query('id', 'regex', '\\d+'),
    yes: ['GET /?id=5', 'GET /?x&id=123'],
    no: ['GET /?id=', 'GET /?id=5a', 'GET /'],
  },
  {
    title: 'query values are compared as they were sent',
    match: query('q', 'exact', 'a%20b'),
    yes: ['GET /?q=a%20b'],
    no: ['GET /?q=a+b'],
  },
  {
    title: 'query value with an equals sign',
    match: query('q', 'exact', 'a=b'),
    yes: ['GET /?q=a=b'],
    no: ['GET /?q=a', 'GET /?q=a%3Db'],
  },
  {
    title: 'query that must not be so',
    match: { query: [{ name: 'a', match: { kind: 'exact', value: '1' }, invert: true }] },
    yes: ['GET /', 'GET /?a=2', 'GET /?b=1'],
    no: ['GET /?a=1'],
  },
  {
    title: 'everything at once',
    match: {
      path: { kind: 'prefix', value: '/v1' },
      method: { kind: 'exact', value: 'POST' },
      authority: { kind: 'exact', value: 'reviews' },
      headers: [{ name: 'x', match: { kind: 'exact', value: '1' } }],
      query: [{ name: 'q', match: { kind: 'present', value: '' } }],
    },
    yes: [
      ['POST /v1/a?q=1', 'x: 1'],
      ['POST /v1?q', 'Host: reviews:80', 'X: 1'],
    ],
    no: [
      ['GET /v1/a?q=1', 'x: 1'],
      ['POST /v2/a?q=1', 'x: 1'],
      ['POST /v1/a', 'x: 1'],
      ['POST /v1/a?q=1', 'x: 2'],
      ['POST /v1/a?q=1', 'x: 1', 'Host: other'],
    ],
  },
];

function casesOf({ title, match, yes, no }: MatchTable): RoutingCase[] {
  const routes = [{ name: 'hit', matches: [match] }];
  const made = (expected: string | undefined) => (each: string | readonly string[]) => {
    const [line = '', ...lines] = typeof each === 'string' ? [each] : each;
    const headers = lines.length === 0 ? '' : ` with ${lines.join(', ')}`;
    const says = expected === undefined ? 'does not match' : 'matches';
    return {
      title: `${title}: ${says} ${line}${headers}`,
      routes,
      request: request(line, ...lines),
      expected,
    };
  };
  return [...yes.map(made('hit')), ...no.map(made(undefined))];
}

const path = (kind: 'exact' | 'prefix' | 'segments' | 'regex', value: string): RequestMatch => ({
  path: { kind, value },
});
const get: RequestMatch = { method: { kind: 'exact', value: 'GET' } };

/** Several routes: the first that matches decides, and any of a route's matches is enough. */
const orders: readonly {
  readonly title: string;
  readonly routes: readonly CaseRoute[];
  readonly asked: readonly (readonly [request: string | readonly string[], expected: string | undefined])[];
}[] = [
  {
    title: 'the order of the list counts and not how specific a match is',
    routes: [
      { name: 'api', matches: [path('prefix', '/api')] },
      { name: 'v2', matches: [path('exact', '/api/v2')] },
      { name: 'rest', matches: [] },
    ],
    asked: [
      ['GET /api/v2', 'api'],
      ['GET /api', 'api'],
      ['GET /x', 'rest'],
      ['OPTIONS *', 'rest'],
    ],
  },
  {
    title: 'specific before general',
    routes: [
      { name: 'v2', matches: [path('exact', '/api/v2')] },
      { name: 'api', matches: [path('prefix', '/api')] },
      { name: 'root', matches: [path('exact', '/')] },
    ],
    asked: [
      ['GET /api/v2', 'v2'],
      ['GET /api/v2/', 'api'],
      ['GET /api/v3', 'api'],
      ['GET /', 'root'],
      ['GET /x', undefined],
    ],
  },
  {
    title: 'any of several matches',
    routes: [
      { name: 'some', matches: [path('exact', '/a'), path('prefix', '/b/'), header('x', 'exact', '1')] },
      { name: 'rest', matches: [{}] },
    ],
    asked: [
      ['GET /a', 'some'],
      ['GET /b/c', 'some'],
      [['GET /z', 'x: 1'], 'some'],
      ['GET /z', 'rest'],
      ['GET /b', 'rest'],
    ],
  },
  {
    title: 'jason sees v2, as in the seeds',
    routes: [
      { name: 'v2', matches: [header('end-user', 'exact', 'jason')] },
      { name: 'split', matches: [] },
    ],
    asked: [
      [['GET /reviews/0', 'end-user: jason'], 'v2'],
      ['GET /reviews/0', 'split'],
      [['GET /', 'end-user: tom'], 'split'],
    ],
  },
  {
    title: 'cookie, then query, then the rest, as in the seeds',
    routes: [
      { name: 'v3', matches: [header('cookie', 'regex', '^(.*?;)?(user=jason)(;.*)?$')] },
      { name: 'v2', matches: [query('test', 'exact', 'true')] },
      { name: 'v1', matches: [] },
    ],
    asked: [
      [['GET /?test=true', 'Cookie: user=jason'], 'v3'],
      ['GET /?test=true', 'v2'],
      [['GET /?test=1', 'Cookie: user=tom'], 'v1'],
      ['GET /', 'v1'],
    ],
  },
  {
    title: 'routes that only a method tells apart',
    routes: [
      { name: 'read', matches: [get, { method: { kind: 'exact', value: 'HEAD' } }] },
      { name: 'write', matches: [{ method: { kind: 'exact', value: 'POST' } }] },
    ],
    asked: [
      ['GET /', 'read'],
      ['HEAD /', 'read'],
      ['POST /', 'write'],
      ['DELETE /', undefined],
    ],
  },
  {
    title: 'a regex before the literal that it covers',
    routes: [
      { name: 'regex', matches: [path('regex', '/item/[a-z]+')] },
      { name: 'exact', matches: [path('exact', '/item/new')] },
      { name: 'number', matches: [path('exact', '/item/1')] },
    ],
    asked: [
      ['GET /item/new', 'regex'],
      ['GET /item/1', 'number'],
      ['GET /item/', undefined],
    ],
  },
  {
    title: 'no routes',
    routes: [],
    asked: [['GET /', undefined]],
  },
  {
    title: 'many paths that begin alike',
    routes: Array.from({ length: 30 }, (_, index) => ({
      name: `r${index}`,
      matches: [path(index % 3 === 0 ? 'exact' : index % 3 === 1 ? 'prefix' : 'segments', `/svc/${index}`)],
    })),
    asked: [
      ['GET /svc/0', 'r0'],
      ['GET /svc/0/x', undefined],
      ['GET /svc/1', 'r1'],
      ['GET /svc/12', 'r1'],
      ['GET /svc/2', 'r2'],
      ['GET /svc/20', 'r20'],
      ['GET /svc/21', 'r21'],
      ['GET /svc/2/21', 'r2'],
      ['GET /svc/4x', 'r4'],
      ['GET /svc/5x', undefined],
      ['GET /svc/29/a', 'r29'],
      ['GET /svc/30', undefined],
    ],
  },
  {
    title: 'what must not hold, and what must not hold of that',
    routes: [
      {
        name: 'not-api',
        matches: [
          { path: { kind: 'prefix', value: '/' }, not: [path('prefix', '/api'), header('x', 'exact', '1')] },
        ],
      },
      { name: 'only-posts', matches: [{ not: [{ not: [{ method: { kind: 'exact', value: 'POST' } }] }] }] },
      { name: 'rest', matches: [] },
    ],
    asked: [
      ['GET /', 'not-api'],
      [['GET /', 'x: 1'], 'rest'],
      ['GET /api', 'rest'],
      ['POST /api/a', 'only-posts'],
      [['POST /', 'x: 1'], 'only-posts'],
      [['GET /', 'x: 2'], 'not-api'],
    ],
  },
  {
    title: 'authority tells apart what a path does not',
    routes: [
      { name: 'a', matches: [{ authority: { kind: 'exact', value: 'a' } }] },
      {
        name: 'b',
        matches: [{ authority: { kind: 'exact', value: 'b' }, path: { kind: 'prefix', value: '/x' } }],
      },
    ],
    asked: [
      [['GET /', 'Host: a'], 'a'],
      [['GET /x', 'Host: b:80'], 'b'],
      [['GET /', 'Host: b'], undefined],
      [['GET /x', 'Host: c'], undefined],
    ],
  },
];

/** Every case of matching. */
export const routingCases: readonly RoutingCase[] = [
  ...tables.flatMap(casesOf),
  ...orders.flatMap(({ title, routes, asked }) =>
    asked.map(([each, expected]) => {
      const [line = '', ...lines] = typeof each === 'string' ? [each] : each;
      const headers = lines.length === 0 ? '' : ` with ${lines.join(', ')}`;
      const what = `${title}: ${line}${headers} goes to ${expected ?? 'nobody'}`;
      return { title: what, routes, request: request(line, ...lines), expected };
    }),
  ),
];

/** What becomes of a target (path and query); the query is never touched. */
export interface RewriteCase {
  readonly title: string;
  readonly rewrite: PathRewrite;
  readonly target: string;
  readonly expected: string;
}

/** Every case of rewriting. Prefixes are replaced as text, but no path loses its slash at the beginning or gains a second one. */
export const rewriteCases: readonly RewriteCase[] = [
  {
    title: 'the whole path',
    rewrite: { kind: 'full', value: '/new' },
    target: '/old/x?q=1',
    expected: '/new?q=1',
  },
  {
    title: 'the whole path without a query',
    rewrite: { kind: 'full', value: '/' },
    target: '/old',
    expected: '/',
  },
  {
    title: 'a prefix',
    rewrite: { kind: 'prefix', matched: '/api', value: '/v1' },
    target: '/api/users',
    expected: '/v1/users',
  },
  {
    title: 'a prefix that is the path',
    rewrite: { kind: 'prefix', matched: '/api', value: '/v1' },
    target: '/api?x',
    expected: '/v1?x',
  },
  {
    title: 'a prefix by the root',
    rewrite: { kind: 'prefix', matched: '/api/', value: '/' },
    target: '/api/users?a=b',
    expected: '/users?a=b',
  },
  {
    title: 'a prefix in the middle of a segment',
    rewrite: { kind: 'prefix', matched: '/api', value: '/v1' },
    target: '/apiary',
    expected: '/v1ary',
  },
  {
    title: 'a prefix whatever its case',
    rewrite: { kind: 'prefix', matched: '/API', value: '/v1' },
    target: '/api/x',
    expected: '/v1/x',
  },
  {
    title: 'a regex',
    rewrite: { kind: 'regex', pattern: '^/service/([^/]+)(/.*)$', substitution: '\\2/instance/\\1' },
    target: '/service/foo/v1/api?x=1',
    expected: '/v1/api/instance/foo?x=1',
  },
  {
    title: 'a regex everywhere',
    rewrite: { kind: 'regex', pattern: 'one', substitution: 'two' },
    target: '/xxx/one/yyy/one/zzz',
    expected: '/xxx/two/yyy/two/zzz',
  },
  {
    title: 'a regex in any case',
    rewrite: { kind: 'regex', pattern: '(?i)/xxx/', substitution: '/yyy/' },
    target: '/aaa/XxX/bbb',
    expected: '/aaa/yyy/bbb',
  },
  {
    title: 'a regex that does not match',
    rewrite: { kind: 'regex', pattern: '^/x$', substitution: '/y' },
    target: '/z?/x',
    expected: '/z?/x',
  },
  {
    title: 'a prefix by the root, which doubles no slash',
    rewrite: { kind: 'prefix', matched: '/api', value: '/' },
    target: '/api/users',
    expected: '/users',
  },
  {
    title: 'a prefix that is the path by the root',
    rewrite: { kind: 'prefix', matched: '/api', value: '/' },
    target: '/api',
    expected: '/',
  },
  {
    title: 'a prefix with a slash after it by the root',
    rewrite: { kind: 'prefix', matched: '/api', value: '/' },
    target: '/api/',
    expected: '/',
  },
  {
    title: 'a prefix by nothing',
    rewrite: { kind: 'prefix', matched: '/foo', value: '' },
    target: '/foo/bar',
    expected: '/bar',
  },
  {
    title: 'a prefix that is the path by nothing',
    rewrite: { kind: 'prefix', matched: '/foo', value: '' },
    target: '/foo',
    expected: '/',
  },
  {
    title: 'a prefix by one with a slash at its end',
    rewrite: { kind: 'prefix', matched: '/foo', value: '/xyz/' },
    target: '/foo/bar',
    expected: '/xyz/bar',
  },
  {
    title: 'a prefix before a slash',
    rewrite: { kind: 'prefix', matched: '/foo', value: '/xyz' },
    target: '/foo/',
    expected: '/xyz/',
  },
  {
    title: 'a prefix with a slash by one without, as text',
    rewrite: { kind: 'prefix', matched: '/foo/', value: '/xyz' },
    target: '/foo/bar',
    expected: '/xyzbar',
  },
  {
    title: 'the root by something, as text',
    rewrite: { kind: 'prefix', matched: '/', value: '/v1' },
    target: '/a',
    expected: '/v1a',
  },
  {
    title: 'the root by something with a slash at its end',
    rewrite: { kind: 'prefix', matched: '/', value: '/v1/' },
    target: '/a?b',
    expected: '/v1/a?b',
  },
];
