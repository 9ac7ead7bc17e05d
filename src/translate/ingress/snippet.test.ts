import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSnippet, SnippetError } from './snippet.ts';
import { readSnippet } from './snippet-rules.ts';

test('directives are read as nginx reads them: quotes, escapes, comments, blocks', () => {
  const text = `
# a comment ; {
add_header X-A "a; 'b' \\" $host" always;
if ($http_x ~* "a{2}") { return 403; }
location ~ \\.php$ { deny all; }`;
  const read = parseSnippet(text).map(({ name, args, block }) => [name, args, block?.map(each => each.name)]);
  assert.deepEqual(read, [
    ['add_header', ['X-A', "a; 'b' \" $host", 'always'], undefined],
    ['if', ['($http_x', '~*', 'a{2}', ')'], ['return']],
    ['location', ['~', '\\.php$'], ['deny']],
  ]);
});

const wrong: readonly (readonly [text: string, why: RegExp])[] = [
  ['add_header X a', /^line 1: 'add_header' does not end with ;/],
  ['return 403;\n}', /^line 2: there is a \} without a \{/],
  ['if ($a) { return 403;', /there is a \{ without a \}/],
  ['add_header X "a;', /^line 1: a " is not closed/],
  ['access_by_lua_block { ngx.exit(403) }', /^line 1: the directive access_by_lua_block is not carried out/],
  [
    '\nproxy_pass http://evil;',
    /^line 2: the directive proxy_pass is not carried out; these are: add_header/,
  ],
  ['add_header X $upstream_addr;', /the variable \$upstream_addr is not known/],
  ['proxy_set_header Host x;', /upstream-vhost/],
  ['if ($a = b) { return 403; }', /conditions on \$a are not carried out/],
  ['if (-f x) { return 403; }', /is not carried out/],
  ['if ($host = a) { proxy_set_header X y; }', /inside if only return, rewrite and deny all/],
  ['location /a { proxy_pass http://b; }', /inside location only return/],
  ['rewrite ^/a /b last;', /use the annotation rewrite-target/],
  ['deny everybody;', /'everybody' is no address/],
  ['return 99;', /is no status/],
  ['gzip_comp_level 10;', /levels go from 1 to 9/],
];
for (const [text, why] of wrong) {
  test(`a snippet is refused by name: ${text.trim()}`, () => {
    assert.throws(
      () => readSnippet(text),
      (error: unknown) => error instanceof SnippetError && why.test(error.message),
    );
  });
}

test('what the directives come to', () => {
  const rules = readSnippet(`
more_set_headers "X-Frame-Options: DENY" "Server:";
more_clear_headers X-Powered-By;
proxy_hide_header X-Secret;
proxy_set_header X-Client $remote_addr;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
allow 10.0.0.0/8;
deny all;
gzip on;
gzip_types text/css;
gzip_min_length 1k;
return 301 https://new.example$request_uri;`);
  assert.deepEqual(rules.setResponse, [['X-Frame-Options', 'DENY']]);
  assert.deepEqual(rules.removeResponse, ['server', 'x-powered-by', 'x-secret']);
  assert.deepEqual(rules.setRequest, [['X-Client', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%']]);
  assert.deepEqual(
    rules.addresses.map(({ range, allow }) => `${allow ? '+' : '-'}${range}`),
    ['+10.0.0.0/8', '-0.0.0.0/0', '-::/0'],
  );
  assert.deepEqual(rules.compress, { types: ['text/html', 'text/css'], minBytes: 1024 });
  assert.deepEqual(rules.answers[0]!.headers, [['location', 'https://new.example%REQ(:path)%']]);
});

test('conditions and rewrites become matches', () => {
  const rules = readSnippet(`
if ($request_method = POST) { return 405; }
if ($http_x_a !~ "^b") { return 403 "no"; }
rewrite ^/old/(.*)$ /new/$1 permanent;
location = /status { return 200 "fine"; }`);
  assert.deepEqual(
    rules.answers.map(each => each.match),
    [
      { method: { kind: 'exact', value: 'POST' } },
      { not: [{ headers: [{ name: 'x-a', match: { kind: 'regex', value: '(?:b).*' } }] }] },
      { path: { kind: 'regex', value: '(?:/old/(.*))' } },
      { path: { kind: 'exact', value: '/status' } },
    ],
  );
});
