import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InjectorFlags, readInjectorConfig } from './injector-config.ts';

const good: InjectorFlags = { source: 'files:shop', caDir: 'ca', tokenKeys: 'keys.json' };

test('what is not said has the usual ports, on every address', () => {
  const config = readInjectorConfig(good);
  assert.deepEqual(
    [config.files, config.listen, config.metricsListen, config.certificateLifetimeMs],
    ['shop', { host: '', port: 15012 }, { host: '', port: 15014 }, 86_400_000],
  );
});

test('one address to listen on holds for metrics too unless those have their own', () => {
  const one = readInjectorConfig({ ...good, listen: '127.0.0.5' });
  assert.deepEqual([one.listen.port, one.metricsListen], [15012, { host: '127.0.0.5', port: 15014 }]);
  const two = readInjectorConfig({ ...good, listen: '[fd00::1]:1', metricsListen: ':2' });
  assert.deepEqual(
    [two.listen, two.metricsListen],
    [
      { host: 'fd00::1', port: 1 },
      { host: '', port: 2 },
    ],
  );
});

test('in a cluster the source is the cluster, which keeps the authority and checks tokens itself', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', POD_NAMESPACE: 'mesh', POD_NAME: 'weft-injector-0' };
  const config = readInjectorConfig({}, env);
  assert.deepEqual(
    [config.source, config.caDir, config.tokenKeys, config.instance, config.webhookListen.port],
    ['kubernetes', '', '', 'weft-injector-0', 8443],
  );
  assert.equal(config.identity.namespace, 'mesh');
  assert.equal(readInjectorConfig(good, env).source, 'files');
});

const bad: [InjectorFlags, RegExp][] = [
  [{ ...good, source: undefined }, /^--source is missing; give kubernetes, or files:FOLDER/],
  [{ ...good, source: 'files:' }, /^--source 'files:' is not a source/],
  [{ ...good, caDir: undefined }, /^--ca-dir is missing/],
  [{ ...good, tokenKeys: '' }, /^--token-keys is missing/],
  [{ ...good, listen: 'a b' }, /^--listen 'a b' is not an address/],
  [{ ...good, listen: ':70000' }, /^--listen ':70000'/],
  [{ ...good, trustDomain: 'No Domain' }, /^--trust-domain/],
  [{ ...good, certificateLifetime: '1ms' }, /^--certificate-lifetime '1ms'/],
  [{ ...good, logLevel: 'loud' }, /^--log-level 'loud' is not one of/],
];
for (const [flags, message] of bad) {
  test(`refused: ${message.source}`, () => {
    assert.throws(() => readInjectorConfig(flags), { code: 'bad-configuration', message });
  });
}
