// What AuthorizationPolicy means, as rows: a value of a field, what comes, and whether that has the value. Written from Istio's
// reference and golden files, by hand; nothing here is computed by the code under test.
import type { Sent } from './rig.ts';

/** One value of one field, tried against one request. Four cases come of it: ALLOW and DENY, asked for and asked against. */
export interface Row {
  readonly field: string;
  readonly values: readonly string[];
  readonly sent: Sent;
  readonly has: boolean;
}

const web: Sent = { by: 'shop/web' };
const api: Sent = { by: 'ops/api' };
const plain: Sent = {};

/** `yes` have the value, `no` have not. */
function rows(
  field: string,
  values: string | readonly string[],
  yes: readonly Sent[],
  no: readonly Sent[],
): Row[] {
  const list = typeof values === 'string' ? [values] : values;
  return [
    ...yes.map(sent => ({ field, values: list, sent, has: true })),
    ...no.map(sent => ({ field, values: list, sent, has: false })),
  ];
}

const at = (path: string): Sent => ({ ...web, path });
const with_ = (name: string, ...values: readonly string[]): Sent => ({
  ...web,
  headers: values.map(value => [name, value] as const),
});
const to = (host: string): Sent => ({ ...web, host });
const by = (method: string): Sent => ({ ...web, method });
const forwarded = (...values: readonly string[]): Sent => with_('x-forwarded-for', ...values);
const token = (claims: Record<string, unknown>): Sent => ({
  ...web,
  token: { iss: 'https://issuer.example', sub: 'alice', ...claims },
});

export const SOURCE_ROWS: readonly Row[] = [
  ...rows('principals', 'cluster.local/ns/shop/sa/web', [web], [api, plain]),
  ...rows(
    'principals',
    ['cluster.local/ns/shop/sa/other', 'cluster.local/ns/ops/sa/api'],
    [api],
    [web, plain],
  ),
  ...rows('principals', 'cluster.local/ns/shop/*', [web], [api, plain]),
  ...rows('principals', '*/sa/api', [api], [web, plain]),
  ...rows('principals', '*', [web, api], [plain]),
  ...rows('principals', 'cluster.local/ns/shop/sa/we', [], [web]),
  ...rows('principals', 'cluster.local/ns/shop/sa/web*', [web], [api]),
  ...rows('principals', 'other.example/ns/shop/sa/web', [], [web]),
  ...rows('namespaces', 'shop', [web], [api, plain]),
  ...rows('namespaces', 'sho*', [web], [api, plain]),
  ...rows('namespaces', '*ps', [api], [web, plain]),
  ...rows('namespaces', '*', [web, api], [plain]),
  ...rows('namespaces', 'sh', [], [web]),
  ...rows('namespaces', 'hop', [], [web]),
  ...rows('serviceAccounts', 'shop/web', [web], [api, plain]),
  ...rows('serviceAccounts', 'web', [web], [api, plain, { by: 'ops/web' }]),
  ...rows('serviceAccounts', ['ops/api', 'ops/web'], [api, { by: 'ops/web' }], [web]),
  ...rows('serviceAccounts', 'shop/w.b', [], [web, { by: 'shop/w-b' }]),
  ...rows('serviceAccounts', 'shop/w.b', [{ by: 'shop/w.b' }], []),
  ...rows('trustDomains', 'cluster.local', [web, api], [plain]),
  ...rows('trustDomains', 'cluster.*', [web], [plain]),
  ...rows('trustDomains', '*.local', [web], [plain]),
  ...rows('trustDomains', 'other.example', [], [web, plain]),
  ...rows('ipBlocks', '127.0.0.1', [web, plain], []),
  ...rows('ipBlocks', '127.0.0.0/8', [web, plain], []),
  ...rows('ipBlocks', ['10.0.0.0/8', '127.0.0.0/31'], [web], []),
  ...rows('ipBlocks', '127.0.0.0/32', [], [web, plain]),
  ...rows('ipBlocks', '128.0.0.0/1', [], [web]),
  ...rows('ipBlocks', '0.0.0.0/0', [web, plain], []),
  ...rows('ipBlocks', '::/0', [], [web, plain]),
  ...rows(
    'remoteIpBlocks',
    '203.0.113.0/24',
    [forwarded('203.0.113.7'), forwarded('198.51.100.1, 203.0.113.7')],
    [
      web,
      forwarded('203.0.113.7, 198.51.100.1'),
      forwarded('203.0.113.7', '198.51.100.1'),
      forwarded('nonsense'),
    ],
  ),
  ...rows('remoteIpBlocks', '2001:db8::/32', [forwarded('2001:db8::1')], [forwarded('2001:db9::1'), web]),
  ...rows('remoteIpBlocks', '127.0.0.1', [web, forwarded('nonsense')], [forwarded('203.0.113.7')]),
  ...rows('requestPrincipals', 'https://issuer.example/alice', [token({})], [web, token({ sub: 'bob' })]),
  ...rows('requestPrincipals', 'https://issuer.example/*', [token({})], [web, token({ iss: 'x' })]),
  ...rows('requestPrincipals', '*/alice', [token({})], [web, token({ sub: 'malice' })]),
  ...rows('requestPrincipals', '*', [token({})], [web, token({ sub: '' }), token({ iss: '' })]),
];

