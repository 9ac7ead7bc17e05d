// Istio's golden table of paths (tests/integration/security/normalization_test.go), whole, through a real proxy: what the app
// gets in each mode, and that policies are asked about just that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATH_NORMALIZATIONS } from '../../src/model/index.ts';
import { place } from './place.ts';

/** What is sent, and what the app gets with NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES. */
const golden: readonly (readonly [sent: string, ...got: readonly string[]])[] = [
  ['/', '/', '/', '/', '/'],
  ['/app', '/app', '/app', '/app', '/app'],
  ['/app#foo', '/app', '/app', '/app', '/app'],
  ['/admin#foo', '/admin', '/admin', '/admin', '/admin'],
  ['/app/../admin', '/app/../admin', '/admin', '/admin', '/admin'],
  ['/app/%2E./admin', '/app/%2E./admin', '/admin', '/admin', '/admin'],
  ['/app//', '/app//', '/app//', '/app/', '/app/'],
  ['/app/%2f', '/app/%2f', '/app/%2f', '/app/%2f', '/app/'],
  ['/xyz%30..//abc', '/xyz%30..//abc', '/xyz0..//abc', '/xyz0../abc', '/xyz0../abc'],
  ['/app/\\/\\/\\admin', '/app/\\/\\/\\admin', '/app//////admin', '/app/admin', '/app/admin'],
  [
    '/%2Fapp%5cadmin%5Cabc',
    '/%2Fapp%5cadmin%5Cabc',
    '/%2Fapp%5cadmin%5Cabc',
    '/%2Fapp%5cadmin%5Cabc',
    '/app/admin/abc',
  ],
  [
    '/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc',
    '/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc',
    '/%5Capp%2f%5c%2F..%2fadmin%5c/abc',
    '/%5Capp%2f%5c%2F..%2fadmin%5c/abc',
    '/app/admin/abc',
  ],
  ['/app//../admin', '/app//../admin', '/app/admin', '/app/admin', '/app/admin'],
  ['/app//../../admin', '/app//../../admin', '/admin', '/admin', '/admin'],
  ['/%c0%2e%c0%2e/admin', '/%c0%2e%c0%2e/admin', '/%c0.%c0./admin', '/%c0.%c0./admin', '/%c0.%c0./admin'],
];

/** Of all these nothing is decoded, in no mode. */
const unchanged = [
  '/%252e%252e/admin',
  '/%252E%252E/admin',
  '/..;/admin',
  '/;/admin',
  '/admin;a=b',
  '/admin,a=b',
  '/%c0%ae%c0%ae/admin',
  '/%25c0%25ae/admin',
  '/.../admin',
  '/..../admin',
  '/Admin',
  '/ADMIN',
  '/admin%20',
  '/admin%09',
  '/admin?x=/../%2e%2e//',
];

const deny = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-admin, namespace: default}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}
`;
const settings = (mode: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "pathNormalization: {normalization: ${mode}}"}
`;

for (const [at, mode] of PATH_NORMALIZATIONS.entries()) {
  test(`${mode}: the app gets what the table says, and what comes to /admin is refused whatever its spelling`, async t => {
    const open = await place(t, settings(mode));
    const closed = await place(t, `${settings(mode)}---${deny}`);
    const rows = [
      ...golden.map(([sent, ...got]) => [sent, got[at]!] as const),
      ...unchanged.map(each => [each, each] as const),
    ];
    for (const [sent, got] of rows) {
      const request = `GET ${sent} HTTP/1.1\r\nhost: httpbin\r\n\r\n`;
      assert.equal((await open.raw(request)).status, 200, sent);
      assert.deepEqual(
        open.take().map(({ url }) => url),
        [got],
        sent,
      );
      const isDenied = got.split('?', 1)[0] === '/admin';
      assert.equal((await closed.raw(request)).status, isDenied ? 403 : 200, sent);
      assert.equal(closed.take().length, isDenied ? 0 : 1, sent);
    }
    const nul = await open.raw('GET /admin%00 HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal(nul.status, mode === 'NONE' ? 200 : 400);
  });
}

test('of the bytes %01 to %ff those of letters, digits and -._~ are decoded, and in the last mode slashes', async t => {
  for (const mode of ['BASE', 'DECODE_AND_MERGE_SLASHES']) {
    const { raw, take } = await place(t, settings(mode));
    for (let code = 1; code < 256; code++) {
      const escaped = `%${code.toString(16).padStart(2, '0')}`;
      const character = String.fromCharCode(code);
      const plain = /[\w.~-]/.test(character) ? character : escaped;
      const expected = mode !== 'BASE' && /[/\\]/.test(character) ? '/' : plain;
      assert.equal((await raw(`GET /a${escaped}b HTTP/1.1\r\nhost: a\r\n\r\n`)).status, 200, escaped);
      assert.deepEqual(
        take().map(({ url }) => url),
        [`/a${expected}b`],
      );
    }
  }
});
