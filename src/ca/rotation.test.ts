import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import { readRecord, writeRecord } from './authority-files.ts';
import {
  type AuthorityRecord,
  announceNext,
  authorityFromSecret,
  CertificateAuthority,
  fingerprintsOf,
  finishRotation,
  followFolder,
  formatRevocations,
  issueUnderNext,
  LiveAuthority,
  leavingRoots,
  parseRevocations,
  patchOfAuthority,
  RevocationList,
  rootOfChain,
  secretOfAuthority,
  stageOf,
  stepBack,
  writeAuthorityRecord,
  writeRevocations,
} from './index.ts';

const clock = new FakeClock();
const newRoot = (trustDomain = 'cluster.local') => CertificateAuthority.createRoot({ trustDomain, clock });
const settled = (authority: CertificateAuthority): AuthorityRecord => ({
  parts: authority.parts,
  distrusted: [],
});

function good<T>(value: T | WeftError): T {
  assert.ok(!(value instanceof WeftError), String(value));
  return value;
}

test('a rotation goes old, both, new: each step trusts what the one before issued', () => {
  const [old, fresh] = [newRoot(), newRoot()];
  const [oldRoot] = fingerprintsOf(old.roots);
  const [newOne] = fingerprintsOf(fresh.roots);
  const announced = good(announceNext(settled(old), fresh.parts));
  assert.equal(stageOf(announced), 'announced');
  assert.equal(rootOfChain(announced.parts), oldRoot);
  assert.deepEqual(fingerprintsOf(announced.parts.roots), [oldRoot, newOne]);
  const issuing = good(issueUnderNext(announced));
  assert.equal(stageOf(issuing), 'issuing');
  assert.equal(rootOfChain(issuing.parts), newOne);
  assert.deepEqual(fingerprintsOf(issuing.parts.roots), [newOne, oldRoot]);
  assert.deepEqual(leavingRoots(issuing), [oldRoot]);
  const done = good(finishRotation(issuing));
  assert.equal(stageOf(done), 'settled');
  assert.deepEqual(fingerprintsOf(done.parts.roots), [newOne]);
  assert.deepEqual(done.distrusted, [oldRoot]);
  for (const record of [announced, issuing, done])
    assert.ok(!(CertificateAuthority.load(record.parts, clock) instanceof WeftError));
});

test('each step can be taken back, and steps in the wrong order are refused with what to do', () => {
  const [old, fresh] = [newRoot(), newRoot()];
  const announced = good(announceNext(settled(old), fresh.parts));
  const issuing = good(issueUnderNext(announced));
  const back = good(stepBack(issuing));
  assert.equal(stageOf(back), 'announced');
  assert.equal(rootOfChain(back.parts), fingerprintsOf(old.roots)[0]);
  const start = good(stepBack(back));
  assert.equal(stageOf(start), 'settled');
  assert.deepEqual(fingerprintsOf(start.parts.roots), fingerprintsOf(old.roots));
  for (const refused of [
    announceNext(announced, fresh.parts),
    issueUnderNext(settled(old)),
    finishRotation(announced),
    stepBack(settled(old)),
  ]) {
    assert.ok(refused instanceof WeftError);
    assert.equal(refused.code, 'rotation-stage');
    assert.match(refused.message, /weft ca rotate/);
  }
});

test('an issuer below the same root changes without any root leaving', () => {
  const old = newRoot();
  const record: AuthorityRecord = good(issueUnderNext(good(announceNext(settled(old), old.parts))));
  assert.deepEqual(leavingRoots(record), []);
  assert.deepEqual(good(finishRotation(record)).distrusted, []);
});

test('what is written of a rotation is read again, in files and in a Secret, and a patch takes out what is over', () => {
  const announced = good(announceNext(settled(newRoot()), newRoot().parts));
  for (const record of [announced, good(issueUnderNext(announced))]) {
    assert.deepEqual(
      good(readRecord(writeRecord(record), 'f', 'ca-folder')).next?.keyPem,
      record.next?.keyPem,
    );
    const read = good(authorityFromSecret(secretOfAuthority(record), 's'));
    assert.equal(stageOf(read), stageOf(record));
    assert.deepEqual(fingerprintsOf(read.parts.roots), fingerprintsOf(record.parts.roots));
  }
  const done = good(finishRotation(good(issueUnderNext(announced))));
  const patch = patchOfAuthority(done);
  assert.equal(patch['previous-ca-key.pem'], null);
  assert.equal(patch['next-ca-key.pem'], null);
  assert.equal(typeof patch['distrusted-roots'], 'string');
});

