/** An address to connect to: host is an IP literal without brackets, or a DNS name. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const ipv4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** Whether `host` is an IPv6 literal (without brackets). Cheap test: only IPv6 literals contain a colon. */
export function isIpv6(host: string): boolean {
  return host.includes(':');
}

/** Whether `host` is an IP literal and not a name. */
export function isIpAddress(host: string): boolean {
  return isIpv6(host) || ipv4.test(host);
}

/**
 * The one form of an IP literal by which addresses are compared: IPv6 as RFC 5952 writes it, IPv4 inside IPv6 (`::ffff:…`) as
 * IPv4. Anything else, names too, as it is.
 */
export function canonicalAddress(host: string): string {
  if (!isIpv6(host) || !/^[0-9a-f:.]+$/i.test(host) || !URL.canParse(`http://[${host}]`)) return host;
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!mapped) return canonical;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** `10.0.0.1:80`, `[fd00::1]:80`, `reviews.shop:80`. */
export function formatAddress(host: string, port: number): string {
  return isIpv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `host:port` or `[v6]:port`; without a port, `defaultPort`. Undefined when it is neither. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/?#@]+))(?::(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port === undefined || port < 1 || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}
