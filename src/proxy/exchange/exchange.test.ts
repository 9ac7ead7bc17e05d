import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, endpoints } from '../../cluster/testing/clusters.ts';
import { DEFAULT_TRAFFIC, type RetryCondition } from '../../model/index.ts';
import { ExchangeRig, GET, OK, post, tell } from '../testing/exchange-rig.ts';

const none = { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 };
const unavailable = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy';

test('a request and its answer, counted once with bytes and time', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(post('hello'));
  await rig.advance(7);
  const upstream = await rig.upstream();
  assert.equal(upstream.text, post('hello'));
  await rig.advance(5);
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(rig.outcomes(), ['200']);
  assert.deepEqual(rig.counted(), { 200: 1 });
  const [record] = rig.records();
  assert.deepEqual([record!.receivedBytes, record!.sentBytes, record!.durationMs], [5, 2, 12]);
  assert.equal(record!.upstream, '10.0.0.1:80');
  assert.deepEqual(rig.open, none);
});

test('a target that is found late: the request goes out then, body and all', async () => {
  const rig = new ExchangeRig();
  rig.targets = 'late';
  const client = rig.client();
  client.peer.send(post('a'.repeat(30_000)).slice(0, 20_000));
  await rig.advance(1_000);
  assert.deepEqual(rig.open, { ...none, exchanges: 1 });
  client.peer.send(post('a'.repeat(30_000)).slice(20_000));
  tell(rig, rig.destination);
  const upstream = await rig.upstream();
  assert.equal(upstream.text, post('a'.repeat(30_000)));
  upstream.send(OK);
  assert.deepEqual(rig.outcomes(), ['200']);
});

test('a body that comes while nobody takes it is bounded', async () => {
  const rig = new ExchangeRig();
  rig.targets = 'late';
  const client = rig.client();
  const whole = post('b'.repeat(1_000_000));
  for (let at = 0; at < whole.length; at += 16_384) client.peer.send(whole.slice(at, at + 16_384));
  assert.ok(client.peer.unread > 800_000, `${client.peer.unread} bytes are unread`);
  tell(rig, rig.destination);
  const upstream = await rig.upstream();
  for (let i = 0; i < 10; i++) {
    client.peer.pump();
    await rig.settle();
  }
  assert.equal(upstream.text.length, whole.length);
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
});

test('no target: answered in words, and the connection goes on', async () => {
  const rig = new ExchangeRig();
  rig.targets = 'late';
  const client = rig.client();
  client.peer.send(GET + GET);
  tell(rig, undefined, 'DF', 'a is nowhere');
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: DF[\s\S]*a is nowhere/);
  client.peer.take();
  tell(rig, rig.destination);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(rig.outcomes(), ['503 DF', '200']);
});

test('a client that leaves while its target is looked for is counted as DC, and the late answer hurts nobody', async () => {
  const rig = new ExchangeRig();
  rig.targets = 'late';
  const client = rig.client();
  client.peer.send(GET);
  client.peer.breakOff();
  assert.deepEqual(rig.outcomes(), ['0 DC']);
  tell(rig, rig.destination);
  await rig.settle();
  assert.equal(rig.host.dials.length, 0);
  assert.deepEqual(rig.open, none);
});

for (const status of [502, 503, 504]) {
  test(`a ${status} with a body is tried again, and the client hears only the good answer`, async () => {
    const rig = new ExchangeRig({ endpoints: 2 });
    const client = rig.client();
    client.peer.send(GET);
    const first = await rig.upstream();
    first.send(`HTTP/1.1 ${status} Bad\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(500)}`);
    assert.equal(first.closed, true, 'a body that nobody wants is waited for');
    await rig.advance(300);
    const second = await rig.upstream();
    assert.equal(second.text, GET);
    second.send(OK);
    assert.equal(client.peer.text, OK);
    assert.deepEqual(rig.outcomes(), ['200']);
    assert.equal(rig.records()[0]!.attempts, 2);
    assert.notEqual(rig.records()[0]!.upstream, '');
    assert.equal(rig.cluster.retries, 1);
    assert.deepEqual(rig.open, none);
  });
}

