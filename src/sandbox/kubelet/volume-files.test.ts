import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Secret, Volume } from '../kube/index.ts';
import { pod } from '../testing/objects.ts';
import type { EnvLookup } from './env.ts';
import { volumeContent } from './volume-files.ts';

const lookup: EnvLookup = {
  configMap: name =>
    name === 'trust'
      ? ({
          data: { 'root.pem': 'ROOT' },
          binaryData: { bin: Buffer.from([1, 2]).toString('base64') },
        } as unknown as ConfigMap)
      : undefined,
  secret: name =>
    name === 'keys'
      ? ({ data: { key: Buffer.from('K').toString('base64') } } as unknown as Secret)
      : undefined,
  addresses: { podIp: '10.244.0.9', hostIp: '10.244.0.1' },
};

async function filesOf(
  volume: Volume,
): Promise<
  { files?: Record<string, string>; renewAfterMs?: number | undefined; missing?: string } | undefined
> {
  const issued = (_: unknown, audience: string, seconds: number) =>
    Promise.resolve(`token for ${audience}, ${seconds} s`);
  const content = await volumeContent(volume, pod('web-1'), lookup, issued);
  if (!content || 'missing' in content) return content;
  const files = Object.fromEntries([...content.files].map(([path, { bytes }]) => [path, bytes.toString()]));
  return { files, renewAfterMs: content.renewAfterMs };
}

test('a ConfigMap is one file per key, or those that are listed', async () => {
  const whole = await filesOf({ name: 'v', configMap: { name: 'trust' } });
  assert.deepEqual(whole, { files: { 'root.pem': 'ROOT', bin: '\u0001\u0002' }, renewAfterMs: undefined });
  const items = [{ key: 'root.pem', path: 'deep/ca.pem' }];
  assert.deepEqual((await filesOf({ name: 'v', configMap: { name: 'trust', items } }))?.files, {
    'deep/ca.pem': 'ROOT',
  });
});

test('a projected volume joins its sources, and its token is renewed at 80 % of its life', async () => {
  const sources = [
    { serviceAccountToken: { path: 'token', audience: 'weft', expirationSeconds: 600 } },
    { secret: { name: 'keys' } },
    { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
  ];
  assert.deepEqual(await filesOf({ name: 'v', projected: { sources } }), {
    files: { token: 'token for weft, 600 s', key: 'K', labels: 'app="web"\n' },
    renewAfterMs: 480_000,
  });
});

test('what does not exist is named, unless it is optional', async () => {
  assert.deepEqual(await filesOf({ name: 'v', secret: { secretName: 'gone' } }), { missing: 'Secret gone' });
  assert.deepEqual((await filesOf({ name: 'v', configMap: { name: 'gone', optional: true } }))?.files, {});
});

test('an emptyDir has no content of ours', async () => {
  assert.equal(await filesOf({ name: 'v', emptyDir: {} }), undefined);
});

test('files have the mode of their item, else of their volume, else 0644', async () => {
  const modesOf = async (volume: Volume): Promise<Record<string, string>> => {
    const content = await volumeContent(volume, pod('web-1'), lookup, () => Promise.resolve('token'));
    assert.ok(content && 'files' in content);
    return Object.fromEntries([...content.files].map(([path, { mode }]) => [path, mode.toString(8)]));
  };
  assert.deepEqual(await modesOf({ name: 'v', secret: { secretName: 'keys' } }), { key: '644' });
  assert.deepEqual(await modesOf({ name: 'v', secret: { secretName: 'keys', defaultMode: 256 } }), {
    key: '400',
  });
  const items = [
    { key: 'root.pem', path: 'run', mode: 0o755 },
    { key: 'bin', path: 'bin' },
  ];
  assert.deepEqual(await modesOf({ name: 'v', configMap: { name: 'trust', items, defaultMode: 0o440 } }), {
    run: '755',
    bin: '440',
  });
  const sources = [
    { serviceAccountToken: { path: 'token' } },
    { configMap: { name: 'trust', defaultMode: 0o777 } },
    { downwardAPI: { items: [{ path: 'labels', mode: 0o400, fieldRef: { fieldPath: 'metadata.labels' } }] } },
  ];
  // A projected volume's own mode counts, not that of a source.
  assert.deepEqual(await modesOf({ name: 'v', projected: { sources, defaultMode: 0o600 } }), {
    token: '600',
    'root.pem': '600',
    bin: '600',
    labels: '400',
  });
});
