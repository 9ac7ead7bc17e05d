import { isIpAddress, isIpv6 } from '../model/index.ts';

/** Whether the text is an address, or a range of them such as `10.1.0.0/16`. */
export function isAddressRange(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  const most = isIpv6(address) ? 128 : 32;
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most);
  return more.length === 0 && isLength && isIpAddress(address) && isReal(address);
}

/** isIpAddress takes everything with a colon. */
function isReal(address: string): boolean {
  return !isIpv6(address) || URL.canParse(`http://[${address}]`);
}
