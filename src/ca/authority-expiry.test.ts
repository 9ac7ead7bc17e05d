import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthorityExpiry, alarmsOf } from './authority-expiry.ts';

const day = 86_400_000;
const certificate = (given: Partial<AuthorityExpiry>): AuthorityExpiry => ({
  role: 'root',
  subject: 'O=Weft',
  serial: '01',
  notBeforeMs: 0,
  notAfterMs: 100 * day,
  expiresInMs: 50 * day,
  active: true,
  ...given,
});

test('alarms begin in the last fifth of a life, and the end of what is no longer used is only a warning', () => {
  const said = (given: Partial<AuthorityExpiry>): string[] =>
    alarmsOf([certificate(given)]).map(({ code, severity }) => `${severity} ${code}`);
  assert.deepEqual(said({}), []);
  assert.deepEqual(said({ expiresInMs: 19 * day }), ['warning ca-expiring']);
  assert.deepEqual(said({ expiresInMs: 0 }), ['error ca-expired']);
  assert.deepEqual(said({ expiresInMs: -day, active: false }), ['warning ca-expired']);
});

test('who holds the key is named where it is not the control plane: no command of ours makes a new one', () => {
  for (const expiresInMs of [day, -day]) {
    const [own] = alarmsOf([certificate({ expiresInMs })]);
    const [elsewhere] = alarmsOf([certificate({ expiresInMs })], "cert-manager's ClusterIssuer mesh-ca");
    assert.match(own!.message, /weft ca rotate/);
    assert.match(elsewhere!.message, /give cert-manager's ClusterIssuer mesh-ca a new one/);
    assert.doesNotMatch(elsewhere!.message, /weft ca/);
  }
});

test('a certificate whose times cannot be read is an alarm and no end of the others', () => {
  const unreadable = [{ notAfterMs: Number.NaN, expiresInMs: Number.NaN }, { notBeforeMs: Number.NaN }].map(
    certificate,
  );
  const alarms = alarmsOf([...unreadable, certificate({ subject: 'O=Next', expiresInMs: day })]);
  assert.deepEqual(
    alarms.map(({ code }) => code),
    ['ca-expired', 'ca-expired', 'ca-expiring'],
  );
  assert.match(alarms[0]!.message, /'O=Weft' of the mesh's authority has times that cannot be read/);
});
