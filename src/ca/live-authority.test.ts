import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import {
  type AuthorityRecord,
  authorityFromSecret,
  CertificateAuthority,
  LiveAuthority,
  secretOfAuthority,
} from './index.ts';

const clock = new FakeClock();
const newRoot = () => CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('what is written into a Secret is read from it, and cert-manager writes the same with other names', () => {
  const { parts } = newRoot();
  const read = authorityFromSecret(secretOfAuthority(parts), 's');
  assert.ok(!(read instanceof WeftError));
  assert.equal(read.parts.keyPem, parts.keyPem);
  const data = {
    'tls.key': base64(parts.keyPem),
    'tls.crt': base64(parts.chainPem),
    'ca.crt': base64(parts.roots[0]!),
  };
  const other = authorityFromSecret(data, 's');
  assert.ok(!(CertificateAuthority.load((other as AuthorityRecord).parts, clock) instanceof WeftError));
  const selfSigned = authorityFromSecret({ ...data, 'ca.crt': '' }, 's');
  assert.ok(!(CertificateAuthority.load((selfSigned as AuthorityRecord).parts, clock) instanceof WeftError));
});

test('a Secret without one of the parts is refused by the name of the part', () => {
  const { parts } = newRoot();
  for (const name of ['ca-key.pem', 'ca-cert.pem', 'root-cert.pem']) {
    const refused = authorityFromSecret({ ...secretOfAuthority(parts), [name]: 7 }, 'weft-system/weft-ca');
    assert.ok(refused instanceof WeftError);
    assert.match(refused.message, new RegExp(`the Secret weft-system/weft-ca .*: ${name} is missing`));
  }
  const empty = authorityFromSecret({}, 's') as WeftError;
  assert.match(empty.message, /tls\.key is missing; it needs tls\.key, tls\.crt, ca\.crt/);
});

test('a new root is announced before anything is signed under it, and the old one stays trusted', async () => {
  const [old, next] = [newRoot(), newRoot()];
  const live = new LiveAuthority(old, { clock, announceMs: 1_000 });
  const changes: string[] = [];
  live.subscribe(change => changes.push(change));
  live.offer(next.parts, 'a Secret');
  assert.equal(live.current, old);
  assert.deepEqual(live.roots, [...old.roots, ...next.roots]);
  await clock.advance(1_000);
  assert.deepEqual(live.current.roots, next.roots);
  assert.deepEqual(live.ownRoots, next.roots);
  assert.deepEqual([...live.roots].sort(), [...old.roots, ...next.roots].sort());
  assert.deepEqual(changes, ['roots', 'roots', 'issuer']);
  live.trustAlso([next.roots[0]!]);
  assert.deepEqual(live.roots, next.roots, 'until whoever keeps the bundle drops it');
});

test('the same authority again is no change, and a bad one is a problem that leaves the good one in use', () => {
  const authority = newRoot();
  const live = new LiveAuthority(authority, { clock });
  live.subscribe(() => assert.fail('nothing changed'));
  live.offer({ ...authority.parts, chainPem: `${authority.parts.chainPem}\n` }, 'a Secret');
  live.offer({ ...authority.parts, keyPem: newRoot().parts.keyPem }, 'the Secret weft-ca');
  assert.equal(live.current, authority);
  assert.match(
    live.problems()[0]!.message,
    /in the Secret weft-ca is not used: .*; the one before stays in use/,
  );
  live.offer(authority.parts, 'a Secret');
  assert.deepEqual(live.problems(), []);
});

test('an announcement that is overtaken by a third authority never signs', async () => {
  const [old, second, third] = [newRoot(), newRoot(), newRoot()];
  const live = new LiveAuthority(old, { clock, announceMs: 1_000 });
  live.offer(second.parts, 's');
  await clock.advance(500);
  live.offer(third.parts, 's');
  await clock.advance(500);
  assert.equal(live.current, old);
  await clock.advance(500);
  assert.deepEqual(live.current.roots, third.roots);
});

test('roots that others trust are added once, and unreadable ones are passed over', () => {
  const [own, other] = [newRoot(), newRoot()];
  const live = new LiveAuthority(own, { clock });
  live.trustAlso([own.roots[0]! + other.roots[0]!, 'rubbish', '']);
  assert.deepEqual(live.roots, [...own.roots, ...other.roots]);
});
