// Attacks on policies, by the numbers of the table in docs/attacks-on-policies.md: what is in force, what is sent, and what
// must become of it.
import { createHmac } from 'node:crypto';
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';

/** One request of an attack. */
export interface Sent {
  /** Bytes as they are sent in plaintext. */
  readonly bytes: string;
  /** The status; 0: the connection ends without an answer. */
  readonly status: number;
  /** The same over HTTP/2, where it is another. */
  readonly http2?: number;
  /** What the app gets, where it gets the request. */
  readonly target?: string;
}

export interface Attack {
  readonly row: string;
  readonly name: string;
  /** Under which names it was known. */
  readonly known: string;
  readonly yaml: string;
  readonly sent: readonly Sent[];
}

const policy = (action: string, rule: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: default}
spec: {action: ${action}, rules: [${rule}]}
`;
const paths = (...all: string[]): string => `{to: [{operation: {paths: ${JSON.stringify(all)}}}]}`;
const hosts = (...all: string[]): string => `{to: [{operation: {hosts: ${JSON.stringify(all)}}}]}`;
const methods = (...all: string[]): string => `{to: [{operation: {methods: ${JSON.stringify(all)}}}]}`;
const header = (name: string, ...values: string[]): string =>
  `{when: [{key: "request.headers[${name}]", values: ${JSON.stringify(values)}}]}`;
const merging = (mode: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "pathNormalization: {normalization: ${mode}}"}
---`;

const get = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\nhost: httpbin\r\n${fields.map(each => `${each}\r\n`).join('')}\r\n`;
const to = (host: string): string => `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
const denied = (bytes: string): Sent => ({ bytes, status: 403 });
const passes = (bytes: string, target?: string): Sent => ({
  bytes,
  status: 200,
  ...(target !== undefined && { target }),
});
const malformed = (bytes: string): Sent => ({ bytes, status: 400 });

