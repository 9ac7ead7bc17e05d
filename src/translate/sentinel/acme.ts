import type { KdlReport, Section } from '../../kdl/index.ts';
import type { AcmeChallengeKind, CertificateKeyType } from '../../model/index.ts';
import { given } from '../given.ts';
import type { AcmeConfig } from './configuration.ts';

const production = 'https://acme-v02.api.letsencrypt.org/directory';
const staging = 'https://acme-staging-v02.api.letsencrypt.org/directory';
const dayMs = 86_400_000;

/** A block `acme`, of a listener or of an sni block. Undefined, with an error, where it cannot be one. */
export function readAcme(section: Section, report: KdlReport): AcmeConfig | undefined {
  const domains = section.values('domains').map(({ value }) => String(value).toLowerCase());
  const challenge = section.text('challenge-type') as AcmeChallengeKind;
  const dns = section.section('dns-provider');
  const eab = section.section('eab');
  const wrong = (option: string, message: string): undefined =>
    void report.error(
      'kdl-invalid-value',
      section.has(option) ? section.placeOf(option) : section.at,
      message,
    );
  if (domains.length === 0) return wrong('domains', 'acme has no domains; name what the certificate is for');
  const wildcard = domains.find(each => each.startsWith('*.'));
  if (wildcard !== undefined && challenge !== 'dns-01')
    return wrong('domains', `${wildcard} can be shown to be ours by DNS alone; say challenge-type "dns-01"`);
  if (challenge === 'dns-01' && dns === undefined)
    return wrong('challenge-type', 'challenge-type dns-01 needs dns-provider { type "webhook"; url … }');
  const server = section.text('server-url') ?? (section.flag('staging') === true ? staging : production);
  if (!URL.canParse(server)) return wrong('server-url', `server-url is "${server}"; it takes a URL`);
  const email = section.text('email');
  const days = section.number('renew-before-days');
  return {
    at: section.at,
    ...{ domains, server, challenge },
    emails: email === undefined ? [] : [email],
    keyType: section.text('key-type') as CertificateKeyType,
    storage: section.text('storage')!,
    ...given({
      renewBeforeMs: days === undefined ? undefined : days * dayMs,
      external: eab && { keyId: eab.text('kid')!, hmacKey: eab.text('hmac-key')! },
      dns: dns && {
        url: dns.text('url')!,
        timeoutMs: dns.number('api-timeout-secs')!,
        ...given({ credentialsFile: dns.text('credentials-file') }),
      },
    }),
  };
}

/** A domain is in one block alone, or two would fetch certificates for it. */
export function checkDomains(all: readonly AcmeConfig[], report: KdlReport): void {
  const seen = new Set<string>();
  const [first] = all;
  for (const { storage, at } of all)
    if (storage !== first!.storage)
      report.warn(
        'kdl-ignored',
        at,
        `storage is ${first!.storage} for all acme blocks, as the first one says`,
      );
  for (const { domains, at } of all)
    for (const each of domains) {
      if (seen.has(each))
        report.error('kdl-invalid-value', at, `${each} is in another acme block, too; name it in one`);
      seen.add(each);
    }
}
