import { bitsOf, isIpAddress, type ListenerOptions } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

const prefix = 'weft.dev/';
const own = [
  'proxy-protocol',
  'trusted-hops',
  'trusted-ranges',
  'client-address-header',
  'escaped-slashes',
] as const;

/** What annotations `weft.dev/…` of a Gateway say of all of its listeners; undefined where they say nothing. */
export function readListenerOptions(object: KubeObject, report: Report): ListenerOptions | undefined {
  const { annotations = {} } = object.metadata;
  const wrong = (name: string, takes: string): undefined => {
    const path = `metadata.annotations['${prefix}${name}']`;
    report.fail('field-invalid', path, `${path} is '${annotations[prefix + name]}'; it takes ${takes}`);
    return undefined;
  };
  const [protocol, hops, ranges, header, slashes] = own.map(name => annotations[prefix + name]);
  const proxyProtocol: ListenerOptions['proxyProtocol'] =
    protocol === undefined || protocol === 'require' || protocol === 'accept'
      ? protocol
      : wrong('proxy-protocol', 'require or accept');
  const hopsGiven =
    hops === undefined || /^\d{1,2}$/.test(hops) ? hops : wrong('trusted-hops', 'a number up to 99');
  const all = ranges?.split(',').map(each => each.trim());
  const rangesGiven =
    all?.every(isRange) === false ? wrong('trusted-ranges', 'ranges such as 10.0.0.0/8') : all;
  const trusted = given({
    hops: hopsGiven === undefined ? undefined : Number(hopsGiven),
    ranges: some(rangesGiven ?? []),
    header: header?.toLowerCase(),
  });
  if (slashes !== undefined && slashes !== 'keep' && slashes !== 'refuse')
    wrong('escaped-slashes', 'refuse or keep');
  const options = given({
    escapedSlashes: slashes === 'keep' ? ('keep' as const) : undefined,
    proxyProtocol,
    trusted: Object.keys(trusted).length > 0 ? trusted : undefined,
  });
  return Object.keys(options).length > 0 ? options : undefined;
}

function isRange(text: string): boolean {
  const [address = '', length = ''] = text.split('/');
  return (
    isIpAddress(address) &&
    (length === '' || (/^\d{1,3}$/.test(length) && Number(length) <= (bitsOf(address)?.length ?? 0)))
  );
}