export const issuer = new TestIssuer('https://issuer.example', 'RS256');
const other = new TestIssuer('https://issuer.example', 'RS256');
const rules = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: users, namespace: default}
spec:
  jwtRules:
  - {issuer: https://issuer.example, jwks: '${issuer.jwks}', audiences: [cart], outputClaimToHeaders: [{header: x-sub, claim: sub}]}
---${policy('ALLOW', '{from: [{source: {requestPrincipals: ["*"]}}]}')}`;
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const bearer = (token: string, ...fields: string[]): string =>
  get('/', `authorization: Bearer ${token}`, ...fields);
const refusedToken = (token: string): Sent => ({ bytes: bearer(token), status: 401 });
const good = issuer.token({ aud: 'cart' });
const claims = base64url({ iss: issuer.issuer, sub: 'root', aud: 'cart' });
const hmacOfPublicKey = (): string => {
  const input = `${base64url({ alg: 'HS256', kid: issuer.kid })}.${claims}`;
  const secret = issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

const noAdmin = policy('DENY', paths('/admin'));

export const attacks: readonly Attack[] = [
  {
    row: '1',
    name: 'a fragment behind a path',
    known: 'CVE-2021-39156',
    yaml: noAdmin,
    // In HTTP/2 a path with a fragment is malformed (RFC 9113 section 8.3.1).
    sent: [{ ...denied(get('/admin#x')), http2: 400 }, passes(get('/admin%23x'), '/admin%23x')],
  },
  {
    row: '2',
    name: 'other spellings of a path',
    known: 'CVE-2021-31920, CVE-2021-29492, CVE-2019-9901',
    yaml: noAdmin,
    sent: [
      ...['/./admin', '/x/../admin', '/x/%2e%2e/admin', '/%61dmin', '\\admin', '/x\\..\\admin'].map(each =>
        each.startsWith('/') ? denied(get(each)) : malformed(get(each)),
      ),
      passes(get('//admin'), '//admin'),
      passes(get('/admin/'), '/admin/'),
    ],
  },
  {
    row: '2',
    name: 'two slashes where slashes are merged',
    known: 'CVE-2021-31920',
    yaml: `${merging('MERGE_SLASHES')}${noAdmin}`,
    sent: [denied(get('//admin'))],
  },
  {
    row: '3',
    name: 'escaped slashes',
    known: 'CVE-2021-29492',
    yaml: `${merging('DECODE_AND_MERGE_SLASHES')}${policy('DENY', paths('/admin*'))}`,
    sent: [denied(get('/x/..%2Fadmin')), denied(get('/%5Cadmin/a'))],
  },
  {
    row: '4',
    name: 'parameters of segments',
    known: 'CVE-2026-73551',
    yaml: noAdmin,
    sent: [passes(get('/user/..;foo=bar/admin'), '/user/..;foo=bar/admin')],
  },
  {
    row: '5',
    name: 'escapes of escapes and overlong UTF-8',
    known: 'normalization_test.go',
    yaml: noAdmin,
    sent: [
      passes(get('/%252e%252e/admin'), '/%252e%252e/admin'),
      passes(get('/%c0%ae%c0%ae/admin'), '/%c0%ae%c0%ae/admin'),
    ],
  },
  {
    row: '6',
    name: 'NUL and line ends in a path',
    known: '',
    yaml: noAdmin,
    sent: [malformed(get('/admin%00')), malformed(get('/admin\0')), passes(get('/a%0d%0ax'), '/a%0d%0ax')],
  },
  {
    row: '7',
    name: 'another case of a path, which is another path',
    known: '',
    yaml: noAdmin,
    sent: [passes(get('/Admin'), '/Admin')],
  },
  {
    row: '8',
    name: 'a query that looks like a path',
    known: '',
    yaml: policy('ALLOW', paths('/public')),
    sent: [
      passes(get('/public?/../admin'), '/public?/../admin'),
      denied(get('/admin?x=/public')),
      denied(get('/x?/public')),
    ],
  },
  {
    row: '9',
    name: 'an asterisk where a template has an operator',
    known: 'CVE-2025-46821',
    yaml: policy('ALLOW', paths('/a/{*}')),
    sent: [passes(get('/a/*'), '/a/*'), denied(get('/a/*/b')), denied(get('/a/'))],
  },
  {
    row: '10',
    name: 'a target that names a host of its own',
    known: 'ISTIO-SECURITY-2021-002',
    yaml: policy('DENY', hosts('evil')),
    sent: [
      denied('GET http://evil/ HTTP/1.1\r\nhost: evil\r\n\r\n'),
      malformed('GET http://evil/ HTTP/1.1\r\nhost: httpbin\r\n\r\n'),
      passes('OPTIONS * HTTP/1.1\r\nhost: httpbin\r\n\r\n', '*'),
    ],
  },
  {
    row: '11',
    name: 'other spellings of a host',
    known: 'CVE-2021-39155, CVE-2022-21679',
    yaml: policy('DENY', hosts('example.com')),
    sent: [
      ...['example.com', 'EXAMPLE.com', 'example.com.', 'example.com:443', 'Example.Com.:80'].map(each =>
        denied(to(each)),
      ),
      passes(to('xexample.com')),
    ],
  },
  {
    row: '12',
    name: 'a path of gRPC without its slash, or with two',
    known: 'CVE-2026-33186',
    yaml: policy('DENY', paths('/pkg.Svc/*')),
    sent: [denied(get('/pkg.Svc/Method')), denied(get('/pkg.Svc/Method/')), malformed(get('pkg.Svc/Method'))],
  },
  {
    row: '20',
    name: 'a header twice',
    known: 'CVE-2026-26308',
    yaml: policy('DENY', header('x', 'a')),
    sent: [denied(get('/', 'x: b', 'X: a')), denied(get('/', 'x: a', 'x: b')), passes(get('/', 'x: b'))],
  },
  {
    row: '20',
    name: 'a header twice, of which one is allowed',
    known: 'CVE-2026-26308',
    yaml: policy('ALLOW', header('x', 'a')),
    sent: [denied(get('/', 'x: a', 'x: b')), denied(get('/', 'x: b', 'x: a')), passes(get('/', 'x: a'))],
  },
  {
    row: '21',
    name: 'values with blanks around them, joined by commas, empty',
    known: '',
    yaml: policy('DENY', header('x', 'a')),
    sent: [denied(get('/', 'x: \t a  ')), passes(get('/', 'x: a,b')), passes(get('/', 'x:'))],
  },
  {
    row: '29',
    name: 'a header of the end named as one of the connection',
    known: '',
    yaml: rules,
    // It is looked at all the same, and no app gets what was not.
    sent: [
      { bytes: bearer(good, 'connection: authorization'), status: 200 },
      { bytes: bearer('x.y.z', 'connection: authorization'), status: 401 },
    ],
  },
  {
    row: '40',
    name: 'plaintext where certificates are asked for',
    known: '',
    yaml: `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: default}
