import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseRequest, routingCases } from '../../test/routing/cases.ts';
import { headOf, type PlainRequest } from '../cli/route/request.ts';
import type { RequestMatch } from '../model/index.ts';
import { RouteMatcher } from '../routing/index.ts';
import { coversMatch } from './covers.ts';

function asked({ method, target, headers }: CaseRequest): PlainRequest {
  const authority = /^https?:\/\/([^/?]*)/.exec(target)?.[1];
  return {
    method,
    target,
    headers: headers.map(([name, value]) => [name, name === 'Host' ? (authority ?? value) : value] as const),
  };
}

test('where one condition is said to cover another, no request of the routing cases meets the narrow one alone', () => {
  const all = routingCases.flatMap(({ routes }) => routes.flatMap(({ matches }) => matches));
  const matches = [...new Map(all.map(each => [JSON.stringify(each), each])).values()];
  const requests = new Map(routingCases.map(({ request }) => [JSON.stringify(request), request]));
  // A prefix `/` is taken for everything: OPTIONS * is no request that anybody routes.
  const heads = [...requests.values()]
    .filter(({ target }) => target !== '*')
    .map(each => headOf(asked(each)));
  const holds = new Map(
    matches.map(each => {
      const matcher = new RouteMatcher([{ matches: [each] }]);
      return [each, heads.map(head => matcher.match(head) === 0)];
    }),
  );
  let covered = 0;
  for (const wide of matches) {
    for (const narrow of matches) {
      if (wide === narrow || !coversMatch({ request: wide }, { request: narrow })) continue;
      covered++;
      const both = holds.get(wide)!;
      const wrong = holds.get(narrow)!.findIndex((held, index) => held && !both[index]);
      assert.equal(wrong, -1, `${JSON.stringify(wide)} does not cover ${JSON.stringify(narrow)}`);
    }
  }
  assert.ok(covered > 50, `${covered} pairs`);
});

const path = (kind: 'exact' | 'prefix' | 'segments' | 'regex', value: string): RequestMatch => ({
  path: { kind, value },
});
const header = (name: string, kind: 'exact' | 'present', value = ''): RequestMatch => ({
  headers: [{ name, match: { kind, value } }],
});

const pairs: readonly (readonly [wide: RequestMatch, narrow: RequestMatch, covers: boolean])[] = [
  [{}, path('exact', '/a'), true],
  [path('prefix', '/'), {}, true],
  [path('prefix', '/a'), path('exact', '/ab'), true],
  [path('segments', '/a'), path('exact', '/ab'), false],
  [path('segments', '/a'), path('segments', '/a/b'), true],
  [path('segments', '/a'), path('prefix', '/a'), false],
  [path('exact', '/a'), path('prefix', '/a'), false],
  [path('regex', '/a.*'), path('exact', '/ab'), false],
  [path('regex', '.*'), path('exact', '/ab'), true],
  [header('x', 'present'), header('x', 'exact', '1'), true],
  [header('x', 'exact', '1'), header('x', 'present'), false],
  [header('x', 'exact', '1'), { ...header('x', 'exact', '1'), ...path('exact', '/a') }, true],
  [{ not: [header('x', 'present')] }, {}, false],
];

test('what covers what', () => {
  for (const [wide, narrow, expected] of pairs) {
    const words = `${JSON.stringify(wide)} and ${JSON.stringify(narrow)}`;
    assert.equal(coversMatch({ request: wide }, { request: narrow }), expected, words);
  }
});

test('a rule for some callers does not cover one for all, and a rule for all covers one for some', () => {
  const some = { caller: { labels: { matchLabels: { app: 'web' } }, port: 80 } };
  assert.equal(coversMatch(some, {}), false);
  assert.equal(coversMatch({}, some), true);
  assert.equal(coversMatch({ caller: { port: 80 } }, some), true);
  assert.equal(coversMatch({ caller: { namespace: 'shop' } }, some), false);
});
