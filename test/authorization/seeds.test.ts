// The two policies of the seeds, word for word, and what they let through real proxies. Tokens are given as verified ones; that
// they are is the business of src/authentication and its tests.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AuthorizationRig, type Sent } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

/** The file, its policies in the server's place: their labels and namespace are those of the seeds' own app. */
function obey(file: string): void {
  const text = readFileSync(join(import.meta.dirname, '../seeds', file), 'utf8');
  rig.obey(rig.policies(`${text}\n---\n`, { namespace: 'default', app: 'httpbin' }));
}

async function statuses(sent: readonly Sent[]): Promise<number[]> {
  const got: number[] = [];
  for (const each of sent) got.push((await rig.send(each)).status);
  return got;
}

test('httpbin: sleep may GET what is below /info, nobody else anything', async () => {
  obey('istio-authorization.yaml');
  const sleep: Sent = { by: 'default/sleep', path: '/info' };
  assert.deepEqual(
    await statuses([sleep, { ...sleep, path: '/info/version?x=1' }, { ...sleep, path: '/info/../info' }]),
    [200, 200, 200],
  );
  const refused: readonly Sent[] = [
    { ...sleep, method: 'POST' },
    { ...sleep, path: '/ip' },
    { ...sleep, path: '/info/../ip' },
    { ...sleep, by: 'default/other' },
    { ...sleep, by: 'other/sleep' },
    { path: '/info' },
  ];
  assert.deepEqual(
    await statuses(refused),
    refused.map(() => 403),
  );
  assert.equal(await rig.speak('default/sleep'), false, 'bytes are no GET');
});

test('require-jwt: only the principal of a verified token in group1 passes', async () => {
  obey('istio-jwt.yaml');
  const claims = {
    iss: 'testing@secure.istio.io',
    sub: 'testing@secure.istio.io',
    groups: ['group1', 'group2'],
  };
  const by = 'default/any';
  assert.deepEqual(
    await statuses([
      { by, token: claims },
      { by: 'other/x', token: claims },
    ]),
    [200, 200],
  );
  const refused: readonly Sent[] = [
    { by },
    { by, token: { ...claims, groups: ['group2'] } },
    { by, token: { ...claims, sub: 'somebody' } },
    { by, token: { iss: claims.iss, sub: claims.sub } },
  ];
  assert.deepEqual(
    await statuses(refused),
    refused.map(() => 403),
  );
});
