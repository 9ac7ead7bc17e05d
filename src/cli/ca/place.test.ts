// The place of an authority in a cluster, against an API that keeps versions as Kubernetes does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateAuthority, secretOfAuthority } from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { Cluster } from '../kubernetes/connect.ts';
import { clusterPlace } from './place.ts';

interface Kept {
  version: number;
  data: Record<string, string | null>;
}

/** Secrets and ConfigMaps of one namespace, by path. */
class Objects implements Cluster {
  readonly server = 'https://api.test';
  readonly kept = new Map<string, Kept>();

  async request({ method, path, body }: Parameters<Cluster['request']>[0]): ReturnType<Cluster['request']> {
    const { metadata, data } = (body ?? {}) as {
      metadata?: { name?: string; resourceVersion?: string };
      data?: Kept['data'];
    };
    if (method === 'POST') {
      const at = `${path}/${metadata!.name}`;
      if (this.kept.has(at)) return answer(409, { message: 'already exists' });
      this.kept.set(at, { version: 1, data: data! });
      return answer(201, {});
    }
    const found = this.kept.get(path);
    if (found === undefined) return answer(404, { message: 'not found' });
    if (method === 'PATCH') {
      const { resourceVersion } = metadata!;
      if (resourceVersion !== undefined && resourceVersion !== `${found.version}`)
        return answer(409, { message: 'the object has been modified' });
      found.version++;
      found.data = { ...found.data, ...data };
    }
    return answer(200, { metadata: { resourceVersion: `${found.version}` }, data: found.data });
  }
}

type Answer = Awaited<ReturnType<Cluster['request']>>;

function answer(status: number, body: unknown): Answer {
  return { status, body } as Answer;
}

const secret = '/api/v1/namespaces/weft-system/secrets/weft-ca';
const isChanged = (thrown: unknown): boolean => thrown instanceof WeftError && thrown.code === 'ca-changed';

function withAuthority(): Objects {
  const clock = new FakeClock();
  const { parts } = CertificateAuthority.createRoot({ clock, trustDomain: 'cluster.local' });
  const objects = new Objects();
  objects.kept.set(secret, { version: 7, data: { ...secretOfAuthority(parts) } });
  return objects;
}

test('of two operators who rotate at once, the second is told, and writes nothing over the first', async () => {
  const objects = withAuthority();
  const [first, second] = [
    await clusterPlace(objects, 'weft-system'),
    await clusterPlace(objects, 'weft-system'),
  ];
  const record = await first.read();
  await second.read();
  await first.write(record);
  const after = structuredClone(objects.kept.get(secret));
  await assert.rejects(second.write(record), isChanged);
  assert.deepEqual(objects.kept.get(secret), after);
  await second.read();
  await second.write(record);
});

test('no revocation is lost to another that is written at the same time, the first of all included', async () => {
  const objects = withAuthority();
  const [first, second] = [
    await clusterPlace(objects, 'weft-system'),
    await clusterPlace(objects, 'weft-system'),
  ];
  for (const each of [first, second]) assert.deepEqual(await each.revoked(), []);
  const thief = { principal: 'spiffe://cluster.local/ns/a/sa/thief' };
  const other = { principal: 'spiffe://cluster.local/ns/a/sa/other' };
  await first.revoke([thief]);
  await assert.rejects(second.revoke([other]), isChanged);
  const now = await second.revoked();
  assert.deepEqual(
    now.map(each => each.principal),
    [thief.principal],
  );
  await second.revoke([...now, other]);
  assert.equal((await first.revoked()).length, 2);
});
