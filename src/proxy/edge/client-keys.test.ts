// What clients are known by in limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientKey } from '../../model/index.ts';
import type { FilteredRequest } from '../filters/filter.interface.ts';
import { ClientLimits } from './client-limits.ts';

/** A request as far as limits look at it. */
function request(target: string, clientAddress = '10.0.0.1', headers: Readonly<Record<string, string>> = {}) {
  const bytes = Buffer.from(target, 'latin1');
  const head = { bytes, targetStart: 0, targetEnd: bytes.length, host: -1, method: 1, isOrigin: true };
  return {
    head,
    clientAddress,
    nowMs: 0,
    localFields: [],
    requestHeader: (name: string) => headers[name] ?? '',
  } as unknown as FilteredRequest;
}

/** Which of the requests are let through, where each key may have one. */
function passing(key: ClientKey, ...requests: readonly FilteredRequest[]): readonly boolean[] {
  const limit = { zone: 'z', key, perSecond: 1 / 60, burst: 0, delay: false };
  const filter = new ClientLimits().filter({ clientLimits: [limit] })!;
  return requests.map(each => filter.judge(each) === undefined);
}

test('by path: whoever asks, whatever the query', () => {
  const found = passing({ kind: 'path' }, request('/a'), request('/a?x=1', '10.0.0.2'), request('/b'));
  assert.deepEqual(found, [true, false, true]);
});

test('by address and path: each client has its own count of each path', () => {
  const key = { kind: 'address-and-path' } as const;
  const found = passing(key, request('/a'), request('/a', '10.0.0.2'), request('/b'), request('/a'));
  assert.deepEqual(found, [true, true, true, false]);
});

test('all together: everybody is one client', () => {
  const found = passing({ kind: 'all' }, request('/a'), request('/b', '10.0.0.2'));
  assert.deepEqual(found, [true, false]);
});

test('of what a client says itself 256 characters are remembered, so that it cannot fill the memory', () => {
  const long = 'x'.repeat(256);
  const header = { kind: 'header', name: 'x-client' } as const;
  const of = (value: string) => request('/', '10.0.0.1', { 'x-client': value });
  assert.deepEqual(passing(header, of(`${long}a`), of(`${long}b`), of('short'), of('')), [
    true,
    false,
    true,
    true,
  ]);
  assert.deepEqual(passing({ kind: 'path' }, request(`/${long}a`), request(`/${long}b`)), [true, false]);
});
