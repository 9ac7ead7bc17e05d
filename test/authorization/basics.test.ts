import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthorizationRig, policy } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

test('a refused request is answered as Istio does, and the policy and the rule are written down', async () => {
  const rules = [
    { to: [{ operation: { methods: ['POST'] } }] },
    { to: [{ operation: { paths: ['/admin*'] } }] },
  ];
  rig.obey(rig.policies(policy({ action: 'DENY', rules }, 'no-admin')));
  assert.equal((await rig.send({ by: 'shop/web', path: '/' })).status, 200);
  const refused = await rig.send({ by: 'shop/web', path: '/admin/x?y=1' });
  assert.deepEqual(
    [refused.status, refused.body, refused.headers['x-weft-flag']],
    [403, 'RBAC: access denied', 'UAEX'],
  );
  assert.ok(refused.headers['x-request-id']);
  const record = rig.server.access.records.at(-1)!;
  assert.equal(record.flag, 'UAEX');
  assert.equal(
    record.detail,
    'rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[1]]: rule 1 of AuthorizationPolicy no-admin.shop refuses it',
  );
});

test('bytes are judged before any of them passes, and again when the policies change', async () => {
  rig.obey(undefined);
  assert.equal(await rig.speak('shop/web'), true);
  rig.obey(rig.policies(policy({ rules: [{ from: [{ source: { namespaces: ['shop'] } }] }] })));
  assert.equal(await rig.speak('shop/web'), true);
  assert.equal(await rig.speak('ops/api'), false);
  assert.equal(await rig.speak(undefined), false);
});
