// What Consul's intentions ask of tokens: real tokens at a real server, of providers that JWTProviders name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { AuthorizationRig, pod, type Sent } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

const okta = new TestIssuer('https://okta.example');
const corp = new TestIssuer('https://corp.example');
/** The same issuer as okta's, with a key of its own. */
const twin = new TestIssuer('https://okta.example', 'ES256', 'twin');

const service = `apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: PORT}, {name: bytes, port: 81, targetPort: TCPPORT}]}
---
`;

function entry(kind: string, name: string, spec: object): string {
  const object = {
    apiVersion: 'consul.hashicorp.com/v1alpha1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec,
  };
  return `${JSON.stringify(object)}\n---\n`;
}

function provider(name: string, issuer: TestIssuer, more: object = {}): string {
  const jwks = Buffer.from(issuer.jwks).toString('base64');
  return entry('JWTProvider', name, { issuer: issuer.issuer, jsonWebKeySet: { local: { jwks } }, ...more });
}

const both = provider('okta', okta) + provider('corp', corp);
const needs = (...providers: readonly (string | object)[]): object => ({
  providers: providers.map(each => (typeof each === 'string' ? { name: each } : each)),
});

function intentions(spec: object): string {
  return entry('ServiceIntentions', 'cart', { destination: { name: 'cart' }, ...spec });
}

/** The server obeys these; what is wrong with them. */
function obey(yaml: string): readonly string[] {
  const text = `${pod}${service}${yaml}`
    .replaceAll('TCPPORT', String(rig.bytesPort))
    .replaceAll('PORT', String(rig.appPort));
  const { mesh, problems } = meshFromYaml(text);
  const { resource } = resolveInbound(mesh, 'shop/cart-0');
  const { authorization: _, tokenRules: __, ...rest } = rig.server.plane.inboundPorts.resource!;
  const { authorization, tokenRules } = resource!;
  const said = { ...(authorization && { authorization }), ...(tokenRules && { tokenRules }) };
  assert.equal(rig.server.plane.apply({ ...rest, ...said }), undefined);
  return problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
}

async function status(token: string | undefined, more: Sent = {}): Promise<number> {
  const fields = token === undefined ? [] : [['authorization', `Bearer ${token}`] as const];
  return (await rig.send({ by: 'shop/web', ...more, headers: [...fields, ...(more.headers ?? [])] })).status;
}

const allowWeb = { name: 'web', action: 'allow' };

test('an entry’s jwt is needed by whoever it allows, of one of its providers', async () => {
  assert.deepEqual(obey(both + intentions({ jwt: needs('okta', 'corp'), sources: [allowWeb] })), []);
  assert.deepEqual(
    [
      await status(okta.token()),
      await status(corp.token()),
      await status(undefined),
      await status(twin.token()),
      await status('nonsense'),
      await status(okta.token(), { by: 'shop/batch' }),
    ],
    [200, 200, 403, 403, 403, 403],
  );
  assert.equal(await rig.speak('shop/web'), false, 'bytes bring no token');
});

test('of two providers of one issuer each has its own keys', async () => {
  obey(
    provider('okta', okta) + provider('twin', twin) + intentions({ jwt: needs('twin'), sources: [allowWeb] }),
  );
  assert.deepEqual([await status(twin.token()), await status(okta.token())], [200, 403]);
});

test('claims are compared by their path, and of a list one element is enough', async () => {
  const verifyClaims = [
    { path: ['perms', 'role'], value: 'admin' },
    { path: ['groups'], value: 'ops' },
  ];
  obey(both + intentions({ jwt: needs({ name: 'okta', verifyClaims }), sources: [allowWeb] }));
  const good = { perms: { role: 'admin' }, groups: ['dev', 'ops'] };
  assert.deepEqual(
    [
      await status(okta.token(good)),
      await status(okta.token({ ...good, groups: ['dev'] })),
      await status(okta.token({ ...good, perms: { role: 'Admin' } })),
      await status(okta.token({ 'perms.role': 'admin', groups: ['ops'] })),
      await status(corp.token(good)),
    ],
    [200, 403, 403, 403, 403],
  );
});

