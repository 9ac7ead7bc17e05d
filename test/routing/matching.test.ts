import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../src/http1/index.ts';
import type { PathRewrite, Route } from '../../src/model/index.ts';
import {
  compilePattern,
  RequestParts,
  RouteMatcher,
  PathRewrite as RunningRewrite,
} from '../../src/routing/index.ts';
import { type CaseRequest, headText, rewriteCases, routingCases } from './cases.ts';

/** A request's head as the codec reads it. */
function headOf(request: CaseRequest): Head {
  // A URL brings its authority along, and Host must be the same; only HTTP/1.0 goes without one.
  const authority = /^https?:\/\/([^/?]*)/.exec(request.target)?.[1];
  if (
    authority !== undefined &&
    request.headers.some(([name, value]) => name === 'Host' && value !== authority)
  )
    return headOf({
      ...request,
      headers: request.headers.map(each => (each[0] === 'Host' ? ['Host', authority] : each)),
    });
  const hasHost = request.headers.some(([name]) => name.toLowerCase() === 'host');
  const text = hasHost ? headText(request) : headText(request).replace(' HTTP/1.1\r', ' HTTP/1.0\r');
  const bytes = Buffer.from(text, 'latin1');
  const head = new Head();
  const end = parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
  assert.equal(end, bytes.length, `not valid HTTP: ${text}`);
  return head;
}

test('each case takes the route that it should', () => {
  for (const { title, routes, request, expected } of routingCases) {
    const matcher = new RouteMatcher(routes);
    assert.equal(routes[matcher.match(headOf(request))]?.name, expected, title);
  }
  assert.ok(routingCases.length > 300, `${routingCases.length} cases`);
});

test('a destination of all routes of all cases decides as one that tries them in turn', () => {
  const all = routingCases.flatMap(({ routes }) => routes).filter(({ matches }) => matches.length > 0);
  const together = new RouteMatcher(all);
  const alone = all.map(route => new RouteMatcher([route]));
  for (const { title, request } of routingCases) {
    const head = headOf(request);
    assert.equal(
      together.match(head),
      alone.findIndex(matcher => matcher.match(head) === 0),
      title,
    );
  }
});

test('each rewrite makes the target that it should', () => {
  const parts = new RequestParts();
  for (const { title, rewrite, target, expected } of rewriteCases) {
    parts.read(headOf({ method: 'GET', target, headers: [['host', 'a']] }));
    assert.equal(new RunningRewrite(rewrite).target(parts), expected, title);
  }
  assert.ok(rewriteCases.length > 15, `${rewriteCases.length} cases`);
});

test('patterns and rewrites that cannot be run are refused in words that name them', () => {
  assert.throws(() => compilePattern('a('), /the regular expression "a\(" is not valid RE2/);
  assert.throws(() => compilePattern('(?=a)b'), /not valid RE2/);
  assert.throws(() => compilePattern('(a{1,900}){1,900}'), /too large to be run for every request/);
  const regex = (substitution: string): PathRewrite => ({ kind: 'regex', pattern: '^/(a)', substitution });
  assert.throws(() => new RunningRewrite(regex('/\\2')), /the pattern has only 1 groups/);
  assert.throws(() => new RunningRewrite(regex('/ x')), /cannot be in a path/);
});

test('a hostile text does not hold a pattern up', () => {
  const pattern = compilePattern('(a*)*(a*)*b');
  const started = process.cpuUsage().user;
  assert.equal(pattern.matches('a'.repeat(20_000)), false);
  assert.ok(process.cpuUsage().user - started < 5_000_000, 'seconds of CPU: it backtracks');
});

test('matching looks only at routes that can hold: the work does not grow with those that cannot', () => {
  const route = (i: number): Pick<Route, 'matches'> => ({
    matches: [{ path: { kind: 'prefix', value: `/service-${i}/` } }],
  });
  const request = { method: 'GET', target: '/service-7/x', headers: [['host', 'a']] as const };
  const head = headOf(request);
  const reads = (size: number): number => {
    const routes = Array.from({ length: size }, (_, i) => route(i));
    let looked = 0;
    const watched = new Proxy(head, {
      get(target, name) {
        if (name === 'bytes') looked++;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    assert.equal(new RouteMatcher(routes).match(watched), 7);
    return looked;
  };
  assert.equal(reads(10_000), reads(10));
});
