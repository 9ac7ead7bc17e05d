// What collectors get: over a real connection, as their own formats have it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TracingProvider } from '../model/index.ts';
import { CollectorClient } from './collector-client.ts';
import { sinkOf } from './sinks.ts';
import { SOURCE, spanOf } from './testing/requests.ts';

let server: Server;
let calls: { request: IncomingMessage; body: Buffer }[] = [];
let answer: { status: number; headers?: Record<string, string>; body?: string } = { status: 202 };

before(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    calls.push({ request, body: Buffer.concat(chunks) });
    if (answer.status === 0) return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function provider(kind: TracingProvider['kind'], parts: Partial<TracingProvider> = {}): TracingProvider {
  const { port } = server.address() as AddressInfo;
  return {
    name: kind,
    kind,
    address: `127.0.0.1:${port}`,
    path: kind === 'zipkin' ? '/api/v2/spans' : '/v1/traces',
    timeoutMs: 2_000,
    maxTagLength: 256,
    ...parts,
  };
}

const failed = spanOf(2, {
  parentId: '00000000000000aa',
  kind: 'server',
  error: 'UF: the connection to the upstream could not be opened',
  events: [{ name: 'try broken', atMs: 1_700_000_000_124, attributes: { 'weft.try': 1 } }],
  remote: { service: '', address: '2001:db8::1', port: 0 },
});

test('Zipkin: spans as its JSON, times in microseconds, a failure as the tag error', async () => {
  calls = [];
  answer = { status: 202 };
  const sink = sinkOf(provider('zipkin'));
  assert.deepEqual(await sink.send([spanOf(1), failed], SOURCE), { kind: 'taken' });
  await sink.close();
  const [{ request, body }] = calls as [(typeof calls)[0]];
  assert.deepEqual([request.method, request.url], ['POST', '/api/v2/spans']);
  assert.equal(request.headers['content-type'], 'application/json');
  const [first, second] = JSON.parse(body.toString());
  assert.deepEqual(first, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    id: '0000000000000001',
    kind: 'CLIENT',
    name: 'prices.shop.svc.cluster.local:80/*',
    timestamp: 1_700_000_000_123_250,
    duration: 12_500,
    localEndpoint: { serviceName: 'cart.shop', ipv4: '10.0.0.1' },
    remoteEndpoint: { serviceName: 'prices.shop', ipv4: '10.0.0.9', port: 8080 },
    annotations: [],
    tags: { 'k8s.pod.name': 'cart-v1-0', 'http.request.method': 'GET', 'http.response.status_code': '200' },
  });
  assert.deepEqual([second.parentId, second.kind], ['00000000000000aa', 'SERVER']);
  assert.equal(second.tags.error, failed.error);
  assert.deepEqual(second.annotations, [
    { timestamp: 1_700_000_000_124_000, value: 'try broken: weft.try=1' },
  ]);
  assert.deepEqual(second.remoteEndpoint, { ipv6: '2001:db8::1' });
});

test('OTLP: protobuf with the resource once, ids as bytes, kind, status and events', async () => {
  calls = [];
  answer = { status: 200 };
  const sink = sinkOf(provider('opentelemetry', { headers: [['x-scope-orgid', 'shop']] }));
  assert.deepEqual(await sink.send([spanOf(1, { traceState: 'a=1' }), failed], SOURCE), { kind: 'taken' });
  await sink.close();
  const [{ request, body }] = calls as [(typeof calls)[0]];
  assert.deepEqual([request.url, request.headers['x-scope-orgid']], ['/v1/traces', 'shop']);
  assert.equal(request.headers['content-type'], 'application/x-protobuf');
  const count = (needle: string, encoding: BufferEncoding = 'latin1'): number =>
    body.toString('latin1').split(Buffer.from(needle, encoding).toString('latin1')).length - 1;
  assert.equal(count('cart.shop'), 1);
  assert.equal(count('k8s.pod.name'), 1);
  assert.equal(count('0af7651916cd43dd8448eb211c80319c', 'hex'), 2);
  assert.equal(count('00000000000000aa', 'hex'), 1);
  assert.equal(count('a=1'), 1);
  assert.equal(count('try broken'), 1);
  assert.equal(count(failed.error), 1);
});

test('what a collector answers decides whether it is tried again', async () => {
  const post = async (status: number, headers?: Record<string, string>): Promise<unknown> => {
    answer = { status, ...(headers && { headers }), body: 'words' };
    const client = new CollectorClient(provider('zipkin'), 'application/json');
    const result = await client.post('[]');
    await client.close();
    return result;
  };
  assert.deepEqual(await post(204), { kind: 'taken' });
  for (const status of [408, 429, 500, 502, 503, 504])
    assert.deepEqual(await post(status), { kind: 'later', why: `it answered ${status}: words` });
  for (const status of [400, 401, 404, 413])
    assert.deepEqual(await post(status), { kind: 'refused', why: `it answered ${status}: words` });
  const busy = await post(503, { 'retry-after': '7' });
  assert.deepEqual(busy, { kind: 'later', why: 'it answered 503: words', afterMs: 7_000 });
});

test('a collector that is away, silent or has no address is no error to anybody', async () => {
  answer = { status: 0 };
  const silent = new CollectorClient(provider('zipkin', { timeoutMs: 50 }), 'application/json');
  assert.deepEqual(await silent.post('[]'), { kind: 'later', why: 'no answer within 50 ms' });
  await silent.close();
  const away = new CollectorClient(provider('zipkin', { address: '127.0.0.1:1' }), 'application/json');
  const { kind, why } = (await away.post('[]')) as { kind: string; why: string };
  assert.equal(kind, 'later');
  assert.match(why, /ECONNREFUSED/);
  const nowhere = new CollectorClient(provider('zipkin', { address: ':' }), 'application/json');
  assert.equal((await nowhere.post('[]')).kind, 'refused');
});
