import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import {
  type CertifiedMachine,
  folderJoinStore,
  type JoinRecord,
  type JoinStore,
  JoinTokens,
  newJoinToken,
  parseJoinRecord,
  type TokenProof,
} from './index.ts';

const identity = { namespace: 'vm', serviceAccount: 'billing' };

class MemoryStore implements JoinStore {
  records = new Map<string, JoinRecord>();
  version = 0;
  away = false;
  read(): ReturnType<JoinStore['read']> {
    if (this.away) return Promise.resolve(new WeftError('join-store', 'away', { source: 'internal' }));
    return Promise.resolve({ version: String(this.version), records: new Map(this.records) });
  }
  write(version: string, id: string, record: JoinRecord): ReturnType<JoinStore['write']> {
    if (version !== String(this.version)) return Promise.resolve('changed');
    this.version++;
    this.records.set(id, record);
    return Promise.resolve('written');
  }
  remove(version: string, id: string): ReturnType<JoinStore['remove']> {
    if (version !== String(this.version)) return Promise.resolve('changed');
    this.version++;
    this.records.delete(id);
    return Promise.resolve('written');
  }
}

/** Two replicas on one store, and a token. */
function rig(lifeMs = 60_000) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const outcomes: string[] = [];
  const notices: string[] = [];
  const replica = (): JoinTokens =>
    new JoinTokens({
      ...{ store, clock, trustDomain: 'cluster.local' },
      notice: (severity, _fields, words) => void notices.push(`${severity} ${words}`),
      count: outcome => void outcomes.push(outcome),
    });
  const { id, token, record } = newJoinToken(identity, clock.now(), lifeMs);
  store.records.set(id, record);
  return { clock, store, outcomes, notices, id, token, record, one: replica(), two: replica() };
}

async function proven(found: ReturnType<JoinTokens['prove']>): Promise<TokenProof> {
  const proof = await found;
  assert.ok(proof !== undefined && !(proof instanceof WeftError), String(proof));
  return proof;
}

async function refused(
  found: ReturnType<JoinTokens['prove']> | Promise<WeftError | undefined>,
): Promise<string> {
  const error = await found;
  assert.ok(error instanceof WeftError, 'it was let in');
  return error.code;
}

const shows = (podUid: string, serial: string): CertifiedMachine => ({ podUid, serial });

test('a token joins one machine, once, and its second use is refused and told', async () => {
  const { one, two, token, record, outcomes, notices, store, id } = rig();
  const proof = await proven(one.prove(token, undefined));
  assert.deepEqual(proof.identity, { trustDomain: 'cluster.local', ...identity });
  assert.equal(proof.podUid, record.uid);
  // Nothing is spent before there is a certificate.
  assert.equal(store.records.get(id)!.joinedAtMs, undefined);
  assert.equal(await proof.commit!('A1'), undefined);
  assert.equal(await refused(two.prove(token, undefined)), 'join-token-used');
  assert.deepEqual(outcomes, ['joined', 'join-token-used']);
  assert.match(two.problems()[0]!.message, new RegExp(`join token ${id} of .*vm/sa/billing: it was used at`));
  assert.match(notices.at(-1)!, /^warn .*somebody has tried to use it again/);
});

test('of two that use it at the same time at two replicas one gets a certificate', async () => {
  const { one, two, token, store, id } = rig();
  const proofs = [await proven(one.prove(token, undefined)), await proven(two.prove(token, undefined))];
  const outcomes = await Promise.all(proofs.map((proof, index) => proof.commit!(`B${index}`)));
  assert.equal(outcomes.filter(each => each === undefined).length, 1);
  assert.equal((outcomes.find(each => each !== undefined) as WeftError).code, 'join-token-used');
  const winner = outcomes.indexOf(undefined);
  assert.equal(store.records.get(id)!.pending, `B${winner}`);
});