spec: {mtls: {mode: STRICT}}
`,
    // Words are for clients of HTTP/1: before HTTP/2 is spoken the connection ends.
    sent: [{ ...denied(get('/')), http2: 0 }],
  },
  {
    row: '80',
    name: 'bytes where requests are denied',
    known: 'CVE-2020-16844',
    yaml: policy('DENY', methods('GET')),
    sent: [{ bytes: 'SSH-2.0-OpenSSH\r\n', status: 0 }],
  },
  {
    row: '81',
    name: 'bytes where requests alone are allowed',
    known: 'allow-only-http',
    yaml: policy('ALLOW', methods('GET')),
    sent: [{ bytes: 'SSH-2.0-OpenSSH\r\n', status: 0 }, passes(get('/'))],
  },
  {
    row: '83',
    name: 'bytes where an authorizer is to be asked',
    known: '',
    yaml: policy('CUSTOM', '{}').replace('rules:', 'provider: {name: nobody}, rules:'),
    sent: [{ bytes: 'SSH-2.0-OpenSSH\r\n', status: 0 }],
  },
  {
    row: '22',
    name: 'bytes that are no ASCII',
    known: 'CVE-2026-73552',
    yaml: policy('ALLOW', header('x', 'a*')),
    sent: [denied(get('/', 'x: \xff')), passes(get('/', 'x: a\xff'))],
  },
  {
    row: '23',
    name: 'an underscore for a dash',
    known: 'CVE-2024-10006',
    yaml: policy('ALLOW', header('x-user', 'a')),
    sent: [denied(get('/', 'x_user: a')), passes(get('/', 'x-user: a'))],
  },
  {
    row: '24',
    name: 'methods that are written otherwise',
    known: '',
    yaml: policy('DENY', methods('GET')),
    sent: [denied(get('/')), malformed('GET  / HTTP/1.1\r\nhost: a\r\n\r\n')],
  },
  {
    row: '25',
    name: 'a method in a header',
    known: '',
    yaml: policy('DENY', methods('DELETE')),
    sent: [passes(get('/', 'x-http-method-override: DELETE'))],
  },
  {
    row: '27',
    name: 'hosts by suffix',
    known: '',
    yaml: policy('ALLOW', hosts('*.example.com')),
    sent: [passes(to('a.example.com')), denied(to('example.com')), denied(to('xexample.com'))],
  },
  {
    row: '28',
    name: 'a head without end',
    known: '',
    yaml: noAdmin,
    sent: [
      { bytes: get('/', `x: ${'a'.repeat(100_000)}`), status: 431 },
      { bytes: get('/', ...new Array<string>(5000).fill('a: b')), status: 431 },
    ],
  },
  {
    row: '60',
    name: 'signatures that are none',
    known: 'jwt_tool',
    yaml: rules,
    sent: [
      refusedToken(`${base64url({ alg: 'none' })}.${claims}.`),
      refusedToken(hmacOfPublicKey()),
      refusedToken(issuer.token({ aud: 'cart' }, { alg: 'PS256' })),
      refusedToken(issuer.token({ aud: 'cart' }, { crit: ['x'], x: 1 })),
      refusedToken(issuer.token({ aud: 'cart' }, { kid: "../../dev/null' OR 1=1" })),
      refusedToken(other.token({ aud: 'cart' }, { jku: 'http://169.254.169.254/', jwk: other.jwk })),
      { bytes: bearer(good), status: 200 },
    ],
  },
  {
    row: '61',
    name: 'times',
    known: 'jwt_test.go',
    yaml: rules,
    sent: [
      refusedToken(issuer.token({ aud: 'cart', exp: 1 })),
      refusedToken(issuer.token({ aud: 'cart', nbf: 99_999_999_999 })),
      { bytes: bearer(issuer.token({ aud: 'cart', iat: 99_999_999_999 })), status: 200 },
    ],
  },
  {
    row: '62',
    name: 'several tokens, other schemes',
    known: 'GHSA-mp85',
    yaml: rules,
    sent: [
      { bytes: get('/', `authorization: Bearer ${good}`, 'authorization: Bearer x.y.z'), status: 401 },
      refusedToken(`${good}, Bearer ${good}`),
      { bytes: get('/?access_token=x.y.z', `authorization: Bearer ${good}`), status: 401 },
      denied(get('/', `authorization: bearer ${good}`)),
      denied(get('/', 'authorization: Basic YTpi')),
      denied(get('/')),
    ],
  },
  {
    row: '63',
    name: 'the right issuer with the key of another',
    known: '',
    yaml: rules,
    sent: [refusedToken(other.token({ aud: 'cart' }))],
  },
  {
    row: '64',
    name: 'another audience',
    known: 'jwt_test.go',
    yaml: rules,
    sent: [
      denied(bearer(issuer.token({ aud: 'films' }))),
      denied(bearer(issuer.token())),
      { bytes: bearer(issuer.token({ aud: ['x', 'cart'] })), status: 200 },
    ],
  },
  {
    row: '70',
    name: 'questions of browsers, and what looks like them',
    known: 'jwt_test.go',
    yaml: rules.split('---')[0]!,
    sent: [
      passes(
        'OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: https://a\r\naccess-control-request-method: GET\r\nauthorization: Bearer x.y.z\r\n\r\n',
      ),
      {
        bytes:
          'OPTIONS / HTTP/1.1\r\nhost: a\r\naccess-control-request-method: GET\r\nauthorization: Bearer x.y.z\r\n\r\n',
        status: 401,
      },
    ],
  },
  {
    row: '71',
    name: 'tokens of 50 KB, deep, padded',
    known: 'CVE-2024-45809',
    yaml: rules,
    sent: [
      refusedToken(issuer.token({ aud: 'cart', x: 'x'.repeat(36_000) })),
      refusedToken(`${good}=`),
      refusedToken('..'),
    ],
  },
  {
    row: '82',
    name: 'a policy without rules',
    known: '',
    yaml: 'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: default}\nspec: {}',
    sent: [denied(get('/'))],
  },
  {
    row: '82',
    name: 'a policy with an empty rule',
    known: '',
    yaml: policy('ALLOW', '{}'),
    sent: [passes(get('/'))],
  },
  {
    row: '44',
    name: 'who has no certificate, where one is excluded',
    known: '',
    yaml: policy('ALLOW', '{from: [{source: {notPrincipals: ["cluster.local/ns/default/sa/evil"]}}]}'),
    sent: [passes(get('/'))],
  },
  {
    row: '83',
    name: 'an authorizer that nobody has named',
    known: 'ext_authz',
    yaml: `${policy('CUSTOM', paths('/a')).replace('rules:', 'provider: {name: nobody}, rules:')}`,
    sent: [denied(get('/a')), passes(get('/b'))],
  },
];

/** Rows that are not here, and why. */
export const elsewhere: Readonly<Record<string, string>> = {
  '26': 'attacks.test.ts',
  '41': 'src/tls: handshakes of other roots, domains and times',
  '42': 'src/tls, src/identity: one name in a certificate',
  '43': 'src/authorization: service accounts are compared byte by byte',
  '45': 'src/tls: no session is resumed',
  '46': 'gateways are not there yet',
  '47': 'src/discovery/renewal.test.ts',
  '48': 'BackendTLSPolicy is not there yet',
  '49': 'src/live/api/server.test.ts, src/admin/browser-guard.test.ts',
  '50': 'src/translate: exportTo',
  '65': 'src/proxy/filters/tokens.test.ts',
  '66': 'src/authentication/authenticator.test.ts',
  '67': 'src/authentication/remote-keys.test.ts, fetch-keys.test.ts',
  '68': 'src/authentication/fetch-keys.test.ts, golden case request-authentication',
  '69': 'src/authentication/remote-keys.test.ts',
  '72': 'src/authentication/remote-keys.test.ts, src/proxy/filters/tokens.test.ts',
  '84': 'src/proxy/accept: bytes are judged before any goes on',
  '85': 'src/authorization: compiled rules, RE2',
  '86': 'src/authorization: open connections are judged again',
  '87': 'golden case authorization-policy-bad',
  '88': 'src/proxy/detection',
  '89': 'src/proxy/filters/filters.test.ts: a word on a request that is over',
  '90': 'src/proxy/exchange: bytes wait for the verdict',
};
