// Connections that carry bytes when policies change: judged again, cut off where they may not go on, and else left alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RawConnection, rawConnection } from '../../src/proxy/testing/clients.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import { AuthorizationRig, policy } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

/** An open connection of this client to the server's app of bytes, which has answered. */
async function opened(by: string): Promise<RawConnection> {
  const raw = await rawConnection(rig.client(by).plane.outboundPort);
  await raw.tunnel('bytes:1');
  await says(raw, 'one');
  return raw;
}

/** It can still be spoken with. */
async function says(raw: RawConnection, word: string): Promise<void> {
  raw.text = '';
  raw.write(word);
  await raw.until(({ text, closed }) => text === word || closed);
  assert.equal(raw.text, word);
}

const onlyFrom = (namespace: string): string =>
  policy({ rules: [{ from: [{ source: { namespaces: [namespace] } }] }] }, `only-${namespace}`);

test('a policy that comes cuts off who may not go on, and leaves who may as it was', async () => {
  rig.obey(undefined);
  const [allowed, denied] = [await opened('shop/web'), await opened('ops/api')];
  rig.obey(rig.policies(onlyFrom('shop')));
  await denied.until(({ closed }) => closed);
  await says(allowed, 'two');
  await eventually(() => rig.server.access.records.some(({ flag }) => flag === 'UAEX'));
  const record = rig.server.access.records.findLast(({ flag }) => flag === 'UAEX')!;
  assert.equal(record.peer, 'spiffe://cluster.local/ns/ops/sa/api');
  assert.equal(
    record.detail,
    'rbac_access_denied_matched_policy[none]: no rule of AuthorizationPolicy only-shop.shop allows it',
  );
  // The next one judges it anew, however often it was let in before.
  rig.obey(rig.policies(policy({ action: 'DENY', rules: [{}] }, 'nobody')));
  await allowed.until(({ closed }) => closed);
  await eventually(() => rig.server.plane.inboundPorts.watchers.size === 0);
});

test('what changes of the workload beside its policies cuts nobody off', async () => {
  rig.obey(rig.policies(onlyFrom('shop')));
  const raw = await opened('shop/web');
  const { plane } = rig.server;
  const { resource, version } = plane.inboundPorts;
  assert.equal(plane.apply({ ...resource!, pathNormalization: 'MERGE_SLASHES' }), undefined);
  assert.equal(plane.inboundPorts.version, version + 1);
  await says(raw, 'two');
  raw.socket.destroy();
});
