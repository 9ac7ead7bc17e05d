import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../http1/index.ts';
import { PATH_NORMALIZATIONS, type PathNormalization } from '../model/index.ts';
import { PathNormalizer } from './path-normalizer.ts';

/** The head of a request for a target, in bytes of its own. */
function headOf(target: string, method = 'GET', host = 'h'): Head {
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 'latin1');
  const head = new Head();
  assert.equal(parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS), bytes.length, target);
  return head;
}

/** The target after normalisation; undefined where it is refused. */
function normal(
  target: string,
  mode?: PathNormalization,
  method?: string,
  host?: string,
): string | undefined {
  const head = headOf(target, method, host);
  return PathNormalizer.of(mode).normalize(head) ? head.targetText : undefined;
}

/** NONE, BASE, MERGE_SLASHES, DECODE_AND_MERGE_SLASHES: Istio's normalization_test.go. */
const golden: readonly (readonly [string, string, string, string])[] = [
  ['/', '/', '/', '/'],
  ['/app', '/app', '/app', '/app'],
  ['/app/../admin', '/admin', '/admin', '/admin'],
  ['/app/%2E./admin', '/admin', '/admin', '/admin'],
  ['/app//', '/app//', '/app/', '/app/'],
  ['/app/%2f', '/app/%2f', '/app/%2f', '/app/'],
  ['/xyz%30..//abc', '/xyz0..//abc', '/xyz0../abc', '/xyz0../abc'],
  ['/app/\\/\\/\\admin', '/app//////admin', '/app/admin', '/app/admin'],
  ['/%2Fapp%5cadmin%5Cabc', '/%2Fapp%5cadmin%5Cabc', '/%2Fapp%5cadmin%5Cabc', '/app/admin/abc'],
  [
    '/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc',
    '/%5Capp%2f%5c%2F..%2fadmin%5c/abc',
    '/%5Capp%2f%5c%2F..%2fadmin%5c/abc',
    '/app/admin/abc',
  ],
  ['/app//../admin', '/app/admin', '/app/admin', '/app/admin'],
  ['/app//../../admin', '/admin', '/admin', '/admin'],
  ['/%c0%2e%c0%2e/admin', '/%c0.%c0./admin', '/%c0.%c0./admin', '/%c0.%c0./admin'],
];

test("every row of Istio's golden table, in each mode", () => {
  for (const [given, ...expected] of golden) {
    const wanted = [given, ...expected];
    assert.deepEqual(
      PATH_NORMALIZATIONS.map(mode => normal(given, mode)),
      wanted,
      given,
    );
  }
  assert.equal(normal('/app/../admin'), '/admin', 'BASE where nothing is said');
});

test('what looks like a spelling of something else and is none stays as it is, even where slashes are decoded', () => {
  for (const path of [
    '/%252e%252e/admin',
    '/..;/admin',
    '/;/admin',
    '/admin;a=b',
    '/%c0%ae%c0%ae/admin',
    '/.../admin',
    '/Admin',
    '/caf\xe9/\xc3\xa9',
    '/.well-known/x',
    '/a%',
    '/a%2',
    '/a%zz/b',
  ])
    assert.equal(normal(path, 'DECODE_AND_MERGE_SLASHES'), path);
});

