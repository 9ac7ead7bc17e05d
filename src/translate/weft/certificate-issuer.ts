import { ACME_CHALLENGES, CERTIFICATE_KEY_TYPES, type CertificateIssuer } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** policy.weft.dev CertificateIssuer: an ACME server that gateways get certificates from. */
export const certificateIssuerTranslator: KindTranslator = {
  kind: 'CertificateIssuer.policy.weft.dev',
  translate: translateCertificateIssuer,
};

/** Servers that have a name beside their URL. */
const wellKnown: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
};

function translateCertificateIssuer(
  object: KubeObject,
  _context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const server = readServer(spec, report);
  const challenge = spec.choice('challenge', ACME_CHALLENGES) ?? 'http-01';
  const account = spec.object('externalAccount');
  const keyId = account?.text('keyId');
  const secret = account?.text('secret');
  account?.rest();
  if (account !== undefined && (!keyId || !secret))
    report.error(
      'field-invalid',
      account.path,
      `${account.path} needs keyId and secret, a Secret with hmac-key`,
    );
  const dnsWebhook = readWebhook(spec, report);
  if (challenge === 'dns-01' && dnsWebhook === undefined)
    report.error(
      'field-invalid',
      'spec.dnsWebhook',
      'spec.dnsWebhook is missing; challenge dns-01 needs one',
    );
  const emails = spec.texts('emails');
  const bad = emails.find(each => !/^[^@\s,]+@[^@\s,]+$/.test(each));
  if (bad !== undefined)
    report.error(
      'field-invalid',
      'spec.emails',
      `spec.emails: '${bad}' is no address such as ops@example.com`,
    );
  const issuer: Omit<CertificateIssuer, 'from'> = {
    ...{ namespace, name, server: server ?? '', emails, challenge },
    keyType: spec.choice('keyType', CERTIFICATE_KEY_TYPES) ?? 'ecdsa-p256',
    ...given({
      preferredChain: spec.text('preferredChain') || undefined,
      authorities: readAuthorities(spec, report),
      externalAccount: keyId && secret ? { keyId, secret } : undefined,
      dnsWebhook,
      renewBeforeMs: spec.has('renewBefore') ? spec.duration('renewBefore', 60_000) : undefined,
    }),
  };
  spec.rest();
  if (server === undefined) return [];
  return [
    { kind: 'policy', of: 'certificateIssuers', policy: { ...issuer, from: report.object }, createdAt },
  ];
}

/** Undefined, with an error, for what is none. */
function readServer(spec: Fields, report: Report): string | undefined {
  const written = spec.text('server') ?? '';
  const server = wellKnown[written] ?? written;
  if (URL.canParse(server) && /^https?:$/.test(new URL(server).protocol)) return server;
  report.error(
    'field-invalid',
    'spec.server',
    `spec.server: '${written}' is no URL; give that of the server's directory, or ${Object.keys(wellKnown).join(' or ')}`,
  );
  return undefined;
}

function readAuthorities(spec: Fields, report: Report): string | undefined {
  const pem = spec.text('caBundle');
  if (pem === undefined || pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  report.error('field-invalid', 'spec.caBundle', 'spec.caBundle is no PEM of certificates');
  return undefined;
}

function readWebhook(spec: Fields, report: Report): CertificateIssuer['dnsWebhook'] {
  const webhook = spec.object('dnsWebhook');
  if (webhook === undefined) return undefined;
  const url = webhook.text('url') ?? '';
  const secret = webhook.text('secret') || undefined;
  const timeoutMs = webhook.has('timeout') ? webhook.duration('timeout', 1_000) : undefined;
  webhook.rest();
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))
    return { url, timeoutMs: timeoutMs ?? 120_000, ...given({ secret }) };
  report.error('field-invalid', webhook.at('url'), `${webhook.at('url')}: '${url}' is no URL`);
  return undefined;
}
