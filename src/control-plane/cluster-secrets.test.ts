import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { ClusterSecrets } from './index.ts';

test('Secrets are made, replaced by whoever read them last, and removed; what is not there is gone', async context => {
  const api = new FakeApi([TYPES.secret]);
  await api.start();
  context.after(() => api.stop());
  const secrets = new ClusterSecrets(api.client());
  assert.equal(await secrets.read('shop', 'tls'), undefined);
  const first = { type: 'kubernetes.io/tls', labels: { a: 'b' }, annotations: {}, data: { 'tls.crt': 'é' } };
  assert.equal(await secrets.write('shop', 'tls', first, undefined), undefined);
  const read = await secrets.read('shop', 'tls');
  assert.ok(read !== undefined && !(read instanceof WeftError));
  const { version, ...rest } = read;
  assert.deepEqual(rest, first);
  const twice = await secrets.write('shop', 'tls', first, undefined);
  assert.equal(twice?.code, 'api-already-exists');
  const second = { ...first, data: { 'tls.crt': 'new' } };
  assert.equal(await secrets.write('shop', 'tls', second, version), undefined);
  const late = await secrets.write('shop', 'tls', first, version);
  assert.equal(late?.code, 'api-conflict', 'somebody was faster');
  assert.equal(await secrets.remove('shop', 'tls'), undefined);
  assert.equal(await secrets.remove('shop', 'tls'), undefined);
  assert.equal(await secrets.read('shop', 'tls'), undefined);
});
