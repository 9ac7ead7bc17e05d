import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LiveApi } from './connect.ts';
import { openRelay } from './relay.ts';

async function relayOf(context: TestContext, withCluster = true) {
  const created: string[] = [];
  const api: LiveApi = {
    get: () => Promise.reject(new Error('nothing is asked of the control plane')),
    ...(withCluster && {
      create: async yaml => {
        created.push(yaml);
        return { status: 201, body: { created: ['it'] } };
      },
    }),
  };
  const stop = new AbortController();
  context.after(() => stop.abort());
  const { url } = await openRelay(api, 0, stop.signal);
  const [page = '', token = ''] = url.split('#token=');
  const good = { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' };
  const send = (headers: Record<string, string>, method = 'POST', body: string | undefined = 'a: b') =>
    fetch(new URL('api/objects', page), { method, headers, ...(method !== 'GET' && { body }) });
  return { created, good, send, origin: new URL(page).origin };
}

test('a form is applied for who has the token of this run, and for no other page', async context => {
  const { created, good, send, origin } = await relayOf(context);
  const statusOf = async (headers: Record<string, string>): Promise<number> => (await send(headers)).status;
  const { authorization } = good;
  assert.equal(await statusOf({ 'content-type': good['content-type'] }), 401);
  assert.equal(await statusOf({ ...good, authorization: `${authorization}x` }), 401);
  assert.equal(await statusOf({ authorization }), 415, 'a form of HTML could send that');
  assert.equal(await statusOf({ ...good, origin: 'http://evil.example' }), 403);
  assert.equal(await statusOf({ ...good, origin: 'null' }), 403);
  assert.deepEqual(created, []);
  assert.equal(await statusOf(good), 201);
  const answer = await send({ ...good, origin });
  assert.deepEqual([answer.status, await answer.json()], [201, { created: ['it'] }]);
  assert.deepEqual(created, ['a: b', 'a: b']);
});

test('what is too long, and every other method, is refused', async context => {
  const { created, good, send } = await relayOf(context);
  assert.equal((await send(good, 'POST', 'x'.repeat(70_000))).status, 413);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    assert.equal((await send(good, method)).status, 405);
  assert.deepEqual(created, []);
});

test('the page is told whether it can be applied, and without a cluster what to do instead', async context => {
  const cluster = await relayOf(context);
  assert.deepEqual(await (await cluster.send(cluster.good, 'GET')).json(), { applies: true });
  assert.equal((await cluster.send({}, 'GET')).status, 401);
  const sandbox = await relayOf(context, false);
  assert.deepEqual(await (await sandbox.send(sandbox.good, 'GET')).json(), { applies: false });
  const refused = await sandbox.send(sandbox.good);
  assert.equal(refused.status, 404);
  assert.match(await refused.text(), /put the YAML into the folder of the sandbox/);
});
