import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseRequest, routingCases } from '../../../test/routing/cases.ts';
import { decide } from './decide.ts';
import { headOf, type PlainRequest, readUrl } from './request.ts';

/** A URL brings its authority along, and Host must be the same. */
function asked({ method, target, headers }: CaseRequest): PlainRequest {
  const authority = /^https?:\/\/([^/?]*)/.exec(target)?.[1];
  const same = headers.map(
    ([name, value]) => [name, name === 'Host' ? (authority ?? value) : value] as const,
  );
  return { method, target, headers: same };
}

test('every case of routing is decided as by proxies, and each route before the one that is taken says why not', () => {
  for (const { title, routes, request, expected } of routingCases) {
    const given = asked(request);
    const { taken, whyNot } = decide(routes, given, headOf(given));
    assert.equal(routes[taken]?.name, expected, title);
    assert.equal(whyNot.length, taken < 0 ? routes.length : taken, title);
    for (const why of whyNot) assert.ok(why !== '' && !/^it does not match/.test(why), `${title}: ${why}`);
  }
  assert.ok(routingCases.length > 300);
});

const reasons: readonly (readonly [
  string,
  Parameters<typeof decide>[0][number]['matches'],
  readonly string[],
  string,
])[] = [
  ['/b', [{ path: { kind: 'exact', value: '/a' } }], [], 'path is /b and not /a'],
  ['/b', [{ path: { kind: 'segments', value: '/a' } }], [], 'path /b is not /a or below it'],
  [
    '/b?x=2',
    [{ query: [{ name: 'x', match: { kind: 'exact', value: '1' } }] }],
    [],
    'query parameter x is 2 and not 1',
  ],
  ['/', [{ method: { kind: 'exact', value: 'POST' } }], [], 'method is GET and not POST'],
  [
    '/',
    [{ headers: [{ name: 'end-user', match: { kind: 'exact', value: 'jason' } }] }],
    ['End-User: bob b'],
    'header end-user is "bob b" and not jason',
  ],
  [
    '/',
    [{ headers: [{ name: 'x', match: { kind: 'present', value: '' }, invert: true }] }],
    ['x: 1'],
    'header x is there',
  ],
  [
    '/',
    [{ path: { kind: 'prefix', value: '/a' } }, { authority: { kind: 'exact', value: 'other' } }],
    [],
    'path / does not begin with /a; host is reviews.shop:9080 and not other',
  ],
];

test('why not is said in short words with what was asked for and what there is', () => {
  for (const [target, matches, headers, expected] of reasons) {
    const { request } = readUrl('get', `http://reviews.shop:9080${target}`, headers);
    assert.deepEqual(decide([{ matches }], request, headOf(request)).whyNot, [expected]);
  }
});

test('a URL is taken as it is written, and what is none is refused with an example', () => {
  const { request, to, encrypted } = readUrl('post', 'reviews?x=/../%2f', ['Host: other', 'a:b']);
  assert.deepEqual(request, {
    method: 'POST',
    target: '/?x=/../%2f',
    headers: [
      ['Host', 'other'],
      ['a', 'b'],
    ],
  });
  assert.deepEqual([to, encrypted], [{ host: 'reviews', port: 80 }, false]);
  assert.deepEqual(readUrl('GET', 'https://[fd00::1]/', []).to, { host: 'fd00::1', port: 443 });
  for (const url of ['', '/path', 'http://a:99999/', 'a b'])
    assert.throws(() => readUrl('GET', url, []), /is no URL; write/);
  assert.throws(() => readUrl('GET', 'a', ['nonsense']), /is no header/);
  assert.throws(() => headOf({ method: 'GET', target: '/ /', headers: [] }), /not valid HTTP/);
});
