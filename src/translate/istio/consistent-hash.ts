import type { BalancerSettings, HashSource } from '../../model/index.ts';
import { isPrime } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

/** Envoy's largest tables. */
const maxRingSize = 8_388_608;
const maxTableSize = 5_000_011;

/** Istio's ConsistentHashLB: what requests are told apart by, and the table. Undefined where it says neither. */
export function readConsistentHash(
  hash: Fields,
  report: Report,
): Pick<BalancerSettings, 'kind' | 'hash' | 'tableSize'> | undefined {
  const sources = readSources(hash, report);
  const ring = hash.object('ringHash');
  const maglev = hash.object('maglev');
  const ringSize = ring?.number('minimumRingSize', { max: maxRingSize });
  const older = hash.number('minimumRingSize', { max: maxRingSize });
  const tableSize = maglev?.number('tableSize', { max: maxTableSize });
  for (const each of [ring, maglev, hash]) each?.rest();
  if (ring && maglev)
    report.error('field-invalid', hash.path, `${hash.path} has ringHash and maglev; keep one of them`);
  if (tableSize && !isPrime(tableSize)) {
    const path = maglev!.at('tableSize');
    report.error('field-invalid', path, `${path}: ${tableSize} is no prime; take one, such as 65537`);
  }
  if (sources.length > 1)
    report.error(
      'field-invalid',
      hash.path,
      `${hash.path} has more than one thing to hash; keep one of them`,
    );
  if (sources.length === 0) {
    const keys = 'httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName';
    report.error('field-invalid', hash.path, `${hash.path} does not say what to hash; add ${keys}`);
    return undefined;
  }
  if (maglev) return { kind: 'maglev', hash: sources, ...given({ tableSize: tableSize || undefined }) };
  return { kind: 'ring-hash', hash: sources, ...given({ tableSize: ringSize || older || undefined }) };
}

function readSources(hash: Fields, report: Report): readonly HashSource[] {
  const sources: HashSource[] = [];
  const header = hash.text('httpHeaderName');
  if (header) sources.push({ kind: 'header', name: header.toLowerCase() });
  const cookie = hash.object('httpCookie');
  if (cookie) sources.push(readCookie(cookie, report));
  if (hash.flag('useSourceIp')) sources.push({ kind: 'source-ip' });
  const query = hash.text('httpQueryParameterName');
  if (query) sources.push({ kind: 'query', name: query });
  return sources;
}

/** A cookie with a ttl is set where the client has none; without one it is only read. */
function readCookie(cookie: Fields, report: Report): HashSource {
  const name = cookie.text('name') ?? '';
  const path = cookie.text('path') ?? '';
  const ttlMs = cookie.duration('ttl');
  cookie.unsupported('attributes', 'cookies are set without attributes of their own');
  cookie.rest();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    const where = cookie.at('name');
    report.error('field-invalid', where, `${where}: '${name}' is no name of a cookie`);
  }
  if (/[;\s]/.test(path)) {
    const where = cookie.at('path');
    report.error('field-invalid', where, `${where}: '${path}' is no path of a cookie`);
  }
  const ttlSeconds = ttlMs === undefined ? undefined : Math.ceil(ttlMs / 1000);
  return { kind: 'cookie', name, path, ...given({ ttlSeconds }) };
}
