import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import { CertificateAuthority } from '../ca/index.ts';
import type { OriginatedTls } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { OriginatedContexts, wrongUpstream } from './originated.ts';

const certificate = (subjectaltname: string) =>
  ({ subjectaltname, subject: { CN: 'x' } }) as unknown as PeerCertificate;
const wrong = (text: string, ...subjectAltNames: string[]) =>
  wrongUpstream({ mode: 'simple', subjectAltNames } as OriginatedTls, 'api.example', certificate(text));

test('one of the expected names is enough, quoted or not', () => {
  assert.equal(wrong('DNS:a.example, URI:spiffe://mesh/a', 'b', 'spiffe://mesh/a'), undefined);
  assert.equal(wrong('DNS:a.example, URI:"spiffe://mesh/a,b"', 'spiffe://mesh/a,b'), undefined);
  assert.match(wrong('DNS:a.example', 'b')!, /is for a\.example, expected b/);
  assert.match(wrong('', 'b')!, /is for nobody/);
});

test('a name that holds a list of names is one name', () => {
  assert.notEqual(wrong('URI:"x, URI:spiffe://mesh/victim, y"', 'spiffe://mesh/victim'), undefined);
  assert.notEqual(wrong('DNS:"x\\", URI:victim, \\"y"', 'victim'), undefined);
});

test('names that cannot be read are a reason, not an exception', () => {
  for (const text of ['DNS:"a', 'DNS:"\\q"', 'DNS:', 'URI:"x']) {
    assert.equal(typeof wrong(text, 'a'), 'string');
    assert.equal(typeof wrong(text), 'string', text);
  }
});

test('renewed files are taken over within a minute, and half of a renewal changes nothing', context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-originated-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [certificateFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const settings: OriginatedTls = { mode: 'mutual', certificateFile, keyFile };
  const contexts = new OriginatedContexts();
  const [first, second] = ['a', 'b'].map(
    trustDomain => CertificateAuthority.createRoot({ trustDomain, clock: systemClock }).parts,
  );
  writeFileSync(certificateFile, first!.chainPem);
  assert.throws(() => contexts.get(settings, 0), /tls\.key cannot be read/, 'before there was anything good');
  writeFileSync(keyFile, first!.keyPem);
  const before = contexts.get(settings, 0);
  writeFileSync(certificateFile, second!.chainPem);
  assert.equal(contexts.get(settings, 59_000), before);
  assert.equal(contexts.get(settings, 60_000), before, 'the new certificate with the old key');
  writeFileSync(keyFile, second!.keyPem);
  assert.equal(contexts.get(settings, 64_000), before);
  assert.notEqual(contexts.get(settings, 65_000), before);
});
