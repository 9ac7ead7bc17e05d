import { readFileSync } from 'node:fs';
import { type HostPort, isIpAddress } from '../model/index.ts';

/** How names are looked up on this machine. */
export interface DnsSettings {
  readonly servers: readonly HostPort[];
  /** Names in these domains are asked of servers of their own; of several the longest counts. */
  readonly forwards?: ReadonlyMap<string, readonly HostPort[]>;
  /** Domains that short names are tried in. */
  readonly search: readonly string[];
  /** Names with fewer dots are tried in the domains first. */
  readonly ndots: number;
  readonly timeoutMs: number;
  /** Addresses by name, of /etc/hosts. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
}

/** Of /etc/resolv.conf and /etc/hosts, as they are now, and with servers of their own for some domains. */
export function readDnsSettings(
  forwards: ReadonlyMap<string, readonly HostPort[]> = new Map(),
  resolv = '/etc/resolv.conf',
  hosts = '/etc/hosts',
): DnsSettings {
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
    ...(forwards.size > 0 && { forwards }),
  };
}

/** Whom to ask for a name. */
export function serversFor(
  name: string,
  { servers, forwards }: Pick<DnsSettings, 'servers' | 'forwards'>,
): readonly HostPort[] {
  const lower = name.toLowerCase();
  for (let rest = lower; forwards && rest !== ''; rest = rest.slice(rest.indexOf('.') + 1)) {
    const found = forwards.get(rest);
    if (found) return found;
    if (!rest.includes('.')) break;
  }
  return servers;
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
export function candidates(name: string, settings: DnsSettings): readonly string[] {
  const { search, ndots, servers } = settings;
  if (name.endsWith('.')) return [name.slice(0, -1)];
  if (serversFor(name, settings) !== servers) return [name];
  const dots = name.split('.').length - 1;
  const searched = search.map(domain => `${name}.${domain.replace(/\.$/, '')}`);
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}
