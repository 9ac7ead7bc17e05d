import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import type { OriginatedTls } from '../model/index.ts';
import { wrongUpstream } from './originated.ts';

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
