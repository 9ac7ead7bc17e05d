// Causes that test/explain does not bring about: what they need is out of a test's reach (a kernel without ports, a defect of
// ours, an alert that TLS 1.3 sends after the client is done). The words are those that proxies write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyRecord, ProxyRecords, RequestRecord } from '../../model/index.ts';
import { explain } from '../explain.ts';
import { clusterTools } from '../tools.ts';

const self = { namespace: 'shop', pod: 'web-0', workload: 'web', app: 'web', version: '', principal: '' };

const base = {
  ...({ kept: 'failed', direction: 'outbound' } as const),
  ...{ id: 'r1', at: 0, durationMs: 5, downstream: '10.0.0.9:4000', principal: '', code: '' },
  ...{ status: 503, detail: '' },
};

const request = (over: Partial<RequestRecord>): ProxyRecord => ({
  ...{
    ...base,
    kind: 'request',
    protocol: 'HTTP/1.1',
    method: 'GET',
    authority: 'cart',
    path: '/',
    flag: 'UF',
  },
  ...{ filters: [], tries: [], attempts: 1, noRetry: '', mirrored: 0, receivedBytes: 0, sentBytes: 0 },
  ...over,
});

const failedTry = (detail: string): RequestRecord['tries'][number] => ({
  ...{ endpoint: '10.0.0.1:80', pod: 'cart-0', namespace: 'shop', workload: 'cart', mesh: true },
  ...{ why: 'balanced', end: 'no-connection', status: 0, flag: 'UF', detail, afterMs: 0, durationMs: 1 },
});

const policy = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  namespace: 'shop',
  name: 'deny',
} as const;

const rows: readonly (readonly [string, ProxyRecord, string, RegExp])[] = [
  [
    'ports-exhausted',
    request({ tries: [failedTry('10.0.0.1:80: EADDRNOTAVAIL; no ephemeral ports are left')] }),
    'Pod web-0',
    /has no free local port left/,
  ],
  [
    'connect-failed',
    request({ tries: [failedTry('10.0.0.1:80: EINVAL')] }),
    'Pod cart-0',
    /could not be opened: 10\.0\.0\.1:80: EINVAL/,
  ],
  [
    'own-certificate-expired',
    request({ tries: [failedTry('mesh TLS failed: the peer says that our certificate has expired')] }),
    'Pod web-0',
    /the certificate of pod web-0, which calls, has expired/,
  ],
  [
    'proxy-error',
    request({ flag: 'LR', status: 500 }),
    'Pod web-0',
    /an error of the proxy of pod web-0 itself/,
  ],
  [
    'call-ended',
    request({
      ...{ flag: 'LR', status: 200, grpcStatus: 14, durationMs: 31_000, direction: 'inbound' },
      detail: 'this pod is going and ends calls that go on; call again, another one answers',
    }),
    'Pod web-0',
    /^a gRPC call that still went on was ended, after 31 s: this pod is going and ends calls that go on$/,
  ],
  [
    'refused',
    request({
      ...{ direction: 'inbound', flag: 'UAEX', status: 403, detail: 'denied' },
      filters: [{ filter: 'authorization', verdict: 'answered', from: policy }],
    }),
    'AuthorizationPolicy deny',
    /it is not authorized: denied/,
  ],
  [
    'not-configured',
    {
      ...{ ...base, kind: 'refusal', direction: 'inbound', flag: 'NFCF', status: 503, port: 80, wanted: '' },
      reason: 'not-configured',
      detail: 'the proxy of this workload has not been told yet who may call it; come again',
    },
    'Pod web-0',
    /^the proxy of this workload has not been told yet who may call it$/,
  ],
  [
    'own-port',
    {
      ...{ ...base, kind: 'refusal', direction: 'inbound', flag: 'UAEX', status: 0, port: 15000, wanted: '' },
      reason: 'own-port',
      detail: "port 15000 is the proxy's own and nobody reaches it through the mesh; call a port of the app",
    },
    'Pod web-0',
    /^port 15000 is the proxy's own and nobody reaches it/,
  ],
  [
    'connection-refused',
    {
      ...{ ...base, kind: 'refusal', flag: 'NR', status: 0, port: 80, wanted: 'cart:80' },
      ...{ reason: 'no-destination', detail: 'cart has no cluster for TCP' },
    },
    'Pod web-0',
    /^cart has no cluster for TCP$/,
  ],
];

for (const [code, record, object, words] of rows)
  test(`named: ${code}`, () => {
    const answer: ProxyRecords = {
      ...{ self, address: '', nowMs: 0, keeps: true, records: [record], leftOut: 0 },
    };
    const { cause } = explain('r1', [answer], clusterTools)!;
    assert.deepEqual([cause?.code, `${cause?.object?.kind} ${cause?.object?.name}`], [code, object]);
    assert.match(cause!.words, words);
    assert.notEqual(cause!.remedy, '');
  });
