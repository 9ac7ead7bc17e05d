// Exchanges over connections that carry many streams at once, of a far end that the test plays; see streams-codec.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerStream, StreamsPeer } from '../../cluster/testing/streams-codec.ts';
import { trailers } from '../../http1/testing/heads.ts';
import { ExchangeRig, GET, OK, post, type RigClient, type RigOptions } from '../testing/exchange-rig.ts';
import { RouteRig } from '../testing/route-rig.ts';

const idle = { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 };
const EMPTY = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

function shared(options: RigOptions = {}): ExchangeRig {
  return new ExchangeRig({ multiplexes: 'maybe', ...options });
}

/** A request on a client of its own, and the connection that was opened for it. */
async function sent(rig: ExchangeRig, text = GET): Promise<{ client: RigClient; peer: StreamsPeer }> {
  const client = rig.client();
  client.peer.send(text);
  const peer = rig.host.dials[0]!.share();
  await rig.settle();
  return { client, peer };
}

test('requests of many clients share one connection, and each gets its own answer', async () => {
  const rig = shared();
  const clients = ['/a', '/b', '/c'].map(path => {
    const client = rig.client();
    client.peer.send(GET.replace('/a', path));
    return client;
  });
  assert.equal(rig.host.dials.length, 1);
  const peer = rig.host.dials[0]!.share();
  await rig.settle();
  const [a, b, c] = [...peer.streams];
  assert.deepEqual([a!.target, b!.target, c!.target], ['/a', '/b', '/c']);
  b!.answer('x: b\r\ncontent-length: 0\r\n');
  c!.begin('x: c\r\ncontent-length: 2\r\n');
  a!.answer('x: a\r\ncontent-length: 0\r\n');
  c!.send('ok');
  c!.finish();
  await rig.settle();
  assert.deepEqual(
    clients.map(client => /x: (.)/.exec(client.peer.text)?.[1]),
    ['a', 'b', 'c'],
  );
  assert.match(clients[2]!.peer.text, /\r\n\r\nok$/);
  assert.deepEqual(rig.open, idle);
  assert.equal(rig.cluster.occupancy.connections, 1);
});

test('a stream is given up in words: why', async () => {
  const over = async (rig: ExchangeRig, end: (client: RigClient, stream: PeerStream) => unknown) => {
    const { client, peer } = await sent(rig);
    const [stream] = peer.streams;
    await end(client, stream!);
    await rig.settle();
    return { why: stream!.cancelled, peer };
  };
  const left = await over(shared(), client => client.peer.breakOff());
  assert.equal(left.why, 'client-gone');
  assert.equal(left.peer.closed, false, 'the connection stays for others');
  const late = shared({ route: { timeoutMs: 100 } });
  assert.equal((await over(late, () => late.advance(110))).why, 'timed-out');
  const lateTry = shared({ endpoints: 2, retry: { perTryTimeoutMs: 100 } });
  assert.equal((await over(lateTry, () => lateTry.advance(110))).why, 'timed-out');
  const refused = shared({ endpoints: 2 });
  const notTaken = await over(refused, (_, stream) => stream.begin('', 503));
  assert.equal(notTaken.why, 'not-taken');
  const wrong = shared();
  const fault = await over(wrong, (_, stream) => {
    stream.handler.onFault?.();
  });
  assert.equal(fault.why, 'fault');
});

test('of two tries that race, the one that is overtaken is told so, and nothing else ends', async () => {
  const rig = shared({ endpoints: 2, retry: { hedgeAfterMs: 100 } });
  const { client, peer: first } = await sent(rig);
  await rig.advance(110);
  const second = rig.host.dials[0]!.share();
  await rig.settle();
  const slow = first.streams[0]!;
  second.streams[0]!.answer();
  await rig.settle();
  assert.equal(client.peer.text, EMPTY);
  assert.equal(slow.cancelled, 'overtaken');
  assert.deepEqual([first.closed, second.closed], [false, false]);
  assert.deepEqual(rig.open, idle);
});

test('a request that the far end has not taken goes out again at once, whatever it is and without a retry', async () => {
  const rig = shared();
  const { client, peer } = await sent(rig, post('hello'));
  peer.goAway(1);
  assert.equal(peer.closed, true);
  const next = rig.host.dials[0]!.share();
  await rig.settle();
  assert.equal(next.streams[0]!.body, 'hello');
  next.streams[0]!.answer();
  await rig.settle();
  assert.equal(client.peer.text, EMPTY);
  assert.deepEqual([rig.cluster.retries, rig.records()[0]?.attempts], [0, 1]);
});