test('a connection whose bodiless 503 is tried again stays in its pool', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n');
  assert.equal(upstream.closed, false);
  upstream.take();
  await rig.advance(300);
  assert.equal(rig.host.dials.length, 0);
  assert.equal(upstream.text, GET);
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
});

test('500 is the app speaking: not tried again unless a policy says 5xx', async () => {
  for (const [on, tries] of [
    [['gateway-error'], 1],
    [['5xx'], 3],
  ] as const) {
    const rig = new ExchangeRig({ retry: { on } });
    const client = rig.client();
    client.peer.send(GET);
    const upstream = await rig.upstream();
    for (let i = 0; i < tries; i++) {
      upstream.send('HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n');
      await rig.advance(300);
    }
    assert.match(client.peer.text, /^HTTP\/1\.1 500 Bad/);
    assert.deepEqual(rig.outcomes(), [tries === 1 ? '500' : '500 URX']);
  }
});

test('when every try fails the last answer goes through with URX', async () => {
  const rig = new ExchangeRig({ endpoints: 3, settings: { outlier: { enabled: false } } });
  const client = rig.client();
  client.peer.send(GET);
  for (let i = 0; i < 3; i++) {
    (await rig.upstream()).send(unavailable);
    await rig.advance(300);
  }
  assert.equal(client.peer.text, unavailable);
  assert.deepEqual(rig.outcomes(), ['503 URX']);
  assert.equal(rig.records()[0]!.attempts, 3);
  assert.deepEqual(rig.counted(), { '503 URX': 1 });
});

test('without budget the first failure goes through', async () => {
  const rig = new ExchangeRig({ settings: { retryBudget: { ratio: 0, minPerSecond: 0, ttlMs: 10_000 } } });
  const client = rig.client();
  client.peer.send(GET);
  (await rig.upstream()).send(unavailable);
  assert.equal(client.peer.text, unavailable);
  assert.equal(rig.cluster.budget.exhausted, 1);
  assert.deepEqual(rig.outcomes(), ['503']);
});

test('a POST is not repeated once the app may have read it, whatever happened', async () => {
  for (const end of ['answer', 'end', 'reset', 'garbage'] as const) {
    const rig = new ExchangeRig({ endpoints: 2 });
    const client = rig.client();
    client.peer.send(post('once'));
    const upstream = await rig.upstream();
    if (end === 'answer') upstream.send(unavailable);
    else if (end === 'end') upstream.end();
    else if (end === 'reset') upstream.breakOff();
    else upstream.send('SSH-2.0-hello\r\n');
    await rig.advance(1_000);
    assert.equal(rig.host.dials.length, 0, end);
    assert.match(client.peer.text, end === 'garbage' ? /^HTTP\/1\.1 502 / : /^HTTP\/1\.1 503 /);
    assert.deepEqual(rig.open, none);
  }
});

test('a POST whose connection could not be opened goes elsewhere, body and all', async () => {
  const rig = new ExchangeRig({ endpoints: 3 });
  const client = rig.client();
  client.peer.send(post('once'));
  rig.host.dials[0]!.fail('UF', 'refused');
  await rig.advance(300);
  rig.host.dials[0]!.fail('UF', 'refused');
  await rig.advance(300);
  const upstream = await rig.upstream();
  assert.equal(upstream.text, post('once'));
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
  assert.equal(rig.records()[0]!.attempts, 3);
});

test('a request that waits for a connection outlives any number of endpoints that are taken away, and counts one try', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(post('once'));
  for (let n = 2; n < 10; n++) {
    rig.cluster.setEndpoints(endpoints([endpoint(n)]));
    await rig.advance(20);
  }
  const upstream = await rig.upstream();
  assert.equal(upstream.text, post('once'));
  upstream.send(OK);
  assert.deepEqual(rig.outcomes(), ['200']);
  assert.equal(rig.records()[0]!.attempts, 1);
  assert.equal(rig.cluster.retries, 0);
  assert.deepEqual(rig.open, none);
});

