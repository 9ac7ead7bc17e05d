// Tokens through two proxies: what the app sees, and what is answered in its place.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { FetchKeys } from '../../authentication/index.ts';
import { TestIssuer } from '../../authentication/testing/issuer.ts';
import type { JwtRule } from '../../model/index.ts';
import { type Answer, type Ask, ask, httpServer } from '../testing/clients.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';

const issuer = new TestIssuer();

interface Place {
  readonly server: TestProxy;
  /** What the app got; the last one. */
  readonly seen: () => Pick<IncomingMessage, 'headers' | 'url' | 'rawHeaders'> | undefined;
  readonly ask: (options?: Ask) => Promise<Answer>;
}

async function place(t: TestContext, rule: Partial<JwtRule>, fetchKeys?: FetchKeys): Promise<Place> {
  const mesh = new StaticMesh();
  let seen: IncomingMessage | undefined;
  const app = await httpServer((request, response) => {
    seen = request;
    request.resume().on('end', () => response.end('fine'));
  });
  const from = {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    namespace: 'shop',
    name: 'jwt',
  };
  const keys = rule.jwksUri === undefined ? { jwks: issuer.jwks } : {};
  const tokenRules = [{ issuer: issuer.issuer, from, ...keys, ...rule }];
  const server = mesh.proxy('server', { inbound: { tokenRules }, ...(fetchKeys && { fetchKeys }) });
  const client = mesh.proxy('client');
  t.after(() => {
    mesh.close();
    app.close();
  });
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  return { server, seen: () => seen, ask: options => ask(client.plane.outboundPort, 'app:80', options) };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test('the app sees who a good token is for, and neither the token nor what a client claims itself', async t => {
  const { ask, seen } = await place(t, {
    outputPayloadToHeader: 'x-payload',
    outputClaimToHeaders: [
      { header: 'x-sub', claim: 'sub' },
      { header: 'x-role', claim: 'realm.role' },
    ],
  });
  const token = issuer.token({ realm: {} });
  for (const round of ['verified', 'known']) {
    const answer = await ask({
      headers: { ...bearer(token), 'X-Sub': ['root', 'admin'], 'x-role': 'admin', 'x-payload': 'x' },
      path: `/a?x=1&access_token=${token}&y=2`,
    });
    assert.equal(answer.status, 200, round);
    const { headers, url } = seen()!;
    assert.deepEqual(
      [headers['x-sub'], headers['x-role'], headers['x-payload'], headers.authorization, url],
      ['alice', undefined, token.split('.')[1], undefined, '/a?x=1&y=2'],
      round,
    );
  }
});

test('without a token what a client claims itself is taken out all the same', async t => {
  const { ask, seen } = await place(t, { outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }] });
  assert.equal((await ask({ headers: { 'x-sub': 'root', X_Sub: 'root' } })).status, 200);
  assert.deepEqual([seen()!.headers['x-sub'], seen()!.headers.x_sub], [undefined, undefined]);
  const preflight = { 'x-sub': 'root', origin: 'https://a', 'access-control-request-method': 'GET' };
  assert.equal((await ask({ method: 'OPTIONS', headers: preflight })).status, 200);
  assert.equal(seen()!.headers['x-sub'], undefined);
});

test('a token is left where a rule says so, and taken out of cookies otherwise', async t => {
  const token = issuer.token();
  const kept = await place(t, { forwardOriginalToken: true });
  assert.equal((await kept.ask({ headers: bearer(token) })).status, 200);
  assert.equal(kept.seen()!.headers.authorization, `Bearer ${token}`);
  const taken = await place(t, { fromCookies: ['session'], fromParams: ['t'] });
  const cookie = `a=1; session=${token}; b=2`;
  assert.equal((await taken.ask({ headers: { cookie }, path: `/?t=${token}` })).status, 200);
  assert.deepEqual([taken.seen()!.headers.cookie, taken.seen()!.url], ['a=1; b=2', '/']);
  assert.equal((await taken.ask({ headers: { cookie: `session=${token}` } })).status, 200);
  assert.equal(taken.seen()!.headers.cookie, undefined);
});

test('a bad token is answered 401 with a challenge, one for somebody else 403, and both are logged with the policy', async t => {
  const { ask, server, seen } = await place(t, { audiences: ['books'] });
  const expired = await ask({ headers: bearer(issuer.token({ exp: 1 })), path: '/a?secret=1' });
  assert.equal(expired.status, 401);
  assert.equal(expired.headers['www-authenticate'], 'Bearer realm="http://app:80/a", error="invalid_token"');
  assert.equal(expired.headers['x-weft-flag'], 'UAEX');
  assert.equal(
    expired.body,
    'weft: the request is not authorized: the token has expired at 1970-01-01T00:00:01.000Z\n',
  );
  assert.equal((await ask({ headers: bearer(issuer.token({ aud: 'films' })) })).status, 403);
  assert.equal(seen(), undefined);
  assert.deepEqual(
    server.access.records.map(({ status, flag, detail }) => `${status} ${flag} ${detail}`),
    [
      '401 UAEX jwt_authn_access_denied[expired] RequestAuthentication jwt.shop: the token has expired at 1970-01-01T00:00:01.000Z',
      "403 UAEX jwt_authn_access_denied[audience] RequestAuthentication jwt.shop: the token is for 'films' and not for books",
    ],
  );
  const { counts } = server.plane.authentication;
  assert.deepEqual(
    [...counts.refusals],
    [
      ['expired', 1],
      ['audience', 1],
    ],
  );
});

test('a token waits for keys that are on their way; where they cannot be had it is refused, and the reason is for the log', async t => {
  const keys = Promise.withResolvers<{ text: string; maxAgeMs: undefined }>();
  const slow = await place(t, { jwksUri: 'https://keys.example/' }, () => keys.promise);
  const asked = slow.ask({ method: 'POST', headers: bearer(issuer.token()), body: 'hello' });
  keys.resolve({ text: issuer.jwks, maxAgeMs: undefined });
  assert.equal((await asked).status, 200);
  const away = await place(t, { jwksUri: 'https://keys.example/' });
  const refused = await away.ask({ headers: bearer(issuer.token()) });
  assert.equal(refused.status, 401);
  assert.match(refused.body, /the keys of https:\/\/issuer\.example cannot be had at the moment/);
  assert.match(
    away.server.access.records[0]!.detail,
    /no-keys.*https:\/\/keys\.example\/ could not be had: nobody is there/,
  );
  assert.equal((await away.ask()).status, 200, 'nobody without a token is kept away');
});

test('rules that change hold from the next request on, on connections that are open', async t => {
  const { ask, server } = await place(t, {});
  const token = issuer.token();
  assert.equal((await ask({ headers: bearer(token) })).status, 200);
  const { plane, peer } = server;
  const inbound = {
    kind: 'inbound',
    key: 'default/server-0',
    self: peer,
    ports: [],
    defaultMtls: 'strict',
  } as const;
  plane.apply({ ...inbound, tokenRules: [{ issuer: issuer.issuer, jwks: new TestIssuer().jwks }] });
  assert.equal((await ask({ headers: bearer(token) })).status, 401);
  plane.apply(inbound);
  assert.equal((await ask({ headers: bearer('x.y.z') })).status, 200);
});
