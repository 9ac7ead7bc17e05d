import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';
import { attacks, elsewhere } from './attacks.ts';
import { place } from './place.ts';
import { http2FieldsOf } from './raw-http2.ts';

for (const { row, name, known, yaml, sent } of attacks) {
  test(`${row}: ${name}${known === '' ? '' : ` (${known})`}`, async t => {
    const at = await place(t, yaml);
    for (const { bytes, status, target } of sent) {
      const shown = JSON.stringify(bytes.slice(0, 120));
      assert.equal((await at.raw(bytes)).status, status, shown);
      const seen = at.take();
      assert.equal(seen.length, status === 200 ? 1 : 0, `the app got ${seen.length}: ${shown}`);
      if (target !== undefined) assert.equal(seen[0]!.url, target, shown);
      const [last] = at.server.access.records.slice(-1);
      const refused = at.server.log.lines.some(({ message }) => message.startsWith('refused a plaintext'));
      if (status === 401 || status === 403) assert.ok(last?.flag === 'UAEX' || refused, shown);
    }
  });
}

/** What is refused because it is no request ends the stream, or is answered as in HTTP/1. */
const refusals: ReadonlySet<number> = new Set([400, 431]);

for (const { row, name, known, yaml, sent } of attacks) {
  const tried = sent.flatMap(each => {
    const fields = http2FieldsOf(each.bytes);
    return fields === undefined ? [] : [{ ...each, fields }];
  });
  if (tried.length === 0) continue;
  test(`${row} over HTTP/2: ${name}${known === '' ? '' : ` (${known})`}`, async t => {
    const at = await place(t, yaml);
    for (const { fields, status: wanted, http2: status = wanted, target } of tried) {
      const shown = JSON.stringify(fields).slice(0, 200);
      const answer = await at.http2(fields);
      if (refusals.has(status))
        assert.ok(answer.status === 0 || refusals.has(answer.status), `${answer.status}: ${shown}`);
      else assert.equal(answer.status, status, shown);
      const seen = at.take();
      assert.equal(seen.length, status === 200 ? 1 : 0, `the app got ${seen.length}: ${shown}`);
      if (target !== undefined) assert.equal(seen[0]!.url, target, shown);
    }
  });
}

test('every row is in one of the two tables', () => {
  const rows = new Set([...attacks.map(({ row }) => row), ...Object.keys(elsewhere)]);
  const all = [range(1, 12), range(20, 29), range(40, 50), range(60, 72), range(80, 90)].flat();
  assert.deepEqual(
    all.filter(each => !rows.has(String(each))),
    [],
  );
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

test('26: headers that assert an identity are the proxy’s own, however often and however spelt they come', async t => {
  const at = await place(t, '');
  const forged = 'By=spiffe://evil;URI=spiffe://cluster.local/ns/default/sa/root';
  const lines = [
    'X-Forwarded-Client-Cert',
    'x-forwarded-client-cert',
    'X_Forwarded_Client_Cert',
    'x-forwarded_client-cert',
  ];
  const request = `GET / HTTP/1.1\r\nhost: a\r\n${lines.map(each => `${each}: ${forged}\r\n`).join('')}\r\n`;
  const { status } = await at.raw(request);
  for (const { headers } of at.take()) assert.doesNotMatch(JSON.stringify(headers), /root/);
  assert.equal(status, 200);
  const headers = Object.fromEntries(lines.map(each => [each, forged]));
  assert.equal((await at.as('web', { headers })).status, 200);
  const [seen] = at.take();
  assert.doesNotMatch(JSON.stringify(seen!.headers), /root/);
  assert.match(
    String(seen!.headers['x-forwarded-client-cert']),
    /;URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/web$/,
  );
});

/** The seeds' security YAML, as it stands. */
const seed = `
# RBAC with JWT
apiVersion: security.istio.io/v1beta1
kind: RequestAuthentication
metadata:
  name: jwt-auth
  namespace: default
spec:
  selector:
    matchLabels:
      app: httpbin
  jwtRules:
  - issuer: "testing@secure.istio.io"
    jwksUri: "https://raw.githubusercontent.com/istio/istio/release-1.14/security/tools/jwt/samples/jwks.json"

---
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: require-jwt
  namespace: default
spec:
  selector:
    matchLabels:
      app: httpbin
  action: ALLOW
  rules:
  - from:
    - source:
        requestPrincipals: ["testing@secure.istio.io/testing@secure.istio.io"]
    when:
    - key: request.auth.claims[groups]
      values: ["group1"]
`;

test('the seeds’ RequestAuthentication and AuthorizationPolicy let in members of group1 alone', async t => {
  const issuer = new TestIssuer('testing@secure.istio.io', 'RS256');
  const asked: string[] = [];
  const fetchKeys = async (uri: string): Promise<{ text: string; maxAgeMs: undefined }> => {
    asked.push(uri);
    return { text: issuer.jwks, maxAgeMs: undefined };
  };
  const at = await place(t, seed, { fetchKeys });
  const ask = async (claims: object | undefined): Promise<number> => {
    const headers = claims && {
      authorization: `Bearer ${issuer.token({ sub: 'testing@secure.istio.io', ...claims })}`,
    };
    return (await at.as('web', headers && { headers })).status;
  };
  assert.equal(await ask({ groups: ['group1', 'group2'] }), 200);
  assert.equal(await ask({ groups: 'group1' }), 200);
  assert.equal(await ask({ groups: ['group2'] }), 403);
  assert.equal(await ask({}), 403);
  assert.equal(await ask({ groups: ['group1'], sub: 'somebody@else' }), 403);
  assert.equal(await ask({ groups: ['group1'], iss: 'somebody@else' }), 401);
  assert.equal(await ask({ groups: ['group1'], exp: 1 }), 401);
  assert.equal(await ask(undefined), 403);
  assert.equal(at.take().length, 2);
  assert.deepEqual(asked, [
    'https://raw.githubusercontent.com/istio/istio/release-1.14/security/tools/jwt/samples/jwks.json',
  ]);
});