test('a policy may say that a POST may be repeated', async () => {
  const rig = new ExchangeRig({ retry: { nonIdempotent: true } });
  const client = rig.client();
  client.peer.send(post('again'));
  (await rig.upstream()).breakOff();
  await rig.advance(300);
  const second = await rig.upstream();
  assert.equal(second.text, post('again'));
});

test('a body too large to keep is not sent twice', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  const put = `PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n`;
  client.peer.send(put);
  const upstream = await rig.upstream();
  for (let i = 0; i < 5; i++) client.peer.send('x'.repeat(20_000));
  upstream.send(unavailable);
  assert.equal(client.peer.text, unavailable);
  await rig.advance(1_000);
  assert.equal(rig.host.dials.length, 0);
});

test('a body that is small enough is sent again from its beginning, while the rest is still coming', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('PUT /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  const first = await rig.upstream();
  first.breakOff();
  client.peer.send('3\r\ndef\r\n');
  await rig.advance(300);
  const second = await rig.upstream();
  client.peer.send('3\r\nghi\r\n0\r\nx-sum: 1\r\n\r\n');
  await rig.settle();
  assert.match(second.text, /\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n3\r\nghi\r\n0\r\nx-sum: 1\r\n\r\n$/);
  second.send(OK);
  assert.equal(client.peer.text, OK);
});

test('time limit of the whole request: 504, in whatever phase', async () => {
  for (const phase of ['connecting', 'asked', 'backoff'] as const) {
    const rig = new ExchangeRig({
      route: { timeoutMs: 100 },
      retry: { backoffBaseMs: 10_000, backoffMaxMs: 10_000 },
      random: () => 0.5,
    });
    const client = rig.client();
    client.peer.send(GET);
    const upstream = phase === 'connecting' ? undefined : await rig.upstream();
    if (phase === 'backoff') upstream!.breakOff();
    await rig.advance(150);
    assert.match(client.peer.text, /^HTTP\/1\.1 504 [\s\S]*x-weft-flag: UT[\s\S]*within 100 ms/, phase);
    assert.deepEqual(rig.outcomes(), ['504 UT']);
    assert.deepEqual(rig.open, none);
    await rig.advance(30_000);
    assert.deepEqual(rig.counted(), { '504 UT': 1 });
  }
});

test('time limit in the middle of an answer: broken off, and not held against the endpoint', async () => {
  const rig = new ExchangeRig({
    endpoints: 2,
    route: { timeoutMs: 100 },
    settings: { outlier: { consecutiveConnectFailures: 1 } },
  });
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  await rig.advance(150);
  assert.equal(client.peer.closed, true);
  assert.equal(upstream.closed, true);
  assert.deepEqual(rig.outcomes(), ['200 UT']);
  assert.equal(
    rig.cluster.healthy,
    2,
    'an endpoint that answers slowly but steadily was ejected as unreachable',
  );
});

test('time limit of each try: the next try goes elsewhere; the last gives 504', async () => {
  const rig = new ExchangeRig({
    endpoints: 2,
    retry: { perTryTimeoutMs: 50, attempts: 1, backoffBaseMs: 1 },
  });
  const client = rig.client();
  client.peer.send(GET);
  const first = await rig.upstream();
  await rig.advance(60);
  assert.equal(first.closed, true);
  await rig.advance(20);
  const second = await rig.upstream();
  await rig.advance(300);
  assert.equal(second.closed, true);
  assert.match(client.peer.text, /^HTTP\/1\.1 504 [\s\S]*no answer within 50 ms per try[\s\S]*after 2 tries/);
});

test('a try that is over its time before it was sent may be a POST', async () => {
  const rig = new ExchangeRig({
    endpoints: 2,
    retry: { perTryTimeoutMs: 50, attempts: 1, backoffBaseMs: 1 },
  });
  const client = rig.client();
  client.peer.send(post('x'));
  await rig.advance(80);
  assert.equal(rig.host.dials.length, 2);
  const second = rig.host.dials[1]!.open();
  await rig.settle();
  assert.equal(second.text, post('x'));
});