export const OPERATION_ROWS: readonly Row[] = [
  ...rows(
    'hosts',
    'example.com',
    [to('example.com'), to('EXAMPLE.com'), to('example.com.'), to('example.com:80')],
    [to('example.org'), to('xexample.com'), to('example.com.evil'), to('a.example.com')],
  ),
  ...rows('hosts', 'Example.COM', [to('example.com')], [to('example.org')]),
  ...rows(
    'hosts',
    '*.example.com',
    [to('a.example.com'), to('a.b.example.com:80'), to('A.Example.com.')],
    [to('example.com'), to('xexample.com')],
  ),
  ...rows('hosts', 'example.*', [to('example.com'), to('example.org:80')], [to('a.example.com')]),
  ...rows(
    'hosts',
    'example.com:8080',
    [to('example.com:8080'), to('example.com.:8080')],
    [to('example.com'), to('example.com:80')],
  ),
  ...rows(
    'hosts',
    'example.com:*',
    [to('example.com:8080'), to('example.com:80')],
    [to('example.com'), to('example.org:80')],
  ),
  ...rows('hosts', '*', [to('example.com')], []),
  ...rows('ports', 'PORT', [web, plain], []),
  ...rows('ports', '1', [], [web]),
  ...rows('ports', ['1', 'PORT'], [web], []),
  ...rows('methods', 'GET', [web, by('GET')], [by('POST'), by('DELETE'), by('PUT')]),
  ...rows('methods', ['GET', 'POST'], [by('POST'), by('GET')], [by('DELETE')]),
  ...rows('methods', 'P*', [by('POST'), by('PUT'), by('PATCH')], [by('GET')]),
  ...rows('methods', '*T', [by('GET'), by('POST')], [by('DELETE')]),
  ...rows('methods', '*', [by('GET'), by('OPTIONS')], []),
  ...rows(
    'paths',
    '/admin',
    [at('/admin'), at('/admin?x=1'), at('/./admin'), at('/x/../admin'), at('/%61dmin'), at('/x\\..\\admin')],
    [
      at('/'),
      at('/admin/'),
      at('/admin/x'),
      at('/Admin'),
      at('/public?/admin'),
      at('/public?x=/../admin'),
      at('/admin%23x'),
      at('/admin;a=b'),
      at('//admin'),
      at('/%252e%252e/admin'),
      at('/..;/admin'),
    ],
  ),
  ...rows(
    'paths',
    '/info*',
    [at('/info'), at('/information'), at('/info/x'), at('/info?y')],
    [at('/inf'), at('/x/info')],
  ),
  ...rows(
    'paths',
    '*.css',
    [at('/a.css'), at('/x/y.css'), at('/a.css?v=1')],
    [at('/a.css/x'), at('/a.js?x=.css')],
  ),
  ...rows('paths', '*', [at('/'), at('/x')], []),
  ...rows('paths', '/a*b', [at('/a*b')], [at('/axb'), at('/ab')]),
  ...rows(
    'paths',
    '/allow/admin/{**}',
    [at('/allow/admin/'), at('/allow/admin/x'), at('/allow/admin/x/y/z')],
    [at('/allow/admin'), at('/allow/adminx'), at('/x/allow/admin/y')],
  ),
  ...rows(
    'paths',
    '/foo/{*}',
    [at('/foo/x'), at('/foo/*'), at('/foo/{*}'.replace(/[{}]/g, ''))],
    [at('/foo/'), at('/foo'), at('/foo/x/'), at('/foo/x/y')],
  ),
  ...rows(
    'paths',
    '/foo/{*}/bar/{**}',
    [at('/foo/a/bar/'), at('/foo/a/bar/b'), at('/foo/a/bar/b/c')],
    [at('/foo//bar/x'), at('/foo/a/bar'), at('/foo/a/b/bar/x'), at('/foo/a/baz/x')],
  ),
  ...rows(
    'paths',
    '/store/{**}/cart',
    [at('/store//cart'), at('/store/x/cart'), at('/store/x/y/cart')],
    [at('/store/cart'), at('/store/x/cart/y'), at('/store/x/carts')],
  ),
  ...rows('paths', '/{*}/cart/{*}', [at('/x/cart/1')], [at('/cart/1'), at('/x/cart/'), at('/x/y/cart/1')]),
  ...rows('paths', '/{**}', [at('/'), at('/x/y')], []),
  ...rows('paths', ['/one', '/two*'], [at('/one'), at('/twofold')], [at('/onefold'), at('/three')]),
];