test('of all escapes only those of letters, digits and -._~ are decoded, and in the last mode those of slashes', () => {
  for (let code = 1; code < 256; code++) {
    const escaped = `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
    const character = String.fromCharCode(code);
    const plain = /[\w.~-]/.test(character) ? character : escaped;
    assert.equal(normal(`/a${escaped}b`, 'BASE'), `/a${plain}b`, escaped);
    const slash = /[\\/]/.test(character) ? '/' : plain;
    assert.equal(
      normal(`/a${escaped.toLowerCase()}b`, 'DECODE_AND_MERGE_SLASHES'),
      `/a${slash}b`.replace(escaped, escaped.toLowerCase()),
    );
  }
});

test('%00 is refused wherever paths are normalised, and is nothing special in a query', () => {
  assert.deepEqual(
    PATH_NORMALIZATIONS.map(mode => normal('/admin%00', mode)),
    ['/admin%00', undefined, undefined, undefined],
  );
  assert.equal(normal('/a/./b?x=%00'), '/a/b?x=%00');
});

test('dot segments at the ends', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/.', '/'],
    ['/..', '/'],
    ['/../', '/'],
    ['/../../a', '/a'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/b/../', '/a/'],
    ['/a/./b/./', '/a/b/'],
    ['//..', '/'],
    ['//../a', '/a'],
    ['/a/..b', '/a/..b'],
    ['/a/b..', '/a/b..'],
  ];
  for (const [given, expected] of cases) assert.equal(normal(given), expected, given);
});

test('only the path of a request is touched: not its query, its authority, `*` or the target of CONNECT', () => {
  assert.equal(normal('/a/../b?x=/../%61\\//', 'DECODE_AND_MERGE_SLASHES'), '/b?x=/../%61\\//');
  assert.equal(normal('/b?x=/../%61\\', 'DECODE_AND_MERGE_SLASHES'), '/b?x=/../%61\\');
  assert.equal(normal('http://h/a/../b?c/..'), 'http://h/b?c/..');
  assert.equal(normal('http://h?a/../b'), 'http://h?a/../b');
  assert.equal(normal('http://h'), 'http://h');
  assert.equal(normal('HTTP://a%2e/%2e', 'BASE', 'GET', 'a%2e'), 'HTTP://a%2e/');
  assert.equal(normal('*', 'BASE', 'OPTIONS'), '*');
  assert.equal(normal('a%2eb:80', 'BASE', 'CONNECT'), 'a%2eb:80');
});

/** What the modes say, written down a second time: as text, step after step, without a thought for speed. */
function byTheBook(path: string, mode: PathNormalization): string {
  if (mode === 'NONE') return path;
  const decodes = mode === 'DECODE_AND_MERGE_SLASHES';
  let text = decodes ? path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\') : path;
  text = text.replaceAll('\\', '/');
  text = text.replace(/%([0-9a-f]{2})/gi, (escaped, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : escaped;
  });
  const out: string[] = [];
  const segments = text.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    if (segment !== '.' && segment !== '..') out.push(segment);
    else if (last) out.push('');
  }
  const joined = `/${out.join('/')}`;
  return mode === 'BASE' ? joined : joined.replace(/\/+/g, '/');
}

test('random paths: as by the book, twice is as once, and what was normal is not written', () => {
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const pieces = [
    '/',
    '/',
    '.',
    '..',
    '\\',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '%61',
    '%20',
    '%c3',
    'a',
    'b',
    ';',
    '//',
  ];
  for (let round = 0; round < 30_000; round++) {
    const path = `/${Array.from({ length: random(9) }, () => pieces[random(pieces.length)]).join('')}`;
    for (const mode of PATH_NORMALIZATIONS) {
      const once = normal(path, mode)!;
      assert.equal(once, byTheBook(path, mode), `${path} ${mode}`);
      assert.equal(normal(once, mode), once, `${path} ${mode}`);
    }
  }
});

test('escapes inside of escapes: no number of rounds makes anything more of them', () => {
  const pieces = ['%', '2', 'e', 'E', 'f', '5', '6', '1', '%32', '%65', '%25', '/', '.'];
  let seed = 5;
  for (let round = 0; round < 50_000; round++) {
    let path = '/';
    for (let n = 0; n < 8; n++) {
      seed = (seed * 48_271) % 2_147_483_647;
      path += pieces[seed % pieces.length];
    }
    for (const mode of PATH_NORMALIZATIONS) {
      const once = normal(path, mode);
      if (once !== undefined) assert.equal(normal(once, mode), once, `${path} ${mode}`);
    }
  }
  assert.equal(normal('/%%32e%%32e/admin'), '/%%32e%%32e/admin');
});

test('a target that a route made is normalised alike', () => {
  const target = (text: string): string | undefined =>
    PathNormalizer.of('MERGE_SLASHES').normalizeTarget(Buffer.from(text))?.toString();
  assert.equal(target('/public/../admin//x?y=//..'), '/admin/x?y=//..');
  assert.equal(target('/a?b=/../c'), '/a?b=/../c');
  assert.equal(target('*'), '*');
  assert.equal(target('/a%00/'), undefined);
});
