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
  const files = Object.fromEntries([...content.files].map(([path, bytes]) => [path, bytes.toString()]));
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
