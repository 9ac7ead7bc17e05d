import { isIpv6 } from './address.ts';

/** Whether an IP literal lies in a range such as `10.0.0.0/8` or `fd00::/8`; one without a length is a single address. */
export function isInRange(address: string, range: string): boolean {
  const slash = range.indexOf('/');
  const base = slash < 0 ? range : range.slice(0, slash);
  if (isIpv6(base) !== isIpv6(address)) return false;
  const [left, right] = [bitsOf(address), bitsOf(base)];
  if (!left || !right) return false;
  const length = slash < 0 ? left.length : Number(range.slice(slash + 1));
  return left.slice(0, length) === right.slice(0, length);
}

/** The address in binary, 32 or 128 digits; undefined for what is none. */
export function bitsOf(address: string): string | undefined {
  if (!isIpv6(address)) {
    const bytes = address.split('.').map(Number);
    if (bytes.length !== 4 || bytes.some(byte => !(byte >= 0 && byte <= 255))) return undefined;
    return bytes.map(byte => byte.toString(2).padStart(8, '0')).join('');
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const missing = tail === undefined ? 0 : 8 - first.length - last.length;
  const all = [...first, ...new Array<string>(Math.max(0, missing)).fill('0'), ...last];
  if (all.length !== 8) return undefined;
  return all.map(group => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
