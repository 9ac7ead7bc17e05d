import type { EdgeItem } from './item.ts';

/** What of the labels of a series tells edges apart; the rest of an item is counted. */
export type EdgeEnds = Pick<EdgeItem, 'reporter' | 'peer' | 'version' | 'service' | 'protocol' | 'mtls'>;

/** Labels of one series, read once. */
export interface SeriesMeaning {
  readonly ends: EdgeEnds;
  /** Series with the same belong to one edge. */
  readonly key: string;
  /** '' for none. */
  readonly flag: string;
  readonly failed: boolean;
}

const label = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the label text of a series of istio_requests_total or istio_tcp_*. */
export function meaningOf(text: string): SeriesMeaning {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(label)) labels.set(name!, value!.replace(/\\(.)/g, '$1'));
  const of = (name: string): string => {
    const value = labels.get(name) ?? '';
    return value === 'unknown' ? '' : value;
  };
  const reporter = of('reporter') === 'source' ? 'source' : 'destination';
  const other = reporter === 'source' ? 'destination' : 'source';
  const [name, namespace] = [of(`${other}_workload`), of(`${other}_workload_namespace`)];
  const [service, home] = [of('destination_service_name'), of('destination_service_namespace')];
  const ends: EdgeEnds = {
    reporter,
    peer: name === '' ? '' : `${namespace}/${name}`,
    version: of('destination_version'),
    service: home === '' || service === '' ? service : `${home}/${service}`,
    protocol: of('request_protocol') === 'tcp' ? 'tcp' : 'http',
    mtls: of('connection_security_policy') === 'mutual_tls',
  };
  const code = of('response_code');
  const flag = of('response_flags');
  return {
    ends,
    key: Object.values(ends).join(' '),
    flag: flag === '-' ? '' : flag,
    failed: code === '0' || code.startsWith('5'),
  };
}
