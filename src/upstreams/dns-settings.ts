import { readFileSync } from 'node:fs';
import { isIpAddress } from '../model/index.ts';

/** How names are looked up on this machine. */
export interface DnsSettings {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Domains that short names are tried in. */
  readonly search: readonly string[];
  /** Names with fewer dots are tried in the domains first. */
  readonly ndots: number;
  readonly timeoutMs: number;
  /** Addresses by name, of /etc/hosts. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
}

/** Of /etc/resolv.conf and /etc/hosts, as they are now. */
export function readDnsSettings(resolv = '/etc/resolv.conf', hosts = '/etc/hosts'): DnsSettings {
  const lines = read(resolv)
    .split('\n')
    .map(line =>
      line
        .replace(/[#;].*/, '')
        .trim()
        .split(/\s+/),
    );
  const of = (keyword: string): string[][] =>
    lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  const options = of('options').flat();
  const ndots = options.flatMap(each => /^ndots:(\d+)$/.exec(each)?.[1] ?? [])[0];
  const servers = of('nameserver').flatMap(([host]) => (host === undefined ? [] : [{ host, port: 53 }]));
  return {
    servers: servers.length > 0 ? servers : [{ host: '127.0.0.1', port: 53 }],
    search: of('search').at(-1) ?? [],
    ndots: ndots === undefined ? 1 : Math.min(Number(ndots), 15),
    timeoutMs: 2_000,
    hosts: hostsOf(read(hosts)),
  };
}

function hostsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || !isIpAddress(address)) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), address]);
    }
  }
  return found;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // A machine without the file has nothing to say.
    return '';
  }
}

/** Names to ask for, in order: absolute ones as they are. */
export function candidates(name: string, { search, ndots }: DnsSettings): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = search.map(domain => `${name}.${domain.replace(/\.$/, '')}`);
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}
