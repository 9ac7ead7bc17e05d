// Values of other meshes' annotations, read as those meshes read them. A Result that is a string says what is wrong.
import { parseQuantity } from '../../../src/model/index.ts';
import { type Cidr, containsCidr, parseCidr } from '../../../src/redirect/cidr.ts';
import { parsePortRange } from '../../../src/redirect/port-range.ts';

/** A value that was read, or what is wrong with the text. */
export type Read<T> = { readonly value: T } | { readonly wrong: string };

/**
 * Istio's parsePorts: numbers of 16 bits between commas, blanks around them; nothing at all is an empty list. Port 0 is nobody's.
 */
export function istioPorts(text: string): Read<readonly string[]> {
  if (text.trim() === '') return { value: [] };
  const ports = text.split(',').map(each => each.trim());
  const wrong = ports.find(each => !/^\d+$/.test(each) || Number(each) > 65_535);
  if (wrong !== undefined)
    return { wrong: `"${wrong}" is no port; write numbers from 0 to 65535 between commas` };
  return { value: ports.map(Number).filter(Boolean).map(String) };
}

/** Istio's validateCIDRList: blocks with their prefix, between commas, without blanks; nothing at all is an empty list. */
export function istioCidrs(text: string): Read<readonly string[]> {
  if (text === '') return { value: [] };
  const blocks = text.split(',');
  const wrong = blocks.find(each => !/^\S+\/(0|[1-9]\d*)$/.test(each) || parseCidr(each) === undefined);
  if (wrong === undefined) return { value: blocks };
  return {
    wrong: `"${wrong}" is no block of addresses; write blocks such as 10.0.0.0/8 between commas, without blanks`,
  };
}

/** Linkerd's and Consul's lists of ports: numbers, and with Linkerd ranges such as `5000-5100`, between commas. */
export function portRanges(text: string): Read<readonly string[]> {
  const ports = listOf(text);
  const wrong = ports.find(each => parsePortRange(each) === undefined);
  if (wrong === undefined) return { value: ports };
  return {
    wrong: `"${wrong}" is no port; write numbers from 1 to 65535 or ranges like 8000-8100 between commas`,
  };
}

/** Linkerd's and Consul's lists of blocks; an address is a block of one. */
export function cidrs(text: string): Read<readonly string[]> {
  const blocks = listOf(text);
  const wrong = blocks.find(each => parseCidr(each) === undefined);
  if (wrong === undefined) return { value: blocks };
  return { wrong: `"${wrong}" is no block of addresses; write blocks such as 10.0.0.0/8 between commas` };
}

/** Consul's list of user ids. */
export function uids(text: string): Read<readonly string[]> {
  const all = listOf(text);
  const wrong = all.find(each => !/^\d{1,10}$/.test(each) || Number(each) > 0xffff_fffe);
  if (wrong === undefined) return { value: all };
  return { wrong: `"${wrong}" is no user id; write numbers between commas` };
}

/** Go's strconv.ParseBool. */
export function goBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

/** A quantity above zero, as the API server would take it for the sidecar. */
export function quantity(text: string): Read<string> {
  if ((parseQuantity(text) ?? 0) > 0) return { value: text };
  return { wrong: 'write a quantity above zero, such as 100m or 64Mi' };
}

/** The blocks that are not wholly inside one of `others`: what is excluded stays so, whatever is included. */
export function notWithin(blocks: readonly string[], others: readonly string[]): readonly string[] {
  const outer = others.flatMap(each => parseCidr(each.trim()) ?? []);
  const inside = (block: Cidr): boolean => outer.some(each => containsCidr(each, block));
  return blocks.filter(each => !inside(parseCidr(each.trim())!));
}

/** The first level that stands alone in a list of log levels: `warn` of `warn,linkerd=info`. */
export function logLevel(text: string): Read<string> {
  const words: Readonly<Record<string, string>> = {
    trace: 'debug',
    warning: 'warn',
    critical: 'error',
    off: 'silent',
  };
  const first = listOf(text).find(each => !/[=:]/.test(each)) ?? 'info';
  const level = Object.hasOwn(words, first) ? words[first]! : first;
  if (['debug', 'info', 'warn', 'error', 'silent'].includes(level)) return { value: level };
  return { wrong: 'write a log level: trace, debug, info, warning, error or off' };
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '');
}
