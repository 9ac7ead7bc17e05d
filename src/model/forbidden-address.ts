import { canonicalAddress } from './address.ts';
import { isInRange } from './ranges.ts';

const metadata = "the cloud's metadata";
const own = 'the pod itself';

/**
 * Where nothing is fetched on behalf of a policy, whatever it or a name server says: what clouds tell their machines, secrets of
 * theirs among it (istio.io, GHSA-fgw5-hp8f-xfhc), and the pod itself, where the proxy's own admin port is.
 */
const ranges: readonly (readonly [what: string, range: string])[] = [
  [metadata, '169.254.0.0/16'],
  [metadata, 'fe80::/10'],
  [metadata, 'fd00:ec2::/32'],
  [metadata, '100.100.100.200/32'],
  [metadata, '168.63.129.16/32'],
  [metadata, '192.0.0.192/32'],
  [own, '127.0.0.0/8'],
  [own, '::1/128'],
  [own, '0.0.0.0/8'],
  [own, '::/128'],
];

/** Names of the same. */
const names: readonly (readonly [what: string, name: RegExp])[] = [
  [metadata, /^metadata(\.google\.internal)?$/],
  [metadata, /^instance-data(\.ec2\.internal)?$/],
  [own, /(^|\.)localhost$/],
];

/** What is at an IP address that nothing may be fetched from; undefined for any other. */
export function forbiddenAddress(address: string): string | undefined {
  const plain = canonicalAddress(address);
  return ranges.find(([, range]) => isInRange(plain, range))?.[0];
}

/** The same for a host of a URL: a literal, brackets or none, or a name, before anybody is asked what its address is. */
export function forbiddenHost(host: string): string | undefined {
  const plain = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return forbiddenAddress(plain) ?? names.find(([, pattern]) => pattern.test(plain))?.[0];
}