test('a root that a rotation has ended is trusted no more, even where others remember it', () => {
  const [old, fresh] = [newRoot(), newRoot()];
  const live = new LiveAuthority(old, { clock });
  const announced = good(announceNext(settled(old), fresh.parts));
  live.offer(announced, 'a test');
  const issuing = good(issueUnderNext(announced));
  live.offer(issuing, 'a test');
  assert.equal(live.issuerRoot, fingerprintsOf(fresh.roots)[0]);
  assert.equal(live.roots.length, 2);
  live.trustAlso(old.roots);
  live.offer(good(finishRotation(issuing)), 'a test');
  assert.deepEqual(fingerprintsOf(live.roots), fingerprintsOf(fresh.roots));
});

test('a folder is followed: another authority and revocations are used, rubbish is a problem and changes nothing', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  const stop = new AbortController();
  context.after(() => {
    stop.abort();
    rmSync(folder, { recursive: true, force: true });
  });
  const [old, fresh] = [newRoot(), newRoot()];
  assert.equal(await writeAuthorityRecord(folder, settled(old)), undefined);
  const live = new LiveAuthority(old, { clock, announceMs: 1_000 });
  const revocations = new RevocationList();
  const look = followFolder({ folder, live, revocations, clock, signal: stop.signal });
  await look();
  const announced = good(announceNext(settled(old), fresh.parts));
  await writeAuthorityRecord(folder, announced);
  await writeRevocations(folder, [{ serial: 'AB', why: 'lost' }]);
  await look();
  assert.equal(live.roots.length, 2);
  assert.deepEqual(revocations.current, [{ serial: 'AB', why: 'lost' }]);
  await writeAuthorityRecord(folder, good(issueUnderNext(announced)));
  await look();
  assert.equal(live.issuerRoot, fingerprintsOf(fresh.roots)[0]);
  writeFileSync(join(folder, 'ca-key.pem'), 'rubbish');
  writeFileSync(join(folder, 'revoked.json'), '{');
  await look();
  assert.match(live.problems()[0]!.message, /private key cannot be read.*the one before stays in use/);
  assert.match(revocations.problems()[0]!.message, /no JSON.*those before stay in use/);
  assert.equal(live.issuerRoot, fingerprintsOf(fresh.roots)[0]);
  assert.deepEqual(revocations.current, [{ serial: 'AB', why: 'lost' }]);
});

test("a folder with the files of a TLS Secret, as cert-manager's are mounted, is an authority", async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const { parts } = newRoot();
  writeFileSync(join(folder, 'tls.key'), parts.keyPem);
  writeFileSync(join(folder, 'tls.crt'), parts.chainPem);
  const record = good(await (await import('./authority-folder.ts')).readAuthorityRecord(folder));
  assert.deepEqual(fingerprintsOf(record.parts.roots), fingerprintsOf(parts.roots));
});

test('revocations are read with their reasons, and one that names nobody is refused by its place', () => {
  const list = [{ principal: 'spiffe://a.b/ns/shop/sa/cart', why: 'x' }, { serial: '0A' }];
  assert.deepEqual(parseRevocations(formatRevocations(list)), list);
  assert.deepEqual(parseRevocations(undefined), []);
  for (const bad of ['[{}]', '[{"principal":"spiffe://a/b"}]', '[{"serial":"xyz"}]', '7', '[null]']) {
    const refused = parseRevocations(bad);
    assert.ok(refused instanceof WeftError, bad);
    assert.match(refused.message, /weft ca revoke/);
  }
  const revocations = new RevocationList();
  revocations.offer(list, 'a test');
  const identity = { trustDomain: 'another.name', namespace: 'shop', serviceAccount: 'cart' };
  assert.equal(revocations.refusal(identity)?.code, 'identity-revoked');
  assert.equal(revocations.refusal({ ...identity, serviceAccount: 'web' }), undefined);
});
