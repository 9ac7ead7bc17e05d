import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type ApiObject } from '../../kubernetes/index.ts';
import { createObjects } from './new-objects.ts';

const policy = (name: string, more = ''): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop${more}}
spec: {rules: [{}]}
---
`;

/** An API server that knows one kind, and refuses what is called `refused` when it is created in earnest. */
class Server {
  readonly calls: string[] = [];
  readonly objects = new Map<string, unknown>();

  async call({
    method,
    path,
    query,
    body,
  }: {
    method?: string;
    path: string;
    query?: object;
    body?: unknown;
  }) {
    const dryRun = query !== undefined && 'dryRun' in query;
    const { name } = (body as { metadata: { name: string } }).metadata;
    this.calls.push(`${method} ${path} ${name}${dryRun ? ' tried' : ''}`);
    const fail = (code: string, status: number, why: string): ApiError =>
      new ApiError(code, why, { status, reason: '', retryAfterMs: undefined } as never);
    if (!path.endsWith('/authorizationpolicies')) return fail('api-not-found', 404, 'no such kind');
    if (name === 'forbidden' || (name === 'refused' && !dryRun))
      return fail('api-forbidden', 403, 'nobody may');
    if (this.objects.has(name)) return fail('api-conflict', 409, 'exists');
    if (!dryRun) this.objects.set(name, body);
    return body as ApiObject;
  }
}

test('all are tried before the first is created, in their order', async () => {
  const server = new Server();
  const { status, body } = await createObjects(server, policy('a') + policy('b'));
  assert.deepEqual(
    [status, body],
    [201, { created: ['AuthorizationPolicy a.shop', 'AuthorizationPolicy b.shop'] }],
  );
  const at = 'POST /apis/security.istio.io/v1/namespaces/shop/authorizationpolicies';
  assert.deepEqual(server.calls, [`${at} a tried`, `${at} b tried`, `${at} a`, `${at} b`]);
});

test('nothing is created where one of them is refused, and what exists is left as it is', async () => {
  const server = new Server();
  const refused = await createObjects(server, policy('a') + policy('forbidden'));
  assert.equal(refused.status, 403);
  assert.match(
    JSON.stringify(refused.body),
    /AuthorizationPolicy forbidden\.shop: your account may not create it \(nobody may\)/,
  );
  assert.equal(server.objects.size, 0);
  await createObjects(server, policy('a'));
  const first = server.objects.get('a');
  const again = await createObjects(server, policy('a', ', labels: {x: z}'));
  assert.equal(again.status, 409);
  assert.match(JSON.stringify(again.body), /exists already/);
  assert.equal(server.objects.get('a'), first);
});

test('what has been created before one failed is told', async () => {
  const { status, body } = await createObjects(new Server(), policy('a') + policy('refused'));
  assert.equal(status, 403);
  assert.deepEqual(body.created, ['AuthorizationPolicy a.shop']);
});

test('only what forms make is created: no other kind or version, not many, nothing unreadable', async () => {
  const server = new Server();
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n';
  const old = policy('a').replace('/v1', '/v1beta1');
  const others = [secret, old, policy('a') + secret, '', '{', policy('a').repeat(9)];
  for (const yaml of others) {
    const { status } = await createObjects(server, yaml);
    assert.ok(status === 400 || status === 403, yaml);
  }
  assert.deepEqual(server.calls, []);
});
