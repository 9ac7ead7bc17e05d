import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNKNOWN_LENGTH } from '../http/index.ts';
import { requestHead, responseHead, sentLines, trailers } from './testing/heads.ts';
import { RecordedExchange, RecordingClient } from './testing/recording-client.ts';

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('a connection that was answered in full is free again, and counts its requests', () => {
  const client = new RecordingClient();
  for (let i = 1; i <= 3; i++) {
    const { exchange } = client.request(request);
    assert.equal(client.peer.take(), request);
    client.peer.send(ok);
    assert.equal(exchange.response?.body, 'ok');
    assert.deepEqual(exchange.events, ['response 200', 'data', 'end']);
    assert.equal(client.freed, i);
    assert.equal(client.connection.room, 1);
    assert.equal(client.connection.requests, i);
  }
});

test('answers without a body leave the connection free', () => {
  const cases = [
    [request, 'HTTP/1.1 204 No\r\n\r\n'],
    [request, 'HTTP/1.1 304 No\r\nContent-Length: 50\r\n\r\n'],
    [request, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n'],
    ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
  ] as const;
  for (const [sent, answer] of cases) {
    const client = new RecordingClient();
    const { exchange } = client.request(sent);
    client.peer.send(answer);
    assert.equal(exchange.response?.complete, true, answer);
    assert.equal(exchange.events.length, 1);
    assert.equal(client.freed, 1);
  }
});

test('an answer, cut anywhere, is the same answer', () => {
  const answer =
    'HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n';
  for (let at = 1; at < answer.length; at++) {
    const client = new RecordingClient();
    const { exchange } = client.request(request);
    client.peer.send(answer.slice(0, at));
    client.peer.send(answer.slice(at));
    assert.equal(exchange.informational[0]?.status, 103);
    assert.equal(exchange.response?.body, 'abc');
    assert.equal(exchange.response?.trailers, 'T: u\r\n');
    assert.equal(client.freed, 1, `cut at ${at}`);
  }
});

test('a 1xx answer ends at its empty line whatever its headers say, and what they say of a body does not go on', () => {
  const framing = [
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length : x\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n',
  ];
  for (const lines of framing) {
    const client = new RecordingClient();
    const { exchange } = client.request(request);
    client.peer.send(`HTTP/1.1 103 Early\r\nLink: a\r\n${lines}\r\n${ok}`);
    assert.equal(exchange.informational[0]?.status, 103);
    assert.deepEqual(
      sentLines(responseHead(`HTTP/1.1 103 Early\r\nLink: a\r\n${lines}\r\n`)),
      ['Link: a'],
      lines,
    );
    assert.equal(exchange.response?.body, 'ok');
    assert.equal(client.freed, 1);
    const upgraded = new RecordingClient();
    const { exchange: tunnel } = upgraded.request(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n',
    );
    upgraded.peer.send(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n${lines}\r\nframe`,
    );
    assert.equal(tunnel.response?.body, 'frame', lines);
  }
});

test('an exchange that is given up breaks its connection: an end in order would ask for the answer', () => {
  const client = new RecordingClient();
  const { stream } = client.request(request);
  stream.cancel('client-gone');
  assert.ok(client.peer.wasReset);
});

test('bytes behind an answer, or without a request, end the connection', () => {
  const behind = new RecordingClient();
  const { exchange } = behind.request(request);
  behind.peer.send(`${ok}HTTP/1.1 200 smuggled`);
  assert.equal(exchange.response?.complete, true);
  assert.equal(behind.freed, 0);
  assert.equal(behind.gone, 1);
  const unasked = new RecordingClient();
  unasked.request(request);
  unasked.peer.send(ok);
  unasked.peer.send('HTTP/1.1 408 Request Timeout\r\n\r\n');
  assert.equal(unasked.gone, 1);
  assert.equal(unasked.connection.room, 0);
});

test('Connection: close, HTTP/1.0 and a close in a 1xx mean no second request', () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    `HTTP/1.1 103 Early\r\nConnection: close\r\n\r\n${ok}`,
  ]) {
    const client = new RecordingClient();
    const { exchange } = client.request(request);
    client.peer.send(answer);
    assert.equal(exchange.response?.body, 'ok');
    assert.equal(client.freed, 0);
    assert.equal(client.gone, 1);
  }
  const kept = new RecordingClient();
  kept.request(request);
  kept.peer.send(
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=7\r\nContent-Length: 2\r\n\r\nok',
  );
  assert.equal(kept.freed, 1);
  assert.equal(kept.connection.keepAliveTimeoutMs, 7000);
});

test('an answer before the request was sent in full is passed on, and the connection is not used again', () => {
  const client = new RecordingClient();
  const { exchange, stream } = client.request(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n',
    false,
  );
  stream.data(Buffer.from('half'), 0, 4);
  client.peer.send(ok);
  assert.equal(exchange.response?.complete, true);
  assert.equal(exchange.failure, undefined);
  assert.equal(client.freed, 0);
  assert.equal(client.gone, 1);
  assert.equal(stream.data(Buffer.from('rest'), 0, 4), true);
  stream.end(undefined);
});

test('a body goes out as its head says, trailers included', () => {
  const chunked = new RecordingClient();
  const { stream } = chunked.request(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n',
    false,
  );
  chunked.peer.take();
  stream.data(Buffer.from('.hello.'), 1, 6);
  stream.end(trailers('X: y\r\n'));
  assert.equal(chunked.peer.take(), '5\r\nhello\r\n0\r\nX: y\r\n\r\n');
  const plain = new RecordingClient();
  const sent = plain.request('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n', false);
  sent.stream.data(Buffer.from('hello'), 0, 5);
  sent.stream.end(undefined);
  assert.ok(plain.peer.text.endsWith('\r\n\r\nhello'));
});

test('a body of unknown length goes out in chunks and says so, also where its head came over another protocol', () => {
  const client = new RecordingClient();
  const head = requestHead('POST / HTTP/1.1\r\nHost: a\r\n\r\n');
  head.bodyLength = UNKNOWN_LENGTH;
  const stream = client.connection.open(new RecordedExchange());
  stream.request(head, false);
  assert.equal(client.peer.take(), 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nHost: a\r\n\r\n');
  stream.data(Buffer.from('hello'), 0, 5);
  stream.end(undefined);
  assert.equal(client.peer.take(), '5\r\nhello\r\n0\r\n\r\n');
});

test('an HTTP/1.0 request goes on as HTTP/1.1, with the Host that it needs', () => {
  const client = new RecordingClient();
  client.request('GET /x HTTP/1.0\r\nA: b\r\n\r\n');
  assert.equal(client.peer.text, 'GET /x HTTP/1.1\r\nA: b\r\nhost: \r\n\r\n');
});

test('thirty-two informational answers pass, more are a broken upstream', () => {
  const client = new RecordingClient();
  const { exchange } = client.request(request);
  client.peer.send('HTTP/1.1 102 Processing\r\n\r\n'.repeat(32) + ok);
  assert.equal(exchange.informational.length, 32);
  assert.equal(exchange.response?.complete, true);
  const flood = new RecordingClient();
  const flooded = flood.request(request).exchange;
  flood.peer.send('HTTP/1.1 102 Processing\r\n\r\n'.repeat(33));
  assert.equal(flooded.failure?.flag, 'UPE');
  assert.equal(flood.gone, 1);
});

test('an upstream that goes: what is told in each phase, and that it is told once', () => {
  const phases = [
    ['', 'end', 'UC'],
    ['', 'breakOff', 'UR'],
    ['HTTP/1.1 20', 'end', 'UC'],
    ['HTTP/1.1 100 Continue\r\n\r\n', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'breakOff', 'UR'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n', 'end', 'UC'],
    ['HTTP/1.1 200 OK\r\n\r\nab', 'breakOff', 'UR'],
  ] as const;
  for (const used of [false, true]) {
    for (const [sent, go, flag] of phases) {
      const client = new RecordingClient();
      if (used) {
        client.request(request);
        client.peer.send(ok);
      }
      const { exchange } = client.request(request);
      if (sent !== '') client.peer.send(sent);
      client.peer[go]();
      assert.equal(exchange.failure?.flag, flag, `${sent} ${go}`);
      assert.equal(exchange.failure?.reused, used);
      assert.equal(exchange.failure?.unread, false, 'without a kernel nothing is certain');
      assert.equal(exchange.events.filter(event => event.startsWith('abort')).length, 1);
      assert.equal(client.gone, 1);
    }
  }
});

test('an answer without framing ends in order with the connection', () => {
  const client = new RecordingClient();
  const { exchange } = client.request(request);
  client.peer.send('HTTP/1.1 200 OK\r\n\r\nall of it');
  assert.equal(exchange.response?.complete, false);
  client.peer.end();
  assert.equal(exchange.response?.body, 'all of it');
  assert.deepEqual(exchange.events, ['response 200', 'data', 'end']);
  assert.equal(client.freed, 0);
  assert.equal(client.gone, 1);
});

test('an idle connection that the upstream closes is gone without a word to anybody else', () => {
  const client = new RecordingClient();
  const { exchange } = client.request(request);
  client.peer.send(ok);
  client.peer.end();
  assert.equal(client.gone, 1);
  assert.equal(exchange.failure, undefined);
  assert.equal(client.connection.room, 0);
});

test('a given-up exchange hears nothing more', () => {
  const client = new RecordingClient();
  const { exchange, stream } = client.request(request);
  client.peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab');
  stream.cancel('client-gone');
  assert.deepEqual(exchange.events, ['response 200', 'data']);
  assert.equal(client.gone, 1);
});

test('a body that was paused in its last bytes leaves a connection that reads', () => {
  const client = new RecordingClient();
  const { exchange, stream } = client.request(request);
  exchange.onResponseData = () => stream.pauseResponse();
  exchange.response = undefined;
  client.peer.send(ok);
  assert.equal(client.freed, 1);
  assert.equal(client.connection.wire.reading, true, 'the next answer would never be read');
  const second = client.request(request).exchange;
  client.peer.send(ok);
  assert.equal(second.response?.body, 'ok');
});

test('a slow upstream makes data return false, and says when it goes on', async () => {
  const client = new RecordingClient();
  const { exchange, stream } = client.request(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    false,
  );
  client.peer.stalled = true;
  const block = Buffer.alloc(60_000);
  let taken = 0;
  while (stream.data(block, 0, block.length)) {
    assert.ok(++taken < 20, 'back-pressure never came');
    await Promise.resolve();
  }
  assert.equal(exchange.writable, 0);
  client.peer.release();
  client.peer.release();
  assert.equal(exchange.writable, 1);
});

test('upgrades: bytes both ways, half-close both ways, and an orderly end is no failure', () => {
  for (const first of ['upstream', 'client']) {
    const client = new RecordingClient();
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n';
    const { exchange, stream } = client.request(upgrade);
    client.peer.send(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nfrom up',
    );
    assert.deepEqual(exchange.events, ['response 101', 'data']);
    const end = [(): void => client.peer.end(), (): void => stream.end(undefined)];
    if (first === 'client') end.reverse();
    end[0]!();
    client.peer.pump();
    if (first === 'client') client.peer.send('stream');
    assert.equal(client.gone, 0);
    end[1]!();
    client.peer.pump();
    assert.equal(exchange.response?.body, first === 'client' ? 'from upstream' : 'from up');
    assert.deepEqual(exchange.events, ['response 101', 'data', 'end']);
    assert.equal(exchange.failure, undefined);
    assert.equal(client.gone, 1);
  }
});

test('an upgrade that is refused is an answer like any other', () => {
  const client = new RecordingClient();
  const { exchange } = client.request(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n',
  );
  client.peer.send(ok);
  assert.equal(exchange.response?.body, 'ok');
  assert.equal(client.freed, 1);
});

test('CONNECT: 2xx opens a tunnel and loses its framing, anything else is an answer', () => {
  const connect = 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n';
  const client = new RecordingClient();
  const { exchange } = client.request(connect);
  client.peer.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nlonger than three');
  assert.equal(exchange.response?.body, 'longer than three');
  assert.equal(exchange.response?.complete, false);
  const refused = new RecordingClient();
  const answer = refused.request(connect).exchange;
  refused.peer.send('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
  assert.equal(answer.response?.complete, true);
  assert.equal(refused.freed, 1);
});