test('a permission’s jwt is part of what it asks for: the first permission that holds decides', async () => {
  const permissions = [
    {
      action: 'deny',
      http: { pathPrefix: '/admin' },
      jwt: needs({ name: 'okta', verifyClaims: [{ path: ['sub'], value: 'mallory' }] }),
    },
    { action: 'allow', http: { pathPrefix: '/admin' }, jwt: needs('okta', 'corp') },
    { action: 'deny', http: { pathPrefix: '/admin' } },
    { action: 'allow', http: { pathPrefix: '/' } },
  ];
  obey(both + intentions({ sources: [{ name: 'web', permissions }] }));
  const admin = { path: '/admin/1' };
  assert.deepEqual(
    [
      await status(undefined),
      await status('nonsense'),
      await status(undefined, admin),
      await status(okta.token(), admin),
      await status(corp.token(), admin),
      await status(okta.token({ sub: 'mallory' }), admin),
      await status(okta.token({ sub: 'mallory' })),
    ],
    // Who needs no token may bring what is none.
    [200, 200, 403, 200, 200, 403, 200],
  );
});

test('places, audiences, skew and forwarding are the provider’s', async () => {
  const more = {
    audiences: ['cart'],
    locations: [
      { header: { name: 'X-Token', valuePrefix: 'JWT ' } },
      { queryParam: { name: 'jwt' } },
      { cookie: { name: 'session' } },
    ],
    forwarding: { headerName: 'X-Debug', padForwardPayloadHeader: true },
    clockSkewSeconds: 5,
  };
  obey(provider('okta', okta, more) + intentions({ jwt: needs('okta'), sources: [allowWeb] }));
  const good = okta.token({ aud: 'cart' });
  const seconds = Math.floor(Date.now() / 1000);
  const by = 'shop/web';
  assert.deepEqual(
    [
      await status(undefined, { headers: [['x-token', `JWT ${good}`]] }),
      await status(undefined, { path: `/?jwt=${good}` }),
      await status(undefined, { headers: [['cookie', `session=${good}`]] }),
      await status(good),
      await status(undefined, { headers: [['x-token', `JWT ${okta.token()}`]] }),
      await status(undefined, {
        headers: [['x-token', `JWT ${okta.token({ aud: 'cart', exp: seconds - 20 })}`]],
      }),
    ],
    [200, 200, 200, 403, 403, 403],
  );
  const { headers } = await rig.send({ by, headers: [['x-token', `JWT ${good}`]] });
  const [payload = ''] = String(headers['x-seen']).split(' ');
  assert.equal(payload.length % 4, 0);
  assert.equal((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud: string }).aud, 'cart');
});

test('a provider that is not there, or cannot be read, lets nobody in, and is named', async () => {
  const spec = { jwt: needs('okta'), sources: [allowWeb] };
  const [missing = ''] = obey(intentions(spec));
  assert.match(missing, /no JWTProvider is called 'okta'/);
  assert.equal(await status(okta.token()), 403);
  const broken: readonly (readonly [spec: object, words: RegExp])[] = [
    [{ issuer: 'a', jsonWebKeySet: { local: { jwks: 'PGh0bWw+' } } }, /jwks: is no JSON Web Key Set/],
    [{ issuer: 'a', jsonWebKeySet: { local: { filename: '/keys' } } }, /filename: proxies read no files/],
    [{ issuer: 'a', jsonWebKeySet: { remote: { uri: 'http://169.254.169.254/keys' } } }, /uri: leads to/],
    [{ issuer: 'a' }, /jsonWebKeySet: either local or remote/],
    [{ jsonWebKeySet: { local: { jwks: okta.jwks } } }, /issuer is missing/],
    [{ issuer: 'a', jsonWebKeySet: { local: { jwks: okta.jwks } }, issuers: ['b'] }, /issuers/],
    [
      { issuer: 'a', jsonWebKeySet: { local: { jwks: okta.jwks } }, locations: [{ header: {} }] },
      /locations\[0\]: one of header/,
    ],
  ];
  for (const [bad, words] of broken) {
    const problems = obey(entry('JWTProvider', 'okta', bad) + intentions(spec));
    assert.match(problems.join('\n'), words);
    assert.equal(await status(okta.token()), 403, JSON.stringify(bad));
  }
  const wrong: readonly (readonly [jwt: object, words: RegExp])[] = [
    [{}, /jwt\.providers is empty/],
    [{ providers: [{}] }, /providers\[0\]\.name is missing/],
    [{ providers: [{ name: 'okta', verifyClaims: [{ path: ['a'] }] }] }, /verifyClaims\[0\] needs a path/],
    [{ providers: [{ name: 'okta', claims: [] }] }, /claims/],
  ];
  for (const [jwt, words] of wrong) {
    assert.match(obey(both + intentions({ jwt, sources: [allowWeb] })).join('\n'), words);
    assert.equal(await status(okta.token()), 403, JSON.stringify(jwt));
  }
});