test('idle limit: an exchange in which nothing moves is ended, one that trickles is not', async () => {
  const rig = new ExchangeRig({ route: { idleTimeoutMs: 1_000 } });
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n');
  for (let i = 0; i < 5; i++) {
    await rig.advance(800);
    upstream.send('x');
  }
  assert.equal(client.peer.closed, false);
  await rig.advance(1_100);
  assert.equal(client.peer.closed, true);
  assert.deepEqual(rig.outcomes(), ['200 SI']);
  const silent = new ExchangeRig({ route: { idleTimeoutMs: 1_000 } });
  const other = silent.client();
  other.peer.send(GET);
  await silent.upstream();
  await silent.advance(1_100);
  assert.match(other.peer.text, /^HTTP\/1\.1 504 [\s\S]*x-weft-flag: SI/);
});

test('a client that leaves frees everything, in each phase, and is counted once', async () => {
  for (const phase of ['connecting', 'asked', 'backoff', 'body'] as const) {
    const rig = new ExchangeRig({ random: () => 0.99 });
    const client = rig.client();
    client.peer.send(GET);
    const upstream = phase === 'connecting' ? undefined : await rig.upstream();
    if (phase === 'backoff') upstream!.breakOff();
    if (phase === 'body') upstream!.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    client.peer.breakOff();
    await rig.advance(1_000);
    assert.deepEqual(rig.outcomes(), [phase === 'body' ? '200 DC' : '0 DC'], phase);
    assert.deepEqual(rig.open, none, phase);
    if (upstream !== undefined) assert.equal(upstream.closed, true, phase);
    assert.equal(client.closed, true);
  }
});

test('an upstream that breaks in the middle of an answer breaks it off for the client, too', async () => {
  for (const [answer, how, flag] of [
    ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', 'reset', 'UR'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'garbage', 'UPE'],
  ] as const) {
    const rig = new ExchangeRig();
    const client = rig.client();
    client.peer.send(GET);
    const upstream = await rig.upstream();
    upstream.send(answer);
    if (how === 'end') upstream.end();
    else if (how === 'reset') upstream.breakOff();
    else upstream.send('zz\r\n');
    await rig.settle();
    assert.equal(client.peer.closed, true, `${how}: the client may take it for the whole answer`);
    assert.doesNotMatch(client.peer.text, /0\r\n\r\n$/);
    assert.deepEqual(rig.outcomes(), [`200 ${flag}`]);
    assert.deepEqual(rig.open, none);
  }
});

test('an answer without a length ends with its connection, and a broken one ends with a reset for HTTP/1.0', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('GET / HTTP/1.0\r\n\r\n');
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 200 OK\r\n\r\nto the end');
  upstream.breakOff();
  await rig.settle();
  assert.equal(client.peer.wasReset, true);
});

test('an answer may come before the request is complete; the rest of the request is not waited for', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\npart');
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig');
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 413 Too Large\r\n[\s\S]*big$/);
  assert.deepEqual(rig.outcomes(), ['413']);
  assert.deepEqual(rig.open, none);
  assert.equal(upstream.closed, true);
  for (let i = 0; i < 20; i++) client.peer.send('x'.repeat(50_000));
  await rig.advance(2_000);
  assert.equal(client.peer.closed, true);
  assert.deepEqual(rig.outcomes(), ['413']);
});

test('an answer that begins early streams while the request still does', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
  const upstream = await rig.upstream();
  upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nABC');
  client.peer.send('def');
  await rig.settle();
  assert.match(upstream.text, /abcdef$/);
  upstream.send('DEF');
  assert.match(client.peer.text, /ABCDEF$/);
  assert.equal(client.peer.closed, false);
  client.peer.take();
  upstream.take();
  client.peer.send(GET);
  await rig.settle();
  assert.equal(upstream.text, GET, 'the connection was not kept');
});

