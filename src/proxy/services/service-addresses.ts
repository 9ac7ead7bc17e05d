import { BlockList } from 'node:net';
import { isIpAddress, isIpv6, parseHostPort } from '../../model/index.ts';

/** What of a cluster is private at most: where Services are, as long as nobody has told. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];
/** No cluster sets more aside for Services. */
const shortestPrefix = { 4: 12, 6: 108 } as const;

/**
 * Which addresses are those of Services: they are never passed through in plaintext, also while discovery says nothing about
 * them. Told along with whom to trust; before that, as far as it can be known: by the address of the API server's own Service,
 * which is the first that a cluster gives, or else every private address counts.
 */
export class ServiceAddresses {
  #ranges: BlockList;
  #told = false;

  /** `first`: the address of the Service `kubernetes`, as every pod has it in its environment; '' when not known. */
  constructor(first = '') {
    const block = blockOf(first);
    this.#ranges = listOf(block === undefined ? privateRanges : [block]);
  }

  /** Takes over what the control plane says; undefined, from one that does not speak of it, changes nothing. */
  tell(ranges: readonly string[] | undefined): void {
    if (ranges === undefined) return;
    this.#ranges = listOf(ranges);
    this.#told = true;
  }

  /**
   * Why the destination is not called as if it were outside of the mesh, though nobody says what it is; undefined where it may
   * be.
   */
  whyNot(key: string): string | undefined {
    const host = parseHostPort(key)?.host;
    if (host === undefined) return undefined;
    if (!isIpAddress(host)) return isServiceName(host) ? words(key, 'is the name of a Service') : undefined;
    if (!this.#ranges.check(host, isIpv6(host) ? 'ipv6' : 'ipv4')) return undefined;
    return words(key, this.#told ? 'is the address of a Service' : 'may be the address of a Service');
  }
}

function words(key: string, what: string): string {
  return (
    `the control plane has not told in time where ${key} goes. It ${what}, and those are not called without mutual TLS and their routes; ` +
    `see weft check, and the proxy's /status for its connection`
  );
}

/** As in Kubernetes: `reviews.shop.svc`, with the cluster's domain or without. */
function isServiceName(host: string): boolean {
  return /^[^.]+\.[^.]+\.svc(\.|$)/.test(host);
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = '', length = ''] = range.split('/');
    if (isIpAddress(base)) list.addSubnet(base, Number(length), isIpv6(base) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** The first address of a block follows its base: the largest block that can begin there. */
function blockOf(first: string): string | undefined {
  if (!isIpAddress(first)) return undefined;
  if (isIpv6(first)) return `${first}/${shortestPrefix[6]}`;
  const bits = first
    .split('.')
    .map(byte => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  if (!bits.endsWith('1')) return `${first}/24`;
  const length = bits.slice(0, -1).replace(/0+$/, '').length;
  return `${first}/${Math.max(shortestPrefix[4], length)}`;
}
