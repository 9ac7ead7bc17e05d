import type { KdlReport, Section } from '../../kdl/index.ts';
import { parseHostPort } from '../../model/index.ts';
import { given } from '../given.ts';
import { readAcme } from './acme.ts';
import type {
  CertificateFiles,
  CertificateFolderConfig,
  ListenerConfig,
  ListenerTlsConfig,
} from './configuration.ts';
import type { SentinelFiles } from './files.ts';
import { CIPHERS, TLS_VERSIONS } from './schema/listener.ts';
import { limitOf, type Scoped } from './scopes.ts';

/** Options of an upstream's tls that are often written into a listener's. */
const misplaced = ['client-cert', 'client-key', 'ca-cert'];

/** What listeners are read with beside their own blocks. */
export interface ListenerSources {
  readonly system: Section | undefined;
  /** SentinelFiles.folders */
  readonly folders: SentinelFiles['folders'];
}

/** Undefined where it cannot be one, which is reported. */
export function readListener(
  { id, scope, section }: Scoped,
  { system, folders }: ListenerSources,
  report: KdlReport,
): ListenerConfig | undefined {
  const address = section.text('address')!;
  const bound = parseHostPort(address);
  if (bound === undefined || bound.port === 0) {
    report.error(
      'kdl-invalid-value',
      section.placeOf('address'),
      `address is "${address}"; it takes an address and a port, such as 0.0.0.0:8080 or [::]:8080`,
    );
    return undefined;
  }
  const protocol = section.text('protocol')!;
  if (protocol === 'h3') {
    report.error(
      'kdl-refused',
      section.placeOf('protocol'),
      'protocol h3 is not supported: QUIC is not spoken here; say https',
    );
    return undefined;
  }
  const encrypted = protocol !== 'http';
  const tls = readTls(section, encrypted, folders, report);
  if (encrypted && tls === undefined)
    report.error(
      'kdl-missing',
      section.at,
      `listener "${id}" has protocol ${protocol} and no certificate: tls { cert-file …; key-file … }, or a pair in the folder of sni-certs`,
    );
  return {
    id,
    at: section.at,
    host: bound.host,
    port: bound.port,
    protocol: encrypted ? 'https' : 'http',
    requestTimeoutMs: section.number('request-timeout-secs')!,
    keepaliveTimeoutMs: section.number('keepalive-timeout-secs')!,
    maxStreams: section.number('max-concurrent-streams')!,
    ...given({
      tls,
      keepaliveMaxRequests: section.number('keepalive-max-requests'),
      maxConnections:
        limitOf(scope, 'max-total-connections')?.value ??
        (system?.has('max-connections') ? system.number('max-connections') : undefined),
      maxHeadBytes: limitOf(scope, 'max-header-size-bytes')?.value,
      maxFields: limitOf(scope, 'max-header-count')?.value,
    }),
  };
}

function readTls(
  section: Section,
  encrypted: boolean,
  folders: SentinelFiles['folders'],
  report: KdlReport,
): ListenerTlsConfig | undefined {
  const tls = section.section('tls');
  if (!tls) return undefined;
  for (const name of misplaced) {
    if (!tls.has(name)) continue;
    const message = `${name} is for connections to upstreams and has no effect in a listener; put tls { ${name} … } into the upstream`;
    report.warn('sentinel-upstream-tls-in-listener', tls.placeOf(name), message);
  }
  const own = certificateFiles(tls, report);
  const named = tls.sections('sni').flatMap(each => certificateFiles(each, report) ?? []);
  const pairs = tls.section('sni-certs');
  const certificates = [...(own ? [own] : []), ...named, ...folderPairs(pairs, folders, report)];
  for (const each of tls.sections('sni'))
    if (!['cert-file', 'key-file', 'acme'].some(option => each.has(option)))
      report.error('kdl-missing', each.at, 'sni has no certificate: cert-file and key-file, or acme { … }');
  const acme = [tls, ...tls.sections('sni')].flatMap(each => {
    const block = each.section('acme');
    return (block && readAcme(block, report)) ?? [];
  });
  // Where nobody has looked into the folder, it may have some.
  const mayHave = pairs !== undefined && folders === undefined;
  if (certificates.length === 0 && acme.length === 0 && !mayHave) return undefined;
  if (!encrypted) {
    report.error(
      'kdl-invalid-value',
      tls.at,
      `${section.name} has certificates and protocol http; say protocol "https"`,
    );
    return undefined;
  }
  const authorities = tls.text('ca-file');
  const clientsMust = tls.flag('client-auth') === true;
  if (clientsMust && authorities === undefined)
    report.error(
      'kdl-missing',
      tls.placeOf('client-auth'),
      'client-auth needs ca-file: whose certificates of clients are good',
    );
  return {
    ...{ certificates, acme, clientsMust },
    resumes: tls.flag('session-resumption') !== false,
    ...given({
      folder: pairs && folderOf(pairs),
      clientAuthorities: authorities,
      minVersion: TLS_VERSIONS[tls.text('min-version') ?? ''],
      maxVersion: TLS_VERSIONS[tls.text('max-version') ?? ''],
      ciphers: tls.has('cipher-suite') ? ciphersOf(tls, report) : undefined,
    }),
  };
}

function folderOf(section: Section): CertificateFolderConfig {
  const mode = section.text('reload-mode') as 'off' | 'interval' | 'watch';
  const reload = mode === 'interval' ? { everyMs: section.number('reload-interval')! } : mode;
  return { folder: section.text('cert-folder')!, reload };
}

/** What is in the folder, and a word for each file that is left out. */
function folderPairs(
  section: Section | undefined,
  folders: SentinelFiles['folders'],
  report: KdlReport,
): readonly CertificateFiles[] {
  const folder = section?.text('cert-folder');
  const found = folder === undefined ? undefined : folders?.[folder];
  if (section === undefined || found === undefined) return [];
  const at = section.placeOf('cert-folder');
  const warn = (words: string): void => report.warn('sentinel-certificate', at, words);
  if (found.unreadable !== undefined) warn(`cert-folder ${folder} cannot be read: ${found.unreadable}`);
  else if (found.pairs.length === 0)
    warn(`cert-folder ${folder} has no pair of files such as name.crt and name.key`);
  for (const { file, why } of found.skipped) warn(`${file} is left out: ${why}`);
  return found.pairs.map(pair => ({ ...pair, at }));
}

/** Names of the standard and of OpenSSL, for TLS 1.2; those of TLS 1.3 are always there. */
function ciphersOf(tls: Section, report: KdlReport): readonly string[] {
  return tls.values('cipher-suite').flatMap(({ value, at }) => {
    const name = String(value);
    const found = CIPHERS[name] ?? Object.values(CIPHERS).find(each => each === name);
    if (found !== undefined) return [found];
    if (/^TLS_(AES|CHACHA20)_/.test(name)) return [];
    const known = Object.keys(CIPHERS).join(', ');
    report.error('kdl-invalid-value', at, `cipher-suite is "${name}"; it takes ${known}`);
    return [];
  });
}

function certificateFiles(section: Section, report: KdlReport): CertificateFiles | undefined {
  const certificate = section.text('cert-file');
  const key = section.text('key-file');
  if (certificate !== undefined && key !== undefined)
    return { certificate, key, at: section.placeOf('cert-file') };
  const [has, misses] = certificate === undefined ? ['key-file', 'cert-file'] : ['cert-file', 'key-file'];
  if (certificate !== undefined || key !== undefined)
    report.error('kdl-missing', section.placeOf(has), `${section.name} has ${has} and no ${misses}`);
  return undefined;
}
