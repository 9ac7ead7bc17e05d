import type { TapItem } from '../../live/tap/index.ts';
import type { Peer, ProxyRecords, RequestRecord } from '../../model/index.ts';
import { NOW_MS } from './shop-view.ts';

/** The request that failed: reviews could not reach ratings. */
export const FAILED_ID = '4f5c7bbd-2c8f-4f0e-9a53-0d8c3f6a1e77';

const ends = {
  source: { workload: 'shop/reviews', pod: 'shop/reviews-v1-0', address: '10.1.0.4:40112' },
  destination: {
    workload: 'shop/ratings',
    host: 'ratings.shop.svc.cluster.local:80',
    address: '10.1.0.9:8080',
  },
};

/** Two of them, as a tap tells. */
export const TAP_ITEMS: readonly TapItem[] = [
  {
    ...{
      id: FAILED_ID,
      direction: 'outbound',
      protocol: 'http',
      atMs: NOW_MS,
      ...ends,
      method: 'GET',
      path: '/ratings/1',
    },
    ...{
      authority: 'ratings',
      status: 503,
      flag: 'UF',
      detail: '10.1.0.9:8080 refused the connection',
      durationMs: 4.1,
    },
    ...{ receivedBytes: 0, sentBytes: 91, attempts: 3 },
  },
  {
    ...{
      id: 'a8b1',
      direction: 'outbound',
      protocol: 'http',
      atMs: NOW_MS + 9,
      ...ends,
      method: 'GET',
      path: '/ratings/2',
    },
    ...{
      authority: 'ratings',
      status: 200,
      flag: '',
      durationMs: 2.2,
      receivedBytes: 0,
      sentBytes: 40,
      attempts: 1,
    },
  },
];

const self: Peer = {
  ...{ workload: 'reviews', namespace: 'shop', app: 'reviews', version: 'v1', pod: 'reviews-v1-0' },
  principal: 'spiffe://cluster.local/ns/shop/sa/reviews',
};

/** What the caller's proxy wrote down. */
const record: RequestRecord = {
  ...{ kind: 'request', id: FAILED_ID, kept: 'failed', at: NOW_MS, durationMs: 4.1, direction: 'outbound' },
  ...{
    downstream: '10.1.0.4:40112',
    principal: '',
    status: 503,
    flag: 'UF',
    code: 'upstream_reset_before_response_started',
  },
  ...{
    detail: '10.1.0.9:8080 refused the connection',
    protocol: 'http',
    method: 'GET',
    authority: 'ratings',
  },
  ...{
    path: '/ratings/1',
    filters: [],
    attempts: 1,
    noRetry: '',
    mirrored: 0,
    receivedBytes: 0,
    sentBytes: 91,
  },
  destination: { key: 'ratings:80', found: 'mesh', host: 'ratings.shop.svc.cluster.local', port: 80 },
  tries: [
    {
      ...{
        endpoint: '10.1.0.9:8080',
        pod: 'ratings-v1-0',
        namespace: 'shop',
        workload: 'ratings',
        mesh: true,
      },
      ...{ why: 'first', end: 'connect-failure', status: 0, flag: 'UF', detail: 'refused the connection' },
      ...{ afterMs: 0.3, durationMs: 0.9 },
    },
  ],
};

/** By id, or all that failed. */
export function recordsOf(
  id?: string,
): readonly { readonly pod: string; readonly items: readonly object[] }[] {
  const proxy: ProxyRecords = {
    self,
    address: '10.1.0.4',
    nowMs: NOW_MS,
    keeps: true,
    leftOut: 0,
    records: [],
  };
  const records = id === undefined || id === FAILED_ID ? [{ record }] : [];
  return [{ pod: 'shop/reviews-v1-0', items: [{ proxy }, ...records] }];
}