test('expired, revoked, unknown and garbled tokens join nobody; tokens of others are others’ business', async () => {
  const { one, token, clock, store, id, record } = rig();
  const flipped = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
  for (const wrong of [flipped, 'weft-join.', `weft-join.${id}.`, token.replace(id, '0'.repeat(12))])
    assert.equal(await refused(one.prove(wrong, undefined)), 'join-token-unknown', wrong);
  assert.equal(await one.prove('eyJ.a.b', undefined), undefined);
  assert.equal(await one.prove(undefined, undefined), undefined);
  assert.equal(await one.prove(undefined, shows('some-pod', 'A')), undefined);
  const inTime = await proven(one.prove(token, undefined));
  store.records.set(id, { ...record, ended: { how: 'revoked', why: 'lost' } });
  store.version++;
  // Between the proof and the certificate, too.
  assert.equal(await refused(inTime.commit!('C')), 'join-token-revoked');
  assert.equal(await refused(one.prove(token, undefined)), 'join-token-revoked');
  store.records.set(id, record);
  clock.advance(60_000);
  assert.equal(await refused(one.prove(token, undefined)), 'join-token-expired');
});

test('a machine renews by its certificate, also where an answer is lost, and with its old token beside it', async () => {
  const { one, token, record, store, id } = rig();
  await (await proven(one.prove(token, undefined))).commit!('S1');
  const renew = async (shown: string, next: string, with_?: string): Promise<WeftError | undefined> =>
    (await proven(one.prove(with_, shows(record.uid, shown)))).commit!(next);
  assert.equal(await renew('S1', 'S2'), undefined);
  // S2 never arrived: the machine still has S1.
  assert.equal(await renew('S1', 'S3'), undefined);
  assert.equal(await renew('S3', 'S4', token), undefined);
  assert.deepEqual([store.records.get(id)!.current, store.records.get(id)!.pending], ['S3', 'S4']);
});

test('a certificate that was renewed already ends the machine: somebody has a copy of its key', async () => {
  const { one, two, token, record, outcomes, notices } = rig();
  await (await proven(one.prove(token, undefined))).commit!('S1');
  const renew = async (at: JoinTokens, shown: string, next: string): Promise<WeftError | undefined> =>
    (await proven(at.prove(undefined, shows(record.uid, shown)))).commit!(next);
  await renew(one, 'S1', 'S2');
  await renew(one, 'S2', 'S3');
  // The thief copied S1 with its key.
  assert.equal((await renew(two, 'S1', 'T1'))?.code, 'machine-copied');
  // Nobody can say which of the two it was.
  assert.equal(await refused(one.prove(undefined, shows(record.uid, 'S3'))), 'machine-copied');
  assert.equal(await refused(one.prove(token, shows(record.uid, 'S3'))), 'machine-copied');
  assert.match(two.problems()[0]!.message, /key was copied/);
  assert.match(notices.at(-1)!, /^warn/);
  assert.ok(outcomes.includes('machine-copied'));
});

test('while nobody can be asked nothing is signed, and the sender may try again', async () => {
  const { one, token, store, record } = rig();
  const proof = await proven(one.prove(token, undefined));
  store.away = true;
  const error = await one.prove(token, undefined);
  assert.ok(error instanceof WeftError && error.source === 'internal');
  assert.equal(await refused(proof.commit!('S1')), 'join-store');
  // Of a certificate alone nobody knows whether it is a machine's.
  assert.equal(await one.prove(undefined, shows(record.uid, 'S1')), undefined);
});

function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'weft-join-'));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('in a folder, of twenty that write at once as two processes would, one does', async context => {
  const at = folder(context);
  const stores = Array.from({ length: 20 }, () => folderJoinStore(at));
  const { id, record } = newJoinToken(identity, 0, 1000);
  const first = await stores[0]!.read();
  assert.ok(!(first instanceof WeftError));
  assert.equal(await stores[0]!.write(first.version, id, record), 'written');
  const read = await stores[0]!.read();
  assert.ok(!(read instanceof WeftError));
  const written = await Promise.all(
    stores.map((store, index) => store.write(read.version, id, { ...record, joinedAtMs: index })),
  );
  assert.equal(written.filter(each => each === 'written').length, 1);
  assert.deepEqual(readdirSync(join(at, 'join-tokens')), [`${id}.json`]);
});

