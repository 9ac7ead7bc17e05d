import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../../http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../http1/index.ts';
import type { EdgePolicy } from '../../model/index.ts';
import { RequestParts } from '../../routing/index.ts';
import type { FilteredRequest, Instead } from '../filters/filter.interface.ts';
import { httpsFilter } from './https.ts';

/** What the filter says of a request, and what it adds to the answer. */
function judge(
  policy: EdgePolicy,
  target: string,
  secure: boolean,
): { readonly location: string | undefined; readonly status: number | undefined; readonly fields: unknown } {
  const head = new Head();
  const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nhost: shop.example:8080\r\n\r\n`);
  parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
  const parts = new RequestParts();
  parts.read(head);
  const request = { head, parts, secure, answerFields: [], localFields: [] } as unknown as FilteredRequest;
  const said = httpsFilter(policy)!.judge(request) as Instead | undefined;
  const location = said?.reply.fields.find(([name]) => name.toLowerCase() === 'location')?.[1];
  return { location, status: said?.reply.status, fields: request.answerFields };
}

test('plain requests are sent to https, but for the questions of authorities of certificates', () => {
  const policy = { toHttps: { status: 308 } };
  assert.deepEqual(judge(policy, '/a?b=c', false), {
    location: 'https://shop.example/a?b=c',
    status: 308,
    fields: [],
  });
  assert.equal(
    judge({ toHttps: { status: 308, port: 8443 } }, '/', false).location,
    'https://shop.example:8443/',
  );
  assert.equal(judge(policy, '/.well-known/acme-challenge/token', false).status, undefined);
  assert.equal(judge(policy, '/a', true).status, undefined);
});

test('what came by TLS learns that it always should, and nothing else does (RFC 6797 section 7.2)', () => {
  const hsts = { maxAgeSeconds: 31_536_000, includeSubdomains: true, preload: false };
  assert.deepEqual(judge({ hsts }, '/', true).fields, [
    ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ]);
  assert.deepEqual(judge({ hsts }, '/', false).fields, []);
});

test('a URL that a pattern changes is where its requests are sent, by the first that changes it', () => {
  const redirects = [
    {
      pattern: '^http://shop\\.example:8080/old/(.*)',
      substitution: 'https://new.example/\\1',
      permanent: true,
    },
    { pattern: '/a b|/never', substitution: '/', permanent: false },
    { pattern: '(\\?|&)debug=1', substitution: '', permanent: false },
  ];
  const told = (target: string, secure = false) => {
    const { location, status } = judge({ redirects }, target, secure);
    return [location, status];
  };
  assert.deepEqual(told('/old/x?y=z'), ['https://new.example/x?y=z', 301]);
  assert.deepEqual(told('/x?debug=1', true), ['https://shop.example:8080/x', 302]);
  assert.deepEqual(told('/x'), [undefined, undefined]);
  assert.deepEqual(told('/old/x', true), [undefined, undefined], 'the scheme is part of the URL');
  assert.equal(judge({ redirects, toHttps: { status: 308 } }, '/old/x', false).status, 308, 'https first');
});
