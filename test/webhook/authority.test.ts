// `weft ca` against a real API server: the Secret and the list that the control plane follows, and two operators at once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { CertificateAuthority, secretOfAuthority } from '../../src/ca/index.ts';
import { clusterPlace } from '../../src/cli/ca/place.ts';
import { systemClock } from '../../src/time/index.ts';
import { type ApiServer, noApiServer, startApiServer } from './api-server.ts';

const main = new URL('../../src/main/weft.ts', import.meta.url).pathname;
const namespace = 'weft-system';
const thief = 'spiffe://cluster.local/ns/a/sa/thief';

describe('weft ca on a cluster', { skip: noApiServer }, () => {
  let api: ApiServer;

  before(async () => {
    api = await startApiServer();
    await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const { parts } = CertificateAuthority.createRoot({ clock: systemClock, trustDomain: 'cluster.local' });
    const metadata = { name: 'weft-ca', namespace };
    await api.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: secretOfAuthority(parts) });
  });
  after(() => api?.stop());

  function weft(...args: string[]): { readonly text: string; readonly code: number | null } {
    const env = { ...process.env, KUBECONFIG: api.kubeconfig };
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...args], {
      encoding: 'utf8',
      env,
    });
    return { text: stdout + stderr, code: status };
  }

  test('revocations are written, told and taken back', () => {
    assert.match(weft('ca', 'revoked').text, /nobody|none|nothing/i);
    assert.equal(weft('ca', 'revoke', thief).code, 0);
    assert.match(weft('ca', 'revoked').text, /ns\/a\/sa\/thief/);
    assert.equal(weft('ca', 'restore', thief).code, 0);
    assert.doesNotMatch(weft('ca', 'revoked').text, /thief/);
  });

  test('what somebody else has written since is not written over', async () => {
    const cluster = { ...api, server: 'the API server' };
    const [first, second] = [await clusterPlace(cluster, namespace), await clusterPlace(cluster, namespace)];
    const record = await first.read();
    await second.read();
    await first.write({ ...record, distrusted: ['AA'.repeat(32)] });
    await assert.rejects(second.write(record), { code: 'ca-changed' });
    for (const each of [first, second]) await each.revoked();
    await first.revoke([{ principal: thief }]);
    await assert.rejects(second.revoke([]), { code: 'ca-changed' });
    assert.deepEqual(
      (await second.revoked()).map(({ principal }) => principal),
      [thief],
    );
  });
});
