import { WeftError } from '../errors/index.ts';
import { type HostPort, isIpAddress } from '../model/index.ts';

/**
 * `consul=10.0.0.53:8600,consul=10.0.0.54:8600,corp.example=10.1.0.2` as DNS servers by domain, each list in the order in which
 * they are asked. Throws the WeftError `bad-configuration` of what is none.
 */
export function readDnsForwards(text: string): ReadonlyMap<string, readonly HostPort[]> {
  const forwards = new Map<string, readonly HostPort[]>();
  for (const each of text.split(',').filter(part => part.trim() !== '')) {
    const [, domain = '', bracketed, plain, port = '53'] =
      /^\s*([a-z0-9_.-]+)=(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?\s*$/i.exec(each) ?? [];
    const host = bracketed ?? plain ?? '';
    if (!isIpAddress(host) || Number(port) > 65_535)
      throw new WeftError(
        'bad-configuration',
        `--dns-forward '${each.trim()}' is no domain with a DNS server; write for example consul=10.0.0.53:8600`,
        { source: 'config' },
      );
    const name = domain.toLowerCase().replace(/^\.|\.$/g, '');
    forwards.set(name, [...(forwards.get(name) ?? []), { host, port: Number(port) }]);
  }
  return forwards;
}
