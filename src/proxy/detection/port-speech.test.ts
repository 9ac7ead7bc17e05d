import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY, type ObjectRef, type Protocol, type Route } from '../../model/index.ts';
import { type Speech, speechOf, type Verdict, verdictOf } from './port-speech.ts';
import type { Sniffed } from './sniff.ts';

const plain: Route = {
  name: 'default',
  action: { kind: 'forward', clusters: [{ cluster: 'a', weight: 1 }] },
  timeoutMs: 1_000,
  idleTimeoutMs: 1_000,
  retry: { ...DEFAULT_RETRY, attempts: 5 },
};
const from: ObjectRef = { apiVersion: 'v1', kind: 'VirtualService', namespace: 'shop', name: 'a' };
const forward = {
  kind: 'forward',
  clusters: plain.action.kind === 'forward' ? plain.action.clusters : [],
} as const;
const limit = {
  bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 1_000 },
  matches: [],
  status: 429,
  enabledPercent: 100,
  enforcedPercent: 100,
};

test('the owner of a port says what it speaks, in every word that there is for it', () => {
  const table: Record<Exclude<Protocol, 'auto'>, Speech> = {
    http: 'http',
    http2: 'http2',
    grpc: 'http2',
    'grpc-web': 'http',
    tls: 'bytes',
    tcp: 'bytes',
  };
  for (const [protocol, kind] of Object.entries(table)) {
    const speech = speechOf(protocol as Protocol, [{ ...plain, requestHeaders: { remove: ['x-admin'] } }]);
    assert.deepEqual([speech.kind, speech.declared], [kind, true], protocol);
    assert.match(speech.why, new RegExp(`says ${protocol}$`));
  }
});

test('where a policy may refuse requests only bytes pass unread, whatever else the owner of the port says', () => {
  const refusing: Partial<Route>[] = [
    { rateLimits: [limit] },
    { fault: { abort: { status: 403, percent: 100 } } },
    { action: { kind: 'respond', status: 403, body: '', contentType: '' } },
    { action: { kind: 'redirect', status: 301 } },
  ];
  const said: Record<Protocol, Speech> = {
    auto: 'http',
    http: 'http',
    http2: 'http',
    grpc: 'http',
    'grpc-web': 'http',
    tls: 'bytes',
    tcp: 'bytes',
  };
  for (const part of refusing) {
    for (const [protocol, kind] of Object.entries(said)) {
      const speech = speechOf(protocol as Protocol, [plain, { ...plain, ...part, from }]);
      assert.deepEqual([speech.kind, speech.judged], [kind, true], `${protocol} ${JSON.stringify(part)}`);
    }
    const { why } = speechOf('grpc', [{ ...plain, ...part, from }]);
    assert.match(why, /says grpc, and VirtualService a\.shop applies/);
  }
});

test('where nobody says it, policies that judge or change requests do, and those that only carry them do not', () => {
  const judging: Partial<Route>[] = [
    { matches: [{ path: { kind: 'exact', value: '/admin' } }] },
    { action: { kind: 'respond', status: 403, body: '', contentType: '' } },
    { action: { kind: 'redirect', status: 301 } },
    { action: { ...forward, path: { kind: 'full', value: '/' } } },
    { action: { ...forward, authority: 'b' } },
    {
      action: {
        ...forward,
        clusters: [{ cluster: 'a:80', weight: 1, requestHeaders: { remove: ['x-admin'] } }],
      },
    },
    {
      action: {
        ...forward,
        clusters: [{ cluster: 'a:80', weight: 1, redirect: { kind: 'redirect', status: 302 } }],
      },
    },
    { fault: { abort: { status: 403, percent: 100 } } },
    { requestHeaders: { remove: ['x-admin'] } },
    { responseHeaders: { remove: ['x-admin'] } },
    {
      cors: {
        origins: [],
        methods: [],
        headers: [],
        exposeHeaders: [],
        credentials: false,
        forwardUnmatchedPreflights: true,
      },
    },
    { rateLimits: [limit] },
  ];
  for (const part of judging) {
    const speech = speechOf('auto', [plain, { ...plain, ...part, from }]);
    assert.deepEqual([speech.kind, speech.declared], ['http', false], JSON.stringify(part));
    assert.match(speech.why, /VirtualService.*a.* applies to its requests/);
  }
  for (const route of [
    plain,
    { ...plain, from },
    { ...plain, matches: [], rateLimits: [] },
    { ...plain, rateLimits: [{ ...limit, enforcedPercent: 0 }] },
    { ...plain, mirrors: [] },
  ])
    assert.equal(speechOf('auto', [route]).kind, 'unknown', JSON.stringify(route));
  assert.equal(speechOf('auto', []).kind, 'unknown');
});

test('what becomes of each beginning at each port', () => {
  const kinds: Exclude<Sniffed, 'more'>[] = ['http1', 'http2', 'tls', 'tcp'];
  const table: Record<Speech, Verdict[]> = {
    http: ['http1', 'http2', 'refuse', 'refuse'],
    http2: ['http1', 'http2', 'tunnel', 'refuse'],
    bytes: ['tunnel', 'tunnel', 'tunnel', 'tunnel'],
    unknown: ['http1', 'http2', 'tunnel', 'tunnel'],
  };
  for (const [speech, expected] of Object.entries(table))
    assert.deepEqual(
      kinds.map(kind => verdictOf(speech as Speech, kind)),
      expected,
      speech,
    );
});