test('answers without a body by their nature', async () => {
  for (const [request, answer] of [
    ['HEAD /a HTTP/1.1\r\nhost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n'],
    [GET, 'HTTP/1.1 204 No Content\r\n\r\n'],
    [GET, 'HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\n\r\n'],
    [GET, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ] as const) {
    const rig = new ExchangeRig();
    const client = rig.client();
    client.peer.send(request);
    const upstream = await rig.upstream();
    upstream.send(answer);
    assert.equal(client.peer.take(), answer);
    upstream.take();
    client.peer.send(GET);
    await rig.settle();
    assert.equal(upstream.text, GET);
    upstream.send(OK);
    assert.equal(client.peer.text, OK);
    assert.equal(rig.records().length, 2);
  }
});

test('HEAD to an upstream that fails gets the head of the error and nothing more', async () => {
  const rig = new ExchangeRig({ retry: { attempts: 0 } });
  const client = rig.client();
  client.peer.send('HEAD /a HTTP/1.1\r\nhost: a\r\n\r\n');
  rig.host.dials[0]!.fail();
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 503 [\s\S]*\r\n\r\n$/);
  assert.equal(client.peer.closed, false);
});

const expecting = 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n';
test('100-continue: the go-ahead goes through and the body follows', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(expecting);
  const upstream = await rig.upstream();
  assert.equal(upstream.text, expecting);
  upstream.send('HTTP/1.1 100 Continue\r\n\r\n');
  assert.equal(client.peer.take(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.peer.send('body');
  await rig.settle();
  upstream.send(OK);
  assert.equal(client.peer.text, OK);
  assert.equal(client.peer.closed, false);
});

test('100-continue: a refusal before the body ends the connection, and the body is not waited for', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(expecting);
  (await rig.upstream()).send('HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno');
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 401 Unauthorized\r\nconnection: close\r\n[\s\S]*no$/);
  assert.deepEqual(rig.outcomes(), ['401']);
});

