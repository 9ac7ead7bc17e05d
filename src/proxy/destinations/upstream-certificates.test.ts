import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateResource, DestinationResource } from '../../model/index.ts';
import { authority, certificateFor } from '../gateway/testing/gateway-rig.ts';
import { UpstreamCertificates } from './upstream-certificates.ts';

const issuer = authority();

function certificate(key: string): CertificateResource {
  const { pem, keyPem } = certificateFor(['web'], issuer);
  return { kind: 'certificate', key, chain: pem, privateKey: keyPem };
}

function destination(key: string, ...certificates: readonly string[]): DestinationResource {
  const clusters = certificates.map(each => ({
    name: each,
    settings: { tls: { mode: 'mutual', certificate: each } },
  }));
  return { kind: 'destination', key, clusters } as unknown as DestinationResource;
}

function rig(...known: readonly string[]) {
  const said: string[] = [];
  const used: string[] = [];
  const certificates = new UpstreamCertificates(
    { want: key => void said.push(`want ${key}`), forget: key => void said.push(`forget ${key}`) },
    {
      has: key => known.includes(key),
      applyDestination: ({ key }) => {
        used.push(key);
        return key === 'bad:80' ? 'bad' : undefined;
      },
    },
  );
  return { certificates, said, used };
}

test('a destination is used once its certificates are here; one that names none at once', () => {
  const { certificates, said, used } = rig('a:80', 'b:80');
  certificates.applyDestination(destination('a:80'));
  certificates.applyDestination(destination('b:80', 'certificate/shop/x', 'certificate/shop/y'));
  assert.deepEqual(used, ['a:80']);
  certificates.applyCertificate(certificate('certificate/shop/x'));
  assert.deepEqual(used, ['a:80']);
  const none = {
    kind: 'certificate',
    key: 'certificate/shop/y',
    chain: '',
    privateKey: '',
    why: 'gone',
  } as const;
  assert.equal(certificates.applyCertificate(none), undefined);
  assert.deepEqual(used, ['a:80', 'b:80'], 'that there is none is an answer, too');
  assert.equal(certificates.certificate('certificate/shop/y')?.why, 'gone');
  assert.deepEqual(said, ['want certificate/shop/x', 'want certificate/shop/y']);
});

test('a certificate is kept as long as one destination names it, and forgotten with the last', () => {
  const { certificates, said } = rig('a:80', 'b:80');
  const source = certificates.following();
  const key = 'certificate/shop/x';
  for (const each of ['a:80', 'b:80', 'gone:80']) certificates.applyDestination(destination(each, key));
  certificates.applyCertificate(certificate(key));
  source.forget('a:80');
  certificates.applyDestination(destination('b:80'));
  assert.deepEqual(said, [`want ${key}`, 'forget a:80', `forget ${key}`]);
  assert.equal(certificates.applyCertificate(certificate(key)), undefined, 'it may cross its end on the way');
  assert.equal(certificates.certificate(key), undefined);
});

test('what cannot be used is said, of a certificate and of what has waited for it; the last good one stays', () => {
  const { certificates } = rig('bad:80');
  const key = 'certificate/shop/x';
  certificates.applyDestination(destination('bad:80', key));
  const good = certificate(key);
  assert.equal(certificates.applyCertificate(good), 'bad');
  const odd = { ...good, privateKey: certificate(key).privateKey };
  assert.match(certificates.applyCertificate(odd) ?? '', /^Secret shop\/x: the private key does not belong/);
  assert.equal(certificates.certificate(key), good);
  assert.match(
    certificates.applyCertificate({ ...good, chain: 'x' }) ?? '',
    /^Secret shop\/x: .*cannot be read/,
  );
});
