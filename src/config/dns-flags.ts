import { WeftError } from '../errors/index.ts';
import { type HostPort, isIpAddress, parseHostPort } from '../model/index.ts';

/** How a proxy answers what its machine asks by DNS. */
export interface DnsConfig {
  readonly listen: HostPort;
  /** In the form of resolv.conf; the first that names a server other than our own counts. */
  readonly resolverFiles: readonly string[];
  /** `240.240.0.0/16`; '' for none. */
  readonly virtualRange: string;
}

/** The flags of it as the command line gives them. */
export interface DnsFlags {
  readonly dns?: string;
  readonly dnsResolvers?: string;
  readonly virtualAddresses?: string;
}

/** An address that nothing else has on most machines: systemd-resolved has 127.0.0.53 and 127.0.0.54. */
export const MACHINE_DNS = '127.15.0.53';

/** Where `weft machine dns` keeps the machine's own resolv.conf, then where systemd-resolved has it, then where it is. */
export const RESOLVER_FILES = [
  '/etc/resolv.conf.before-weft',
  '/run/systemd/resolve/resolv.conf',
  '/etc/resolv.conf',
] as const;

/** Undefined where it answers none. Throws the WeftError `bad-configuration`. */
export function readDns(
  { dns, dnsResolvers, virtualAddresses }: DnsFlags,
  { redirected, concurrency }: { readonly redirected: boolean; readonly concurrency: number },
): DnsConfig | undefined {
  if (dns === undefined) {
    const other = virtualAddresses !== undefined ? '--virtual-addresses' : '--dns-resolvers';
    if (virtualAddresses ?? dnsResolvers) throw bad(`${other} has no effect without --dns; give that too`);
    return undefined;
  }
  const listen = parseHostPort(dns, 53);
  if (!listen || !isIpAddress(listen.host))
    throw bad(`--dns is '${dns}'; it takes an address of this machine, such as ${MACHINE_DNS}`);
  if (virtualAddresses !== undefined) checkVirtual(virtualAddresses, redirected, concurrency);
  return {
    listen,
    resolverFiles: dnsResolvers === undefined ? RESOLVER_FILES : [dnsResolvers],
    virtualRange: virtualAddresses ?? '',
  };
}

function checkVirtual(range: string, redirected: boolean, concurrency: number): void {
  if (!/^\d{1,3}(\.\d{1,3}){3}\/([89]|1\d|2[0-8])$/.test(range))
    throw bad(`--virtual-addresses is '${range}'; it takes a block of IPv4 addresses like 240.240.0.0/16`);
  if (!redirected)
    throw bad('--virtual-addresses needs packet rules that send them to the proxy; leave --no-redirect out');
  if (concurrency > 1)
    throw bad('--virtual-addresses works with one core; leave --concurrency (WEFT_CONCURRENCY) out');
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
