// A RequestAuthentication that cannot be read, at a real proxy: no token is taken that it speaks of, and nobody tells the app
// what it alone was to tell.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';
import type { JwtRule } from '../../src/model/index.ts';
import { ask, closeAll, httpServer } from '../../src/proxy/testing/clients.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { pod } from './rig.ts';

const mesh = new StaticMesh();
const server = mesh.proxy('cart', { namespace: 'shop' });
const client = mesh.proxy('web', { namespace: 'shop' });
const issuer = new TestIssuer();
const other = new TestIssuer('https://other.example');
let app: Awaited<ReturnType<typeof httpServer>>;
let seen: IncomingMessage | undefined;
before(async () => {
  app = await httpServer((request, response) => {
    seen = request;
    response.end('fine');
  });
  mesh.set({ key: 'cart:80', endpoints: [mesh.meshed(server, app.port)] });
});
after(() => closeAll(mesh, app));

function object(
  name: string,
  jwtRules: unknown,
  selector: unknown = { matchLabels: { app: 'cart' } },
): string {
  const metadata = { name, namespace: 'shop' };
  const spec = { selector, jwtRules };
  return `${JSON.stringify({ apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', metadata, spec })}\n---\n`;
}

/** Has the server obey them; the codes of what is wrong with them. */
function obey(yaml: string): readonly string[] {
  const { mesh: read, problems } = meshFromYaml(pod + yaml);
  const tokenRules: readonly JwtRule[] = resolveInbound(read, 'shop/cart-0').resource?.tokenRules ?? [];
  const { tokenRules: _, ...rest } = server.plane.inboundPorts.resource!;
  assert.equal(server.plane.apply({ ...rest, ...(tokenRules.length > 0 && { tokenRules }) }), undefined);
  return [...new Set(problems.map(({ code }) => code))];
}

async function status(headers: Record<string, string>): Promise<number> {
  return (await ask(client.plane.outboundPort, 'cart:80', { headers })).status;
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const rule = { issuer: issuer.issuer, jwks: issuer.jwks };

test('the tokens of its issuers are refused, and whoever brings none goes on, without headers of its own', async () => {
  const wrong = [
    { ...rule, audience: 'misspelt', outputClaimToHeaders: [{ header: 'x-user', claim: 'sub' }] },
  ];
  assert.deepEqual(obey(object('users', wrong)), ['field-invalid', 'policy-closed']);
  assert.equal(await status(bearer(issuer.token())), 401);
  assert.equal(await status({ 'x-user': 'root' }), 200);
  assert.equal(seen?.headers['x-user'], undefined);
});

test('what other objects take is taken beside it', async () => {
  const good = object('good', [{ issuer: other.issuer, jwks: other.jwks }]);
  obey(good + object('users', [{ ...rule, audience: 'misspelt' }]));
  assert.equal(await status(bearer(other.token())), 200);
  assert.equal(await status(bearer(issuer.token())), 401);
});

test('where no rule can be seen every token is refused', async () => {
  for (const rules of ['none', [7], [{ jwks: issuer.jwks }]]) {
    assert.ok(obey(object('users', rules)).includes('policy-closed'));
    assert.equal(await status(bearer(issuer.token())), 401, JSON.stringify(rules));
    assert.equal(await status({}), 200);
  }
});

test('it is closed for whom it selects alone, and for everybody where that is what is wrong', async () => {
  const wrong = [{ ...rule, audience: 'misspelt' }];
  obey(object('users', wrong, { matchLabels: { app: 'other' } }));
  assert.equal(await status(bearer(issuer.token())), 200);
  obey(object('users', wrong, { matchLabels: 7 }));
  assert.equal(await status(bearer(issuer.token())), 401);
});
