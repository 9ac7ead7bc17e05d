// Values of ingress-nginx's annotations and keys, read as ingress-nginx reads them (internal/ingress/annotations/parser) or nginx
// itself (ngx_parse_size, ngx_parse_time). Undefined: it is no such value.
import { isIpAddress, isIpv6 } from '../../model/index.ts';

const trues: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falses: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** Go's strconv.ParseBool: `on`, `yes` and `enabled` are none. */
export function parseFlag(text: string): boolean | undefined {
  if (trues.has(text)) return true;
  return falses.has(text) ? false : undefined;
}

/** Go's strconv.Atoi, of what is not negative. */
export function parseCount(text: string): number | undefined {
  return /^\+?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const sizes: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes: a number with k, m or g behind it, capital or not. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})([bkmgBKMG]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * sizes[unit!.toLowerCase()]!;
}

const times: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** Milliseconds of a time as nginx writes it: `60`, `60s`, `1h 30m`; without a unit it is seconds, which stand last. */
export function parseTimeMs(text: string): number | undefined {
  if (!/^\d+(ms|[smhdwMy])?(\s*\d+(ms|[smhdwMy])?)*$/.test(text)) return undefined;
  let total = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const [, digits, unit = 's'] of text.matchAll(/(\d+)(ms|[smhdwMy])?/g)) {
    const each = times[unit]!;
    // From the largest unit to the smallest, each once.
    if (each >= last) return undefined;
    last = each;
    total += Number(digits) * each;
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

/** A comma separated list; blanks around its parts and empty parts do not count. */
export function parseList(text: string): readonly string[] {
  return text.split(',').flatMap(each => each.trim() || []);
}

/** Addresses and ranges, comma separated. */
export function parseCidrs(text: string): readonly string[] | undefined {
  const all = parseList(text);
  return all.length > 0 && all.every(isCidr) ? all : undefined;
}

/** Whether it is an address or a range, of either family. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  if (rest.length > 0 || !isIpAddress(address)) return false;
  if (isIpv6(address) && !(/^[0-9a-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]`)))
    return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIpv6(address) ? 128 : 32));
}

/** Statuses, comma separated: 300 to 599, as nginx's error_page takes them. */
export function parseStatuses(text: string): readonly number[] | undefined {
  const all = parseList(text).map(each => (/^\d{3}$/.test(each) ? Number(each) : 0));
  return all.length > 0 && all.every(each => each >= 300 && each <= 599) ? all : undefined;
}
