// What a gRPC call is beside a request of HTTP: its status comes last, its caller says how long it waits, and it may be a stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerStream, StreamsPeer } from '../../cluster/testing/streams-codec.ts';
import { trailers } from '../../http1/testing/heads.ts';
import { ExchangeRig, type RigClient, type RigOptions } from '../testing/exchange-rig.ts';

const idle = { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 };
const GRPC = 'content-type: application/grpc\r\n';

/** A message of so many bytes, framed. */
function message(length = 3): string {
  const bytes = Buffer.alloc(5 + length, 0x61);
  bytes.writeUInt32BE(length, 1);
  bytes[0] = 0;
  return bytes.toString('latin1');
}

function call(headers = '', body = message()): string {
  return `POST /shop.Cart/Add HTTP/1.1\r\nhost: a\r\n${GRPC}te: trailers\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
}

/** The same with a body that is still to come, in chunks. */
function opened(headers = ''): string {
  return `POST /shop.Cart/Watch HTTP/1.1\r\nhost: a\r\n${GRPC}${headers}transfer-encoding: chunked\r\n\r\n`;
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const retries = {
  attempts: 2,
  on: ['unavailable', 'resource-exhausted'] as const,
  backoffBaseMs: 10,
  backoffMaxMs: 10,
};

function rigOf(options: RigOptions = {}): ExchangeRig {
  return new ExchangeRig({ multiplexes: 'maybe', endpoints: 3, ...options });
}

/** A call on a client of its own, and its stream at the far end. */
async function called(
  rig: ExchangeRig,
  text = call(),
): Promise<{ client: RigClient; peer: StreamsPeer; stream: PeerStream }> {
  const client = rig.client();
  client.peer.send(text);
  const peer = rig.host.dials[0]!.share();
  await rig.settle();
  return { client, peer, stream: peer.streams[0]! };
}

/** The stream of the next try, once its time has come. */
async function next(rig: ExchangeRig, afterMs = 20): Promise<PeerStream> {
  await rig.advance(afterMs);
  const peer = rig.host.dials[0]!.share();
  await rig.settle();
  return peer.streams.at(-1)!;
}

/** The labels that tell how calls ended, and how often. */
function counted(rig: ExchangeRig): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { labels, requests } of rig.host.requests.values()) {
    const of = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    const key = [
      of('request_protocol'),
      of('response_code'),
      of('grpc_response_status'),
      of('response_flags'),
    ].join(' ');
    counts[key] = (counts[key] ?? 0) + requests;
  }
  return counts;
}

const status = (client: RigClient): string | undefined => /grpc-status: (\d+)/.exec(client.peer.text)?.[1];

test('a status in trailers is the status of the call: it goes on, and is counted under it', async () => {
  const rig = rigOf();
  const { client, stream } = await called(rig);
  stream.begin(GRPC);
  stream.send(message());
  stream.finish(trailers('grpc-status: 5\r\ngrpc-message: no such cart\r\n'));
  await rig.settle();
  assert.match(
    client.peer.text,
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*0\r\ngrpc-status: 5\r\ngrpc-message: no such cart\r\n\r\n$/,
  );
  assert.deepEqual(counted(rig), { 'grpc 200 5 -': 1 });
  assert.deepEqual(rig.open, idle);
});

test('so is one in a head that is all there is, and where there is none, what clients take it for', async () => {
  const rig = rigOf({ endpoints: 1 });
  const { stream, peer } = await called(rig);
  stream.answer(`${GRPC}grpc-status: 12\r\n`);
  const others: readonly (readonly [end: (stream: PeerStream) => void, count: string])[] = [
    [each => each.answer('content-length: 0\r\n', 404), 'grpc 404 12 -'],
    [each => each.answer('content-length: 0\r\n', 429), 'grpc 429 14 -'],
    [each => each.answer(GRPC), 'grpc 200 2 -'],
    [
      each => {
        each.begin(GRPC);
        each.send(message());
        each.finish();
      },
      'grpc 200 2 -',
    ],
  ];
  for (const [end] of others) {
    rig.client().peer.send(call());
    await rig.settle();
    end(peer.streams[0]!);
    await rig.settle();
  }
  assert.deepEqual(counted(rig), {
    'grpc 200 12 -': 1,
    'grpc 404 12 -': 1,
    'grpc 429 14 -': 1,
    'grpc 200 2 -': 2,
  });
});

test('a request that is no gRPC has no gRPC status, whatever its answer says', async () => {
  const rig = rigOf();
  const { stream } = await called(rig, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  stream.answer('grpc-status: 14\r\ncontent-length: 0\r\n');
  await rig.settle();
  assert.deepEqual(counted(rig), { 'http 200  -': 1 });
});

test('a status in trailers is tried again where the policy names it: the head has waited for it', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig, call('grpc-previous-rpc-attempts: 1\r\n'));
  stream.begin(GRPC);
  await rig.settle();
  assert.equal(client.peer.text, '', 'the head is held');
  stream.finish(trailers('grpc-status: 14\r\n'));
  const second = await next(rig);
  assert.equal(second.body, message());
  assert.equal(second.sent('grpc-previous-rpc-attempts'), '2', 'those of the client and of the proxy');
  second.begin(`${GRPC}x: second\r\n`);
  second.send(message());
  second.finish(trailers('grpc-status: 0\r\n'));
  await rig.settle();
  assert.match(client.peer.text, /x: second\r\n/);
  assert.equal(status(client), '0');
  assert.deepEqual(counted(rig), { 'grpc 200 0 -': 1 });
  assert.deepEqual([rig.cluster.retries, rig.records()[0]?.attempts], [1, 2]);
  assert.deepEqual(rig.open, idle);
});

test('a head that is all there is, too; and when tries are used up the last answer goes on as it came', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig);
  stream.answer(`${GRPC}grpc-status: 8\r\n`);
  (await next(rig)).answer(`${GRPC}grpc-status: 14\r\n`);
  const third = await next(rig);
  third.begin(GRPC);
  third.finish(trailers('grpc-status: 14\r\ngrpc-message: third\r\n'));
  await rig.settle();
  assert.equal(status(client), '14');
  assert.match(client.peer.text, /grpc-message: third/);
  assert.deepEqual(counted(rig), { 'grpc 200 14 URX': 1 });
});

test('never after a byte of an answer has gone on', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig);
  stream.begin(GRPC);
  stream.send(message());
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 200 /);
  stream.finish(trailers('grpc-status: 14\r\n'));
  await rig.advance(50);
  assert.equal(status(client), '14');
  assert.equal(rig.host.dials.length, 0);
  assert.deepEqual(counted(rig), { 'grpc 200 14 -': 1 });
});

test('only what the policy names is, and nothing without a policy', async () => {
  for (const [retry, told] of [
    [retries, 5],
    [{}, 14],
    [{ ...retries, attempts: 0 }, 14],
  ] as const) {
    const rig = rigOf({ retry });
    const { client, stream } = await called(rig);
    stream.answer(`${GRPC}grpc-status: ${told}\r\n`);
    await rig.advance(50);
    assert.equal(status(client), String(told));
    assert.equal(rig.cluster.retries, 0);
  }
});

test('a head is not held where nothing hangs on it: no policy, or a client that has more to say', async () => {
  const without = rigOf();
  const { client, stream } = await called(without);
  stream.begin(GRPC);
  await without.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 200 /);
  const rig = rigOf({ retry: retries });
  const bidi = await called(rig, opened());
  bidi.stream.begin(GRPC);
  await rig.settle();
  assert.match(bidi.client.peer.text, /^HTTP\/1\.1 200 /);
});

test('nor for long: a client may wait for it', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig);
  stream.begin(GRPC);
  await rig.advance(990);
  assert.equal(client.peer.text, '');
  await rig.advance(20);
  assert.match(client.peer.text, /^HTTP\/1\.1 200 /);
  stream.finish(trailers('grpc-status: 14\r\n'));
  await rig.advance(50);
  assert.equal(status(client), '14');
  assert.equal(rig.cluster.retries, 0);
});

test('a call that breaks while its head is held is answered in words, with a status', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig);
  stream.begin(GRPC);
  stream.break(false);
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(status(client), '14');
  assert.match(client.peer.text, /x-weft-flag: UR/);
  await rig.advance(2000);
  assert.deepEqual(rig.open, idle);
});

test('the server has a say: when it wants to see the call again, or that it does not', async () => {
  const rig = rigOf({ retry: retries });
  const { client, stream } = await called(rig);
  stream.answer(`${GRPC}grpc-status: 14\r\ngrpc-retry-pushback-ms: 500\r\n`);
  await rig.advance(400);
  assert.equal(rig.host.dials.length, 0);
  (await next(rig, 110)).answer(`${GRPC}grpc-status: 0\r\n`);
  await rig.settle();
  assert.equal(status(client), '0');
  for (const no of ['-1', 'never', '5000']) {
    const other = rigOf({ retry: retries });
    const asked = await called(other, call('grpc-timeout: 2S\r\n'));
    asked.stream.begin(GRPC);
    asked.stream.finish(trailers(`grpc-status: 14\r\ngrpc-retry-pushback-ms: ${no}\r\n`));
    await other.advance(100);
    assert.equal(status(asked.client), '14', no);
    assert.equal(other.cluster.retries, 0, no);
  }
});

test("retries stay within the cluster's budget", async () => {
  const rig = rigOf({
    retry: { ...retries, attempts: 50 },
    settings: { retryBudget: { ratio: 0, minPerSecond: 0.1, ttlMs: 10_000 } },
  });
  const { client, stream } = await called(rig);
  stream.answer(`${GRPC}grpc-status: 14\r\n`);
  (await next(rig)).answer(`${GRPC}grpc-status: 14\r\n`);
  await rig.advance(50);
  assert.equal(status(client), '14');
  assert.equal(rig.cluster.retries, 1);
});

test('the deadline of the caller holds: a status to it, a word to the upstream, nothing against the endpoint', async () => {
  const rig = rigOf();
  const { client, stream } = await called(rig, call('grpc-timeout: 200m\r\n'));
  assert.match(stream.sent('grpc-timeout'), /^\d{5,6}u$/);
  await rig.advance(190);
  assert.equal(client.peer.text, '');
  await rig.advance(20);
  assert.equal(status(client), '4');
  assert.match(client.peer.text, /grpc-message: weft: [^\r]*deadline of 200 ms/);
  assert.equal(stream.cancelled, 'timed-out');
  assert.deepEqual(counted(rig), { 'grpc 504 4 UT': 1 });
  assert.equal(
    [...rig.cluster.endpoints].every(({ health }) => health.errors5xx === 0),
    true,
  );
});

test('a stream that breaks when the deadline is over is the deadline, and nothing against the endpoint', async () => {
  for (const [afterMs, answered, expected] of [
    [199.5, false, '4'],
    [199.5, true, '4'],
    [150, false, '14'],
  ] as const) {
    const rig = rigOf();
    const { client, stream } = await called(rig, call('grpc-timeout: 200m\r\n'));
    await rig.advance(afterMs);
    if (answered) stream.begin(GRPC);
    stream.break(false);
    assert.equal(status(client), expected, `after ${afterMs} ms`);
    const failures = [...rig.cluster.endpoints].reduce((sum, { health }) => sum + health.errors5xx, 0);
    assert.equal(failures, expected === '4' ? 0 : 1, `after ${afterMs} ms`);
  }
});

test('whoever is called learns what is left of it, with every try', async () => {
  const rig = rigOf({ retry: { ...retries, backoffBaseMs: 300, backoffMaxMs: 300 }, random: () => 0.999 });
  const { stream } = await called(rig, call('grpc-timeout: 1S\r\n'));
  const first = Number.parseInt(stream.sent('grpc-timeout'), 10);
  stream.answer(`${GRPC}grpc-status: 14\r\n`);
  const second = await next(rig, 320);
  const left = Number.parseInt(second.sent('grpc-timeout'), 10);
  assert.ok(first <= 1_000_000 && first > 900_000, String(first));
  assert.ok(left <= 700_000 && left > 600_000, String(left));
});

test('a deadline that is none is left as it is', async () => {
  const rig = rigOf();
  const { stream, client } = await called(rig, call('grpc-timeout: soon\r\n'));
  assert.equal(stream.sent('grpc-timeout'), 'soon');
  await rig.advance(60_000);
  assert.equal(client.peer.text, '');
});

test('a time limit of the route cuts what is no stream: a call whose answer does not come', async () => {
  const rig = rigOf({ route: { timeoutMs: 100 } });
  const { client } = await called(rig);
  await rig.advance(120);
  assert.equal(status(client), '4');
  assert.deepEqual(counted(rig), { 'grpc 504 4 UT': 1 });
});

test('it cuts no stream: neither one that answers, nor one that is greeted, nor one whose client goes on', async () => {
  const rows: readonly (readonly [
    why: string,
    text: string,
    then: (client: RigClient, stream: PeerStream) => void,
  ])[] = [
    [
      'it has answered',
      call(),
      (_, stream) => {
        stream.begin(GRPC);
        stream.send(message());
      },
    ],
    ['it was greeted', call(), (_, stream) => stream.begin(GRPC)],
    ['its client goes on', opened(), client => client.peer.send(chunk(message()))],
  ];
  for (const [why, text, then] of rows) {
    const rig = rigOf({ route: { timeoutMs: 100 } });
    const { client, stream } = await called(rig, text);
    then(client, stream);
    await rig.advance(500);
    assert.equal(status(client), undefined, why);
    assert.equal(stream.cancelled, undefined, why);
    assert.equal(rig.open.exchanges, 1, why);
  }
});

test('a stream that breaks between two messages ends with a status and why; in the midst of one it is broken off', async () => {
  const rig = rigOf();
  const { client, stream } = await called(rig);
  stream.begin(GRPC);
  stream.send(message());
  stream.break(false);
  await rig.settle();
  assert.match(client.peer.text, /0\r\ngrpc-status: 14\r\ngrpc-message: weft: [^\r]*\r\nx-weft-flag: UR\r\n/);
  assert.equal(client.closed, false);
  assert.deepEqual(counted(rig), { 'grpc 200 14 UR': 1 });
  const other = rigOf();
  const broken = await called(other);
  broken.stream.begin(GRPC);
  broken.stream.send(message().slice(0, 6));
  broken.stream.break(false);
  await other.settle();
  assert.equal(status(broken.client), undefined);
  assert.equal(broken.client.closed, true);
});

test('an idle limit counts both directions', async () => {
  const rig = rigOf({ route: { idleTimeoutMs: 1000 } });
  const { client, stream } = await called(rig, opened());
  stream.begin(GRPC);
  for (let i = 0; i < 4; i++) {
    await rig.advance(900);
    if (i % 2 === 0) client.peer.send(chunk(message()));
    else stream.send(message());
    await rig.settle();
  }
  assert.equal(status(client), undefined);
  await rig.advance(1100);
  assert.equal(status(client), '4');
  assert.equal(stream.cancelled, 'timed-out');
});

test('what streams move is counted while they are open', async () => {
  const rig = rigOf();
  const { client, stream } = await called(rig, opened());
  const moving = () =>
    [...rig.host.requests.calls.values()].map(
      ({ open, requestMessages, responseMessages, requestBytes, responseBytes }) => [
        open,
        requestMessages,
        responseMessages,
        requestBytes,
        responseBytes,
      ],
    );
  client.peer.send(chunk(message(10)) + chunk(message(20)));
  await rig.settle();
  assert.deepEqual(moving(), [[1, 2, 0, 40, 0]]);
  stream.begin(GRPC);
  stream.send(message(7));
  stream.send(message(7).slice(0, 4));
  await rig.settle();
  assert.deepEqual(moving(), [[1, 2, 1, 40, 16]]);
  client.peer.send('0\r\n\r\n');
  stream.finish(trailers('grpc-status: 0\r\n'));
  await rig.settle();
  assert.deepEqual(moving(), [[0, 2, 1, 40, 16]]);
  assert.match([...rig.host.requests.calls.values()][0]!.labels, /request_protocol="grpc"/);
});

test('an endpoint whose calls fail in trailers is ejected; callers who ask for what nobody has, or do not wait, eject nobody', async () => {
  const after = async (told: number, headers = ''): Promise<number> => {
    const rig = rigOf({ settings: { outlier: { consecutive5xx: 3 } } });
    let ejected = 0;
    for (let i = 0; i < 12; i++) {
      rig.client().peer.send(call(headers));
      while (rig.host.dials.length > 0) rig.host.dials[0]!.share();
      await rig.settle();
      for (const peer of rig.host.shared) {
        for (const stream of [...peer.streams]) {
          stream.begin(GRPC);
          stream.send(message());
          stream.finish(trailers(`grpc-status: ${told}\r\n`));
        }
      }
      await rig.settle();
      ejected = rig.cluster.size - rig.cluster.healthy;
    }
    return ejected;
  };
  assert.ok((await after(14)) > 0);
  assert.ok((await after(13)) > 0);
  assert.ok((await after(4)) > 0);
  assert.equal(await after(4, 'grpc-timeout: 5S\r\n'), 0);
  assert.equal(await after(12), 0);
  assert.equal(await after(5), 0);
});

test('who watches hears of the status; one that is a failure of the server is offered as a failure', async () => {
  const rig = rigOf();
  const offered: number[] = [];
  const seen: [status: number, grpcStatus: number][] = [];
  rig.services.observers.add({
    wants: status => {
      offered.push(status);
      return true;
    },
    onRequestEnd: ({ status: answered, grpcStatus }) => void seen.push([answered, grpcStatus]),
  });
  for (const told of [0, 5, 14]) {
    rig.client().peer.send(call());
    if (rig.host.dials.length > 0) rig.host.dials[0]!.share();
    await rig.settle();
    const stream = rig.host.shared.flatMap(peer => peer.streams)[0]!;
    stream.begin(GRPC);
    stream.finish(trailers(`grpc-status: ${told}\r\n`));
    await rig.settle();
  }
  assert.deepEqual(seen, [
    [200, 0],
    [200, 5],
    [200, 14],
  ]);
  assert.deepEqual(offered, [200, 404, 503]);
});
