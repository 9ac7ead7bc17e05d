import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestWords } from './request-words.ts';

test('conditions are few words, in the order in which they are looked at; none is no word', () => {
  assert.equal(requestWords({}), '');
  assert.equal(
    requestWords({
      method: { kind: 'exact', value: 'GET' },
      path: { kind: 'segments', value: '/api' },
      authority: { kind: 'suffix', value: '.example.com' },
      headers: [
        { name: 'end-user', match: { kind: 'exact', value: 'jason' } },
        { name: 'x-old', match: { kind: 'present', value: '' }, invert: true },
        { name: 'version', match: { kind: 'regex', value: '^v[12]$' }, invert: true },
      ],
      query: [{ name: 'page', match: { kind: 'prefix', value: '1' } }],
      not: [{ path: { kind: 'exact', value: '/api/health' } }],
    }),
    'GET /api and below host *.example.com header end-user=jason header x-old absent header version!=~^v[12]$ ' +
      'query page=1* not (/api/health)',
  );
});