test('100-continue: a client that does not wait, and one whose upstream cannot be reached', async () => {
  const rig = new ExchangeRig({ retry: { attempts: 0 } });
  const client = rig.client();
  client.peer.send(`${expecting}body`);
  const upstream = await rig.upstream();
  upstream.send(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  assert.equal(client.peer.take(), `HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  const other = rig.client();
  rig.cluster.close();
  other.peer.send(expecting);
  await rig.settle();
  assert.match(other.peer.text, /^HTTP\/1\.1 503 [\s\S]*connection: close/);
});

const upgrade = 'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n';
test('an upgrade becomes a tunnel without time limits, ended from either side, counted when it is over', async () => {
  for (const first of ['client', 'server'] as const) {
    const rig = new ExchangeRig({ route: { timeoutMs: 100, idleTimeoutMs: 100 } });
    const client = rig.client();
    client.peer.send(`${upgrade}early`);
    const upstream = await rig.upstream();
    upstream.send(`${switching}hello`);
    await rig.settle();
    assert.match(client.peer.text, /^HTTP\/1\.1 101 [\s\S]*hello$/);
    assert.match(upstream.text, /\r\n\r\nearly$/);
    await rig.advance(60_000);
    const [a, b] = first === 'client' ? [client.peer, upstream] : [upstream, client.peer];
    a.send('last');
    a.end();
    await rig.settle();
    assert.match(b.text, /last$/);
    assert.equal(b.ended, true);
    assert.deepEqual(rig.outcomes(), []);
    b.send('bye');
    b.end();
    await rig.settle();
    assert.match(a.text, /bye$/);
    a.pump();
    assert.deepEqual(rig.outcomes(), ['101']);
    assert.deepEqual(rig.open, none);
    assert.equal(rig.cluster.occupancy.connections, 0);
  }
});

test('an upgrade that the upstream does not want is an ordinary answer; one that breaks is told', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(upgrade);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.take(), OK);
  client.peer.send(upgrade);
  const again = rig.host.dials.length > 0 ? await rig.upstream() : undefined;
  assert.equal(again, undefined, 'the connection of an upgrade that was refused is as good as any');
  const other = rig.client();
  other.peer.send(upgrade);
  const upstream = await rig.upstream();
  upstream.send(switching);
  upstream.breakOff();
  await rig.settle();
  assert.equal(other.peer.closed, true);
  assert.equal(rig.outcomes(other)[0], '101 UR');
});

test('pipelined requests are answered in their order, each counted', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send([1, 2, 3].map(n => `GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
  const upstream = await rig.upstream();
  for (const n of [1, 2, 3]) {
    assert.match(upstream.take(), new RegExp(`^GET /${n} `));
    upstream.send(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${n}`);
    await rig.settle();
  }
  assert.deepEqual(client.peer.text.match(/\r\n\r\n\d/g), ['\r\n\r\n1', '\r\n\r\n2', '\r\n\r\n3']);
  assert.deepEqual(
    rig.records().map(record => record.path),
    ['/1', '/2', '/3'],
  );
  assert.deepEqual(rig.counted(), { 200: 3 });
});

test('trailers go through, and so do names in their case', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(
    'POST /a HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n',
  );
  const upstream = await rig.upstream();
  assert.match(upstream.text, /Trailer: X-Sum\r\n[\s\S]*0\r\nX-Sum: 1\r\n\r\n$/);
  upstream.send(
    'HTTP/1.1 200 OK\r\nX-OdD: yes\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n',
  );
  assert.match(client.peer.text, /X-OdD: yes\r\n[\s\S]*2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n$/);
});

test('back-pressure: a client that does not read stops the upstream, an upstream that does not read stops the client', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  client.peer.stalled = true;
  upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n');
  for (let i = 0; i < 100; i++) upstream.send('x'.repeat(20_000));
  assert.ok(client.peer.wire.pendingBytes < 300_000);
  assert.ok(upstream.unread > 1_500_000);
  while (upstream.unread > 0 || client.peer.wire.pendingBytes > 0) {
    client.peer.release();
    upstream.pump();
    await rig.settle();
  }
  assert.deepEqual(rig.outcomes(), ['200']);
  assert.equal(
    client.peer.text.length,
    2_000_000 + 'HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n'.length,
  );

  const other = rig.client();
  upstream.stalled = true;
  other.peer.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n');
  await rig.settle();
  for (let i = 0; i < 100; i++) other.peer.send('y'.repeat(20_000));
  assert.ok(other.peer.unread > 1_500_000, `${other.peer.unread} unread`);
  while (other.peer.unread > 0) {
    upstream.release();
    other.peer.pump();
    await rig.settle();
  }
  upstream.release();
  await rig.settle();
  upstream.send(OK);
  assert.match(other.peer.text, /^HTTP\/1\.1 200 OK/);
});

test('the idle keep-alive race: a reused connection that dies is replaced without a retry being counted', async () => {
  const rig = new ExchangeRig({ retry: { attempts: 0 } });
  const client = rig.client();
  client.peer.send(GET);
  const old = await rig.upstream();
  old.send(OK);
  client.peer.take();
  client.peer.send(GET);
  await rig.settle();
  old.breakOff();
  const fresh = await rig.upstream();
  fresh.send(OK);
  assert.equal(client.peer.text, OK);
  assert.equal(rig.cluster.retries, 0);
  assert.deepEqual(rig.outcomes(), ['200', '200']);
  assert.equal([...rig.cluster.endpoints][0]!.health.errors5xx, 0, 'a race was held against the endpoint');
});

test('over the limit of requests: UO at once, with Retry-After', async () => {
  const rig = new ExchangeRig({ settings: { limits: { ...DEFAULT_TRAFFIC.limits, maxRequests: 1 } } });
  const [a, b] = [rig.client(), rig.client()];
  a.peer.send(GET);
  b.peer.send(GET);
  assert.match(b.peer.text, /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: UO[\s\S]*retry-after: 1/);
  (await rig.upstream()).send(OK);
  assert.deepEqual(rig.outcomes(), ['503 UO', '200']);
  assert.equal(rig.cluster.occupancy.overflows, 1);
  assert.deepEqual(rig.open, none);
});

test('malformed requests are answered, counted as DPE and end the connection', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('GET / HTTP/1.1\r\nhost: a\r\nx: a\r\n folded\r\n\r\n');
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 400 [\s\S]*obs-fold/);
  assert.deepEqual(rig.outcomes(), ['400 DPE']);
  assert.deepEqual(rig.counted(), { '400 DPE': 1 });
});

test('a request that turns out malformed in its body is counted once', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  client.peer.send('POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  const upstream = await rig.upstream();
  client.peer.send('zz\r\n');
  await rig.settle();
  assert.equal(upstream.closed, true);
  assert.match(client.peer.text, /^HTTP\/1\.1 400 /);
  assert.equal(rig.records().length, 1, JSON.stringify(rig.outcomes()));
  assert.deepEqual(rig.counted(), { '400 DPE': 1 });
  assert.deepEqual(rig.open, none);
});

test('draining: answers say close, and nothing is refused', async () => {
  const rig = new ExchangeRig();
  const client = rig.client();
  rig.services.draining = true;
  const late = rig.client();
  late.peer.send(GET);
  (await rig.upstream()).send(OK);
  assert.match(late.peer.text, /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n/);
  client.peer.send(GET);
  await rig.settle();
  assert.deepEqual(rig.outcomes(late), ['200']);
});

test('what no further try would change is not tried again, and ejects nobody', async () => {
  const large = `HTTP/1.1 200 OK\r\n${`x-large: ${'a'.repeat(8_000)}\r\n`.repeat(30)}\r\n`;
  const many = `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}\r\n`;
  const malformed = 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n';
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
  for (const [what, answer, endpoints, tries] of [
    ['a head that is too large', large, 3, 1],
    ['too many headers', many, 3, 1],
    ['a malformed answer of the only endpoint', malformed, 1, 1],
    ['a malformed answer of one of two', malformed, 2, 2],
    ['a switch that nobody asked for', switching, 1, 1],
    ['more 1xx answers than there can be', 'HTTP/1.1 103 x\r\n\r\n'.repeat(40), 1, 1],
  ] as const) {
    const rig = new ExchangeRig({
      endpoints,
      retry: { on: ['reset', 'connect-failure', '5xx'], attempts: 4 },
    });
    const client = rig.client();
    client.peer.send(GET);
    for (let i = 0; i < 10; i++) {
      await rig.settle();
      while (rig.host.dials.length > 0) (await rig.upstream()).send(answer);
      await rig.advance(300);
    }
    assert.deepEqual(rig.outcomes(client), ['502 UPE'], what);
    assert.equal(rig.records(client)[0]!.attempts, tries, what);
    if (tries === 1) assert.equal(rig.cluster.healthy, endpoints, what);
  }
});

test('a try that takes too long is tried again under every condition by which Envoy does it', async () => {
  const timeouts: readonly (readonly [readonly RetryCondition[], number])[] = [
    [['5xx'], 3],
    [['reset'], 3],
    [['gateway-error'], 3],
    [['connect-failure'], 1],
    [['retriable-4xx'], 1],
    [[], 1],
  ];
  for (const [on, tries] of timeouts) {
    const rig = new ExchangeRig({ endpoints: 3, retry: { on, attempts: 2, perTryTimeoutMs: 200 } });
    const client = rig.client();
    client.peer.send(GET);
    for (let i = 0; i < 10; i++) {
      await rig.settle();
      while (rig.host.dials.length > 0) await rig.upstream();
      await rig.advance(250);
    }
    assert.match(rig.outcomes(client)[0]!, /^504 UT/, on.join());
    assert.equal(rig.records(client)[0]!.attempts, tries, on.join());
  }
});
