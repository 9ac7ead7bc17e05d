import { type ClusterEndpoint, type EndpointsResource, equal, formatAddress } from '../model/index.ts';
import type { EndpointsChangeMessage } from './protocol.ts';

/** What an EndpointsChangeMessage says, without what belongs to one stream. */
export type EndpointsChange = Pick<EndpointsChangeMessage, 'key' | 'put' | 'remove' | 'total'>;

/** What makes `after` of `before`, or undefined when that is no shorter than `after` itself. */
export function endpointsChange(
  before: EndpointsResource,
  after: EndpointsResource,
): EndpointsChange | undefined {
  // Told in whole sets only; where there is a reason there are no endpoints.
  if (before.why !== undefined || after.why !== undefined) return undefined;
  const old = new Map(before.endpoints.map(each => [nameOf(each), each]));
  const put = after.endpoints.filter(each => {
    const name = nameOf(each);
    const known = old.get(name);
    old.delete(name);
    return !equal(known, each);
  });
  const remove = [...old.keys()];
  if (put.length + remove.length >= after.endpoints.length) return undefined;
  return { key: after.key, put, remove, total: after.total };
}

/** The set after the change; undefined when the change removes what is not there, so that the two sides disagree. */
export function applyEndpointsChange(
  before: EndpointsResource,
  change: EndpointsChange,
): EndpointsResource | undefined {
  const endpoints = new Map(before.endpoints.map(each => [nameOf(each), each]));
  for (const name of change.remove) if (!endpoints.delete(name)) return undefined;
  for (const each of change.put) endpoints.set(nameOf(each), each);
  return {
    kind: 'endpoints',
    key: before.key,
    endpoints: [...endpoints.values()].sort(inOrder),
    total: change.total,
  };
}

/** The order of translate's endpoints, so that a set is equal to itself whichever way it came. */
function inOrder(left: ClusterEndpoint, right: ClusterEndpoint): number {
  if (left.address !== right.address) return left.address < right.address ? -1 : 1;
  return left.port - right.port;
}

function nameOf({ address, port }: ClusterEndpoint): string {
  return formatAddress(address, port);
}
