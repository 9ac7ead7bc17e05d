// The PROXY protocol (haproxy.org/download/2.9/doc/proxy-protocol.txt), versions 1 and 2: what a proxy in front says of whom it
// carries, before anything else.
import { formatAddress, isIpAddress } from '../../model/index.ts';

/** What the first bytes are. `end`: where the header ends. `address` '' where the proxy speaks for itself (LOCAL, UNKNOWN). */
export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'header'; readonly address: string; readonly port: number; readonly end: number };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v1 = Buffer.from('PROXY ', 'latin1');
/** Section 2.1: the longest line, with its end. */
const longestLine = 107;
/** Of version 2 with its options; more than the addresses of any family, and room for what TLS adds. */
const longestBlock = 4096;

const more: ProxyHeader = { kind: 'more' };
const none: ProxyHeader = { kind: 'none' };

/** Reads `bytes`, which begin where the connection began. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, signature)) return bytes.length < signature.length + 4 ? more : readBlock(bytes);
  if (startsLike(bytes, v1)) return bytes.length < v1.length ? more : readLine(bytes);
  return none;
}

function startsLike(bytes: Buffer, wanted: Buffer): boolean {
  const length = Math.min(bytes.length, wanted.length);
  return bytes.compare(wanted, 0, length, 0, length) === 0;
}

function bad(why: string): ProxyHeader {
  return { kind: 'bad', why };
}

function readLine(bytes: Buffer): ProxyHeader {
  const line = bytes.subarray(0, longestLine);
  const stop = line.indexOf('\r\n');
  if (stop < 0) return line.length < longestLine ? more : bad('its line does not end');
  const words = line.toString('latin1', 0, stop).split(' ');
  const end = stop + 2;
  if (words[1] === 'UNKNOWN') return { kind: 'header', address: '', port: 0, end };
  const [, family, source = '', target = '', from = '', to = '', ...rest] = words;
  const fits = (address: string): boolean =>
    isIpAddress(address) && address.includes(':') === (family === 'TCP6');
  const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length > 0)
    return bad('its line says no family of addresses');
  if (!fits(source) || !fits(target) || !isPort(from) || !isPort(to)) return bad('its line has no addresses');
  return { kind: 'header', address: source, port: Number(from), end };
}

function readBlock(bytes: Buffer): ProxyHeader {
  const [versionAndCommand, family] = [bytes[12]!, bytes[13]!];
  const length = bytes.readUInt16BE(14);
  const end = 16 + length;
  if (versionAndCommand >> 4 !== 2) return bad('its version is not 2');
  if (length > longestBlock) return bad(`it has ${length} bytes`);
  const command = versionAndCommand & 0xf;
  if (command > 1) return bad('its command is unknown');
  if (bytes.length < end) return more;
  if (command === 0) return { kind: 'header', address: '', port: 0, end };
  if (family === 0x11) {
    if (length < 12) return bad('its addresses are cut off');
    return {
      kind: 'header',
      address: [...bytes.subarray(16, 20)].join('.'),
      port: bytes.readUInt16BE(24),
      end,
    };
  }
  if (family === 0x21) {
    if (length < 36) return bad('its addresses are cut off');
    return { kind: 'header', address: ipv6(bytes.subarray(16, 32)), port: bytes.readUInt16BE(48), end };
  }
  // What is no TCP over IP has no address that anybody here could use.
  return { kind: 'header', address: '', port: 0, end };
}

/** In its shortest form, as addresses of sockets are. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const url = new URL(`http://[${groups.join(':')}]/`);
  return url.hostname
    .slice(1, -1)
    .replace(/^::ffff:([0-9a-f]+):([0-9a-f]+)$/, (_, high: string, low: string) => {
      const [left, right] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
      return [left >> 8, left & 255, right >> 8, right & 255].join('.');
    });
}

/** For logs: who is behind the proxy. */
export function clientText(address: string, port: number): string {
  return formatAddress(address, port);
}