test('a record that cannot be read joins nobody, and the others go on', async context => {
  const at = folder(context);
  const store = folderJoinStore(at);
  const { id, record } = newJoinToken(identity, 0, 1000);
  await store.write(((await store.read()) as { version: string }).version, id, record);
  for (const text of ['', '{}', '[]', JSON.stringify({ ...record, namespace: '../x' })]) {
    assert.ok(parseJoinRecord('x', text) instanceof WeftError, text);
    writeFileSync(join(at, 'join-tokens', 'x.json'), text);
    const read = await store.read();
    assert.ok(!(read instanceof WeftError));
    assert.deepEqual([...read.records.keys()], [id]);
  }
});

test('certificates without a token are looked up in one list of the last two seconds, and judged by the list as it is', async () => {
  const { one, two, clock, store, token, record, id } = rig();
  assert.equal(await (await proven(one.prove(token, undefined))).commit!('A1'), undefined);
  let reads = 0;
  const read = store.read.bind(store);
  store.read = () => {
    reads++;
    return read();
  };
  const asked = Array.from({ length: 50 }, (_, index) => one.prove(undefined, shows(`pod-${index}`, 'B1')));
  assert.ok((await Promise.all(asked)).every(each => each === undefined));
  const proof = await proven(one.prove(undefined, shows(record.uid, 'A1')));
  assert.equal(reads, 1);
  // Revoked meanwhile, by another replica or by hand: what was read before does not help it.
  store.records.set(id, { ...store.records.get(id)!, ended: { how: 'revoked', why: 'by hand' } });
  store.version++;
  assert.equal(await refused(proof.commit!('A2')), 'join-token-revoked');
  clock.advance(2_000);
  assert.equal(await refused(one.prove(undefined, shows(record.uid, 'A1'))), 'join-token-revoked');
  // What cannot be read is asked for again by the next.
  store.away = true;
  clock.advance(2_000);
  assert.equal(await two.prove(undefined, shows(record.uid, 'A1')), undefined);
  store.away = false;
  assert.equal(await refused(two.prove(undefined, shows(record.uid, 'A1'))), 'join-token-revoked');
});

test('records that nothing depends on any more go after a week, in memory and in a folder, and no others', async context => {
  const { one, clock, store, record, id } = rig();
  const at = folder(context);
  const files = folderJoinStore(at);
  const day = 24 * 3_600_000;
  const now = clock.now();
  const kept = {
    unused: { ...record, expiresAtMs: now + day },
    joined: { ...record, joinedAtMs: now, pending: 'A1' },
    renewed: { ...record, joinedAtMs: now, renewedAtMs: now + 8 * day, pending: 'A2' },
  };
  for (const [name, each] of Object.entries(kept)) store.records.set(name, each);
  for (const [name, each] of store.records) {
    const read = await files.read();
    assert.ok(!(read instanceof WeftError));
    assert.equal(await files.write(read.version, name, each), 'written');
  }
  const inFolder = new JoinTokens({ store: files, clock, trustDomain: 'cluster.local', notice() {} });
  const after = async (): Promise<string[]> => {
    await Promise.all([one.tidy(day), inFolder.tidy(day)]);
    const names = readdirSync(join(at, 'join-tokens')).map(each => each.replace('.json', ''));
    assert.deepEqual(names.toSorted(), [...store.records.keys()].toSorted());
    return names.toSorted();
  };
  // The token ran out after a minute, the machine's first certificate after a day.
  await clock.advance(7 * day);
  assert.deepEqual(await after(), [id, 'joined', 'renewed', 'unused'].toSorted());
  await clock.advance(60_001);
  assert.deepEqual(await after(), ['joined', 'renewed', 'unused']);
  await clock.advance(day);
  assert.deepEqual(await after(), ['renewed']);
  store.away = true;
  await clock.advance(30 * day);
  await one.tidy(day);
  assert.deepEqual([...store.records.keys()], ['renewed'], 'what cannot be read stays');
  store.away = false;
  assert.deepEqual(await after(), []);
});
