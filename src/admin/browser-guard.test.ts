import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardAdmin, guardHook } from './browser-guard.ts';
import { type AdminRequest, type AdminRoutes, text } from './http-server.ts';

type Headers = NonNullable<AdminRequest['headers']>;
const request = (method: string, headers: Headers): AdminRequest => ({
  method,
  path: '/x',
  query: new URLSearchParams(),
  headers,
});
const routes: AdminRoutes = guardAdmin({ 'GET /x': () => text('read'), 'POST /x': () => text('changed') });
const ask = async (method: string, headers: Headers): Promise<number> =>
  (await routes[`${method} /x`]!(request(method, headers))).status;
const tool: Headers = { host: '127.0.0.1:15000', 'user-agent': 'curl/8', 'x-weft-admin': 'yes' };

const reads: readonly (readonly [who: string, headers: Headers, status: number])[] = [
  ['curl', { host: '127.0.0.1:15000' }, 200],
  ['localhost', { host: 'LocalHost:15000' }, 200],
  ['IPv6', { host: '[::1]:15000' }, 200],
  ['a forwarded port', { host: 'localhost:43123' }, 200],
  ['HTTP/1.0', {}, 200],
  ['a rebound name', { host: 'evil.example:15000' }, 403],
  ['a name that looks local', { host: 'localhost.evil.example:15000' }, 403],
  ['a name of digits', { host: '127.0.0.1.nip.io' }, 403],
  ['a name with a dot at its end', { host: 'localhost.:15000' }, 403],
  ['nonsense', { host: 'a b' }, 403],
];
for (const [who, headers, status] of reads) {
  test(`reading through the admin port: ${who} gets ${status}`, async () => {
    assert.equal(await ask('GET', headers), status);
  });
}

const changes: readonly (readonly [who: string, headers: Headers, status: number])[] = [
  ['curl with the header', tool, 200],
  ['curl without it', { host: '127.0.0.1:15000' }, 403],
  ['a form of another page', { host: '127.0.0.1:15000', origin: 'https://evil.example' }, 403],
  [
    'a form without a word of where it comes from',
    { host: 'localhost:15000', 'user-agent': 'Mozilla/5.0' },
    403,
  ],
  ['a sandboxed frame', { ...tool, origin: 'null' }, 403],
  ['a page of our own origin, which we have none of', { ...tool, origin: 'http://127.0.0.1:15000' }, 403],
  ['a rebound name with the header', { ...tool, host: 'evil.example:15000' }, 403],
];
for (const [who, headers, status] of changes) {
  test(`changing something through the admin port: ${who} gets ${status}`, async () => {
    assert.equal(await ask('POST', headers), status);
  });
}

test('a refusal says what to do', async () => {
  const reply = await routes['POST /x']!(request('POST', { host: '127.0.0.1:15000' }));
  assert.match(reply.body, /curl -X POST -H 'x-weft-admin: yes'/);
});

const hook = guardHook(() => text('asked'));
const hooks: readonly (readonly [who: string, headers: Headers, status: number])[] = [
  ['the kubelet of today', { host: '10.0.0.7:15020', 'user-agent': 'kube-lifecycle/1.34' }, 200],
  ['the kubelet before 1.26', { host: '10.0.0.7:15020', 'user-agent': 'Go-http-client/1.1' }, 200],
  ['a pod with an IPv6 address', { host: '[fd00::7]:15020', 'user-agent': 'kube-lifecycle/1.34' }, 200],
  ['a page with an image', { host: '127.0.0.1:15020', 'user-agent': 'Mozilla/5.0 (X11)' }, 403],
  ['a page that fetches', { host: '127.0.0.1:15020', origin: 'https://evil.example' }, 403],
  ['a page on its way', { host: '127.0.0.1:15020', referer: 'https://evil.example/' }, 403],
  ['a page that hides where it is', { host: '127.0.0.1:15020', 'sec-fetch-site': 'cross-site' }, 403],
  ['a rebound name', { host: 'evil.example:15020', 'user-agent': 'kube-lifecycle/1.34' }, 403],
];
for (const [who, headers, status] of hooks) {
  test(`a hook of the app: ${who} gets ${status}`, async () => {
    assert.equal((await hook(request('GET', headers))).status, status);
  });
}
