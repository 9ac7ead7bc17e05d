import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyConfig } from './proxy-config.ts';

const pod = { POD_NAME: 'a', POD_NAMESPACE: 'shop', POD_IPS: '10.0.0.1', SERVICE_ACCOUNT: 'a' };

test('connections have no age unless told, and one that is no duration is refused by the flag’s name', () => {
  const read = (more: Record<string, string>) => readProxyConfig({ discovery: 'none' }, { ...pod, ...more });
  const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = read({});
  assert.deepEqual([maxConnectionAgeMs, maxConnectionAgeGraceMs], [0, 0]);
  const told = read({ WEFT_MAX_CONNECTION_AGE: '30m', WEFT_MAX_CONNECTION_AGE_GRACE: '90s' });
  assert.deepEqual([told.maxConnectionAgeMs, told.maxConnectionAgeGraceMs], [1_800_000, 90_000]);
  assert.throws(
    () => read({ WEFT_MAX_CONNECTION_AGE: 'often' }),
    /--max-connection-age is 'often'; it takes off, or a duration/,
  );
});

test('bounds of HTTP/2 are by who the client is unless told, and what is none is refused by the flag’s name', () => {
  const read = (more: Record<string, string>) => readProxyConfig({ discovery: 'none' }, { ...pod, ...more });
  const bounds = ({ http2MaxStreams, http2MaxHeaderBytes }: ReturnType<typeof read>) => [
    http2MaxStreams,
    http2MaxHeaderBytes,
  ];
  assert.deepEqual(bounds(read({})), [undefined, undefined]);
  assert.deepEqual(
    bounds(read({ WEFT_HTTP2_MAX_STREAMS: '2000', WEFT_HTTP2_MAX_HEADERS: '128Ki' })),
    [2000, 131_072],
  );
  for (const wrong of ['0', '100000', 'many'])
    assert.throws(
      () => read({ WEFT_HTTP2_MAX_STREAMS: wrong }),
      /--http2-max-streams is '.*'; it takes auto/,
    );
  for (const wrong of ['1Ki', '2Mi', 'large'])
    assert.throws(
      () => read({ WEFT_HTTP2_MAX_HEADERS: wrong }),
      /--http2-max-headers is '.*'; it takes auto, or a size from 4Ki to 1Mi/,
    );
});

test('names are answered where an address is given, and what does not go together is refused', () => {
  const read = (flags: Parameters<typeof readProxyConfig>[0]) =>
    readProxyConfig({ discovery: 'none', ...flags }, pod).dns;
  assert.equal(read({}), undefined);
  const virtual = { dns: '127.15.0.53', virtualAddresses: '240.240.0.0/16' };
  assert.deepEqual(read(virtual)?.listen, { host: '127.15.0.53', port: 53 });
  assert.deepEqual(read({ dns: '127.0.0.9:5353', dnsResolvers: '/x' }), {
    ...{ listen: { host: '127.0.0.9', port: 5353 }, resolverFiles: ['/x'], virtualRange: '' },
  });
  for (const [flags, why] of [
    [{ dns: 'localhost' }, /--dns is 'localhost'; it takes an address/],
    [{ virtualAddresses: '240.240.0.0/16' }, /--virtual-addresses has no effect without --dns/],
    [{ dnsResolvers: '/x' }, /--dns-resolvers has no effect without --dns/],
    [
      { ...virtual, virtualAddresses: '240.240.0.0/29' },
      /--virtual-addresses is '240.240.0.0\/29'; it takes/,
    ],
    [{ ...virtual, redirect: false }, /needs packet rules .* leave --no-redirect out/],
    [{ ...virtual, concurrency: '2' }, /works with one core/],
  ] as const)
    assert.throws(() => read(flags), why);
});