/** Conditions: `field` is the key. */
export const CONDITION_ROWS: readonly Row[] = [
  ...rows('source.ip', '127.0.0.0/8', [web], []),
  ...rows('source.ip', '10.0.0.0/8', [], [web]),
  ...rows('remote.ip', '203.0.113.7', [forwarded('203.0.113.7')], [web, forwarded('203.0.113.8')]),
  ...rows('source.namespace', 'shop', [web], [api, plain]),
  ...rows('source.principal', 'cluster.local/ns/ops/*', [api], [web, plain]),
  ...rows('source.serviceAccount', 'ops/api', [api], [web, plain]),
  ...rows('source.trustDomain', 'cluster.local', [web], [plain]),
  ...rows('destination.ip', '127.0.0.1', [web], []),
  ...rows('destination.ip', '10.0.0.0/8', [], [web]),
  ...rows('destination.port', 'PORT', [web], []),
  ...rows('destination.port', '1', [], [web]),
  ...rows('connection.sni', 'example.com', [], [web]),
  ...rows(
    'request.headers[X-Tenant]',
    'a',
    [with_('x-tenant', 'a'), with_('X-TENANT', 'a')],
    [
      web,
      with_('x-tenant', 'b'),
      with_('x-tenant', 'A'),
      with_('x-tenant', 'a,b'),
      with_('x_tenant', 'a'),
      with_('x-tenant', ''),
    ],
  ),
  ...rows('request.headers[x-tenant]', 'a*', [with_('x-tenant', 'abc')], [with_('x-tenant', 'bac')]),
  ...rows('request.headers[x-tenant]', '*c', [with_('x-tenant', 'abc')], [with_('x-tenant', 'cab')]),
  ...rows('request.headers[x-tenant]', '*', [with_('x-tenant', 'abc'), with_('x-tenant', '')], [web]),
  ...rows(
    'request.headers[x-tenant]',
    ['a', 'b'],
    [with_('x-tenant', 'b'), with_('x-tenant', 'a', 'b')],
    [with_('x-tenant', 'c')],
  ),
  ...rows('request.headers[:authority]', 'example.com', [to('example.com')], [to('example.org')]),
  ...rows('request.headers[:method]', 'POST', [by('POST')], [by('GET')]),
  ...rows('request.auth.principal', 'https://issuer.example/alice', [token({})], [web]),
  ...rows(
    'request.auth.audiences',
    'shop',
    [token({ aud: ['other', 'shop'] })],
    [web, token({ aud: 'other' })],
  ),
  ...rows('request.auth.presenter', 'app*', [token({ azp: 'app-1' })], [web, token({ azp: 'x' })]),
  ...rows(
    'request.auth.claims[groups]',
    'one',
    [token({ groups: ['two', 'one'] }), token({ groups: 'one' })],
    [
      web,
      token({}),
      token({ groups: ['three'] }),
      token({ groups: 'one two' }),
      token({ groups: { one: 'x' } }),
    ],
  ),
  ...rows(
    'request.auth.claims[realm][roles]',
    'admin',
    [token({ realm: { roles: ['admin'] } })],
    [token({ realm: 'admin' }), token({ roles: ['admin'] }), token({ realm: [{ roles: 'admin' }] })],
  ),
  ...rows(
    'request.auth.claims[https://example.com/g]',
    'x',
    [token({ 'https://example.com/g': 'x' })],
    [token({})],
  ),
  ...rows(
    'request.auth.claims[level]',
    '7',
    [token({ level: '7' })],
    [token({ level: 7 }), token({ level: true })],
  ),
  ...rows('request.auth.claims[toString]', '*', [], [token({}), web]),
];