test('one that it may have taken does not, if repeating it could do harm', async () => {
  const rig = shared();
  const { client, peer } = await sent(rig, post('hello'));
  peer.close();
  await rig.settle();
  assert.match(client.peer.text, /^HTTP\/1\.1 503 /);
  assert.deepEqual(rig.open, idle);
});

test('an upgrade and a login go over connections of their own, beside the shared one', async () => {
  const rig = shared();
  const { peer } = await sent(rig);
  for (const header of ['upgrade: websocket\r\nconnection: upgrade', 'authorization: NTLM abc']) {
    const client = rig.client();
    client.peer.send(`GET /own HTTP/1.1\r\nhost: a\r\n${header}\r\n\r\n`);
    const dial = rig.host.dials[0]!;
    assert.equal(dial.exclusive, true, header);
    const own = dial.open();
    await rig.settle();
    assert.match(own.text, /^GET \/own /);
    client.peer.breakOff();
    await rig.settle();
    assert.equal(own.closed, true);
  }
  assert.equal(peer.active, 1);
});

test('a WebSocket shares the connection of an endpoint that takes it so, and waits for the one that has not said', async () => {
  const rig = shared();
  const { peer } = await sent(rig);
  const upgrade = 'GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\r\n';
  peer.takesWebSockets = undefined;
  const given = rig.client();
  given.peer.send(upgrade);
  given.peer.breakOff();
  const waiting = rig.client();
  waiting.peer.send(upgrade);
  await rig.settle();
  assert.deepEqual([peer.active, rig.host.dials.length], [1, 0], 'nobody dials for it');
  peer.takesWebSockets = true;
  peer.streams[0]!.answer();
  await rig.settle();
  assert.equal(peer.active, 1, 'the first request is answered, and who waited has its stream');
  const at = rig.client();
  at.peer.send(upgrade);
  await rig.settle();
  assert.equal(peer.active, 2);
  waiting.peer.breakOff();
  at.peer.breakOff();
  await rig.settle();
  assert.deepEqual(rig.open, idle);
});

test('an answer that offers a login on a shared connection binds nobody to it', async () => {
  const rig = shared();
  const { client, peer } = await sent(rig);
  peer.streams[0]!.answer('www-authenticate: NTLM\r\ncontent-length: 0\r\n', 401);
  await rig.settle();
  assert.match(client.peer.take(), /^HTTP\/1\.1 401 /);
  client.peer.send(GET);
  await rig.settle();
  assert.equal(peer.active, 1);
  client.peer.breakOff();
  await rig.settle();
  assert.equal(peer.closed, false);
});

test('a copy to a mirror shares a connection, and is given up alone', async () => {
  const rig = new RouteRig([{ mirrors: [{ cluster: 'b:80', percent: 100 }] }], { multiplexes: 'maybe' });
  const client = rig.client();
  client.peer.send(GET);
  const dials = [...rig.host.dials];
  const [real, mirror] = ['10.0.0.1', '10.0.0.2'].map(address =>
    dials.find(dial => dial.endpoint.address === address)!.share(),
  );
  await rig.settle();
  const copy = mirror!.streams[0]!;
  real!.streams[0]!.answer();
  await rig.settle();
  assert.equal(client.peer.text, EMPTY);
  await rig.advance(31_000);
  assert.equal(copy.cancelled, 'timed-out');
  assert.equal(mirror!.closed, false);
});

test('trailers reach the far end and the client as fields', async () => {
  const rig = shared();
  const { client, peer } = await sent(
    rig,
    'POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n',
  );
  const stream = peer.streams[0]!;
  assert.equal(stream.trailers?.text(stream.trailers.find(Buffer.from('x-sum'))), '1');
  stream.begin();
  stream.send('ok');
  stream.finish(trailers('grpc-status: 5\r\ngrpc-message: no\r\n'));
  await rig.settle();
  assert.match(client.peer.take(), /2\r\nok\r\n0\r\ngrpc-status: 5\r\ngrpc-message: no\r\n\r\n$/);
});

test('an endpoint that turns out to speak HTTP/1 is served as such', async () => {
  const rig = shared();
  const clients = [rig.client(), rig.client()];
  for (const client of clients) client.peer.send(GET);
  const first = await rig.upstream();
  const second = await rig.upstream();
  first.send(OK);
  second.send(OK);
  assert.deepEqual(
    clients.map(client => client.peer.text),
    [OK, OK],
  );
});
