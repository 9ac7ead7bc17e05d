import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerFault, requestTarget, requestText } from './http-request.ts';

// What Go's url.Parse, URL.String and Request.Write make of it, in this order.
const paths: readonly (readonly [path: string | undefined, target: string | undefined])[] = [
  [undefined, '/'],
  ['', '/'],
  ['/', '/'],
  ['healthz', '/healthz'],
  ['health?full=1', '/health?full=1'],
  ['?full=1', '/?full=1'],
  ['/a/b?x=y&z=?', '/a/b?x=y&z=?'],
  ['/a?', '/a'],
  ['/a#b', '/a'],
  ['#b', '/'],
  ['./a/../b', '/./a/../b'],
  ['/a b', '/a%20b'],
  ['/a?b c', '/a?b%20c'],
  ['/%41', '/%41'],
  ['/%41 ', '/A%20'],
  ['/%zz', '/%25zz'],
  ['/%zz?x=1', '/%25zz%3Fx=1'],
  ['/grüße', '/gr%C3%BC%C3%9Fe'],
  ['/a"b', '/a%22b'],
  ['/a\r\nX: y', '/a%0D%0AX:%20y'],
  ['http://other:99/x?y', '/x?y'],
  ['https://other', '/'],
  ['//other/x', '/x'],
  ['///x', '///x'],
  ['//a:b/x', '//a:b/x'],
  ['1:2/x', '/1:2/x'],
  [':8080/x', '/:8080/x'],
  ['/a:b', '/a:b'],
  ['*', '/*'],
  ['health:8080', undefined],
];
for (const [path, target] of paths) {
  test(`path ${JSON.stringify(path)} is asked for as ${JSON.stringify(target)}`, () => {
    assert.equal(requestTarget(path), target);
  });
}

const url = { secure: false, host: '10.1.2.3', port: 8080, target: '/x' };
const plain = { given: [], userAgent: 'kube-probe/1.34', host: '', referer: '' };
const lines = (headers: object): string[] =>
  requestText(url, { ...plain, ...headers })
    .split('\r\n')
    .slice(0, -2);

test('the headers are those of the kubelet, in its order', () => {
  assert.deepEqual(lines({}), [
    'GET /x HTTP/1.1',
    'Host: 10.1.2.3:8080',
    'User-Agent: kube-probe/1.34',
    'Accept: */*',
    'Connection: close',
  ]);
  const ipv6 = requestText({ ...url, host: 'fd00::7' }, plain);
  assert.match(ipv6, /\r\nHost: \[fd00::7\]:8080\r\n/);
});

test('headers of the probe take the place of the kubelet’s; framing is not theirs', () => {
  const given = [
    { name: 'host', value: 'shop.example' },
    { name: 'user-agent', value: 'me' },
    { name: 'ACCEPT', value: 'text/html' },
    { name: 'x-b', value: '1' },
    { name: 'x-b', value: '2' },
    { name: 'content-length', value: '5' },
    { name: 'authorization', value: 'Basic x' },
  ];
  assert.deepEqual(lines({ given, host: 'shop.example' }), [
    'GET /x HTTP/1.1',
    'Host: shop.example',
    'User-Agent: me',
    'Accept: text/html',
    'Authorization: Basic x',
    'X-B: 1',
    'X-B: 2',
    'Connection: close',
  ]);
  const none = [
    { name: 'Accept', value: '' },
    { name: 'User-Agent', value: '' },
  ];
  assert.deepEqual(lines({ given: none }), ['GET /x HTTP/1.1', 'Host: 10.1.2.3:8080', 'Connection: close']);
});

test('a header cannot bring lines of its own', () => {
  for (const [name, value] of [
    ['x', 'a\r\nHost: b'],
    ['x y', 'a'],
    ['', 'a'],
    ['x', 'a\0'],
  ] as const)
    assert.notEqual(headerFault([{ name, value }]), undefined, `${name}: ${value}`);
  assert.equal(headerFault([{ name: 'x', value: 'a\tb ü' }]), undefined);
});
