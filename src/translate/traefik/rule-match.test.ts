// Rules of Traefik, each with requests that it is for and requests that it is not for, judged by what proxies judge with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestMatch } from '../../model/index.ts';
import { matchesOfRule } from './rule-match.ts';
import { parseRule, RuleError } from './rule-syntax.ts';

interface Asked {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** As routing/ judges conditions, in the plainest words. */
function holds(match: RequestMatch, asked: Asked): boolean {
  const { host = 'a.example', path = '/', method = 'GET', headers = {}, query = {} } = asked;
  const text = (m: RequestMatch['method'], value: string | undefined): boolean => {
    if (m === undefined) return true;
    if (value === undefined) return false;
    if (m.kind === 'regex')
      return new RegExp(`^(?:${m.value.replaceAll('(?s:.*)', '[^]*')})$`, m.ignoreCase ? 'i' : '').test(
        value,
      );
    return m.kind === 'prefix' ? value.startsWith(m.value) : value === m.value;
  };
  return (
    text(match.path as RequestMatch['method'], path) &&
    text(match.method, method) &&
    text(match.authority, host) &&
    (match.headers ?? []).every(each => text(each.match, headers[each.name])) &&
    (match.query ?? []).every(each => text(each.match, query[each.name])) &&
    !(match.not ?? []).some(each => holds(each, asked))
  );
}

function takes(rule: string, asked: Asked, syntax: 'v2' | 'v3' = 'v3'): boolean {
  const name = (asked.host ?? 'a.example').replace(/:\d+$/, '');
  return matchesOfRule(parseRule(rule), syntax).some(
    ({ host, matches }) =>
      (host === '' || host === name) && (matches.length === 0 || matches.some(each => holds(each, asked))),
  );
}

type Case = readonly [rule: string, yes: readonly Asked[], no: readonly Asked[]];

const V3: readonly Case[] = [
  ['Host(`a.example`)', [{}, { path: '/x', host: 'a.example:8080' }], [{ host: 'b.example' }]],
  ['Host("A.Example.") && PathPrefix(`/`)', [{}], [{ host: 'b.example' }]],
  ['PathPrefix(`/a`)', [{ path: '/a' }, { path: '/ab', host: 'b.example' }], [{ path: '/' }]],
  ['Path(`/a`)', [{ path: '/a' }], [{ path: '/a/' }]],
  ['PathRegexp(`^/v[0-9]+/`)', [{ path: '/v1/x' }], [{ path: '/a/v1/' }]],
  ['PathRegexp(`v[0-9]`)', [{ path: '/a/v1' }], [{ path: '/v' }]],
  ['HostRegexp(`^[a-z]+\\.example$`)', [{}, { host: 'b.example:81' }], [{ host: 'b.c.example' }]],
  ['HostRegexp(`[$]`) || Method(`post`)', [{ method: 'POST' }, { host: 'a$' }], [{}]],
  ['Header(`X-A`, `b`)', [{ headers: { 'x-a': 'b' } }], [{}, { headers: { 'x-a': 'bc' } }]],
  ['HeaderRegexp(`X-A`, `b`)', [{ headers: { 'x-a': 'abc' } }], [{ headers: { 'x-a': 'c' } }]],
  ['Query(`a`, `b`) && Query(`c`)', [{ query: { a: 'b', c: '' } }], [{ query: { a: 'b' } }]],
  ['QueryRegexp(`a`, `^[0-9]+$`)', [{ query: { a: '12' } }], [{ query: { a: '1x' } }]],
  ['!Method(`GET`)', [{ method: 'POST' }], [{}]],
  ['!(Method(`GET`) || PathPrefix(`/a`))', [{ method: 'POST' }], [{}, { method: 'POST', path: '/a' }]],
  ['!(Method(`GET`) && PathPrefix(`/a`))', [{}, { method: 'POST', path: '/a' }], [{ path: '/a' }]],
  ['PathPrefix(`/a`) && !PathPrefix(`/a/b`)', [{ path: '/a' }], [{ path: '/a/b' }]],
  ['PathPrefix(`/a`) && PathRegexp(`c$`)', [{ path: '/abc' }], [{ path: '/a' }, { path: '/c' }]],
  ['!Host(`a.example`)', [{ host: 'b.example' }], [{}, { host: 'A.example:80' }]],
  [
    'Host(`a.example`) && (Path(`/x`) || Header(`X-A`, `b`)) || Host(`b.example`)',
    [{ path: '/x' }, { headers: { 'x-a': 'b' } }, { host: 'b.example', path: '/y' }],
    [{ path: '/y' }, { host: 'c.example', path: '/x' }],
  ],
  ['host(`a.example`)&&PATHPREFIX(`/a`)', [{ path: '/a' }], [{}]],
];

const V2: readonly Case[] = [
  ['Host(`a.example`, `b.example`)', [{}, { host: 'b.example' }], [{ host: 'c.example' }]],
  ['HostRegexp(`{sub:[a-z]+}.example`)', [{}, { host: 'b.example:80' }], [{ host: '1.example' }]],
  [
    'Path(`/a/{id:[0-9]{2}}/b`, `/c`)',
    [{ path: '/a/12/b' }, { path: '/c' }],
    [{ path: '/a/1/b' }, { path: '/c/' }],
  ],
  [
    'PathPrefix(`/a.b`, `/{x}/z`)',
    [{ path: '/a.bc' }, { path: '/q/zz' }],
    [{ path: '/axb' }, { path: '/q/r/z' }],
  ],
  [
    'Headers(`X-A`, `b`) && Query(`a=b`, `c=`)',
    [{ headers: { 'x-a': 'b' }, query: { a: 'b', c: '' } }],
    [{}],
  ],
  [
    '!Path(`/a`, `/b`) && Method(`GET`, `HEAD`)',
    [{ path: '/c', method: 'HEAD' }],
    [{ path: '/a' }, { path: '/b' }, { path: '/c', method: 'PUT' }],
  ],
];

test('rules hold for the requests that Traefik takes by them, and for no others', () => {
  for (const [syntax, cases] of [
    ['v3', V3],
    ['v2', V2],
  ] as const)
    for (const [rule, yes, no] of cases) {
      for (const each of yes) assert.ok(takes(rule, each, syntax), `${rule} ${JSON.stringify(each)}`);
      for (const each of no) assert.ok(!takes(rule, each, syntax), `${rule} not ${JSON.stringify(each)}`);
    }
});

test('what is no rule is told, each by its name', () => {
  const wrong: readonly (readonly [rule: string, why: RegExp])[] = [
    ['', /no matcher where one should be: its end/],
    ['Host(`a`', /misses a \)/],
    ['Host(`a`) Path(`/`)', /goes on where it should end: Path/],
    ['Host(a)', /no text between backticks/],
    ['Host()', /with 0 texts, and it takes 1/],
    ['Host(`a`, `b`)', /join several by \|\|/],
    ['Hots(`a`)', /Hots, which no matcher is called/],
    ['Headers(`a`, `b`)', /of the syntax v2 and not of v3/],
    ['Host(`*.a`)', /no host; write HostRegexp/],
    ['Path(`a`)', /does not begin with a slash/],
    ['PathRegexp(`(`)', /has the pattern '\('/],
    ['ClientIP(`10.0.0.0/8`)', /ipAllowList/],
    ['Host(`a`) && Host(`b`)', /no request at all/],
    [`${'('.repeat(40)}Host(\`a\`)${')'.repeat(40)}`, /more than 32 parentheses/],
    [
      Array.from({ length: 7 }, (_, i) => `(Path(\`/${i}\`) || Method(\`M${i}\`))`).join(' && '),
      /more than 64 ways/,
    ],
  ];
  for (const [rule, why] of wrong)
    assert.throws(
      () => matchesOfRule(parseRule(rule), 'v3'),
      (error: unknown) => error instanceof RuleError && why.test(error.message),
      rule,
    );
});
