import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field } from '../http/index.ts';
import { responseHead, trailers } from './testing/heads.ts';
import { RecordingServer, reply } from './testing/recording-server.ts';

const get = (path: string, lines = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (body: string, lines = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function waiting(): RecordingServer {
  const server = new RecordingServer();
  server.answerWhen = 'never';
  return server;
}

/** Passes a piece of an answer's body on. */
function data(server: RecordingServer, text: string): boolean {
  return server.connection.data(bytes(text), 0, text.length);
}

test('requests follow each other on one connection', () => {
  const server = new RecordingServer();
  for (let i = 0; i < 5; i++) {
    server.peer.send(get(`/${i}`));
    assert.match(server.peer.take(), /^HTTP\/1\.1 200 OK\r\n(.|\r\n)*\r\n\r\nok$/);
    assert.ok(server.connection.idle);
  }
  assert.deepEqual(
    server.requests.map(request => request.target),
    ['/0', '/1', '/2', '/3', '/4'],
  );
  assert.equal(server.closed, false);
});

test('many requests in one packet are answered in order, wherever the packet is cut', () => {
  const chunked =
    'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n';
  const all = `${get('/a')}${post('hello')}${chunked}\r\n${get('/d')}`;
  const expected = [
    ['/a', '', ''],
    ['/', 'hello', ''],
    ['/c', 'abc', 'T: u\r\n'],
    ['/d', '', ''],
  ];
  for (let at = 0; at < all.length; at++) {
    const server = new RecordingServer();
    if (at > 0) server.peer.send(all.slice(0, at));
    server.peer.send(all.slice(at));
    const seen = server.requests.map(request => [request.target, request.body, request.trailers]);
    assert.deepEqual(seen, expected, `cut at ${at}`);
    assert.equal(server.peer.text.split('HTTP/1.1 200 OK').length, 5);
  }
});

test('while an answer is due, at most one read of further requests is held, and then they follow', () => {
  const server = waiting();
  server.peer.send(get('/first'));
  for (let i = 0; i < 200; i++) server.peer.send(get(`/${i}`));
  assert.equal(server.requests.length, 1);
  assert.ok(server.peer.unread > 0, 'everything was read');
  server.answerWhen = 'at-end';
  server.connection.respondLocal(reply(200, 'ok'));
  server.peer.pump();
  assert.equal(server.requests.length, 201);
  assert.deepEqual(
    server.requests.slice(1).map(request => request.target),
    Array.from({ length: 200 }, (_, i) => `/${i}`),
  );
});

test('an answer to HEAD, a 204 and a 304 have no body', () => {
  const server = waiting();
  server.peer.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  server.connection.respondLocal(reply(200, 'four'));
  assert.match(server.peer.take(), /content-length: 4\r\n\r\n$/);
  for (const status of [204, 304]) {
    server.peer.send(get('/'));
    server.connection.respondLocal(reply(status, 'never'));
    assert.doesNotMatch(server.peer.take(), /never|content-length/);
  }
  server.peer.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  server.connection.respond(responseHead('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', true), true);
  assert.equal(server.peer.take(), 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
  assert.ok(server.connection.idle);
});

test('an answer without framing goes on chunked to HTTP/1.1', () => {
  const server = waiting();
  server.peer.send(get('/'));
  server.connection.respond(responseHead('HTTP/1.0 200 Fine\r\nX-y: Z\r\n\r\n'), false);
  data(server, 'hello');
  data(server, 'x'.repeat(17));
  server.connection.end(undefined);
  assert.equal(
    server.peer.text,
    `HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\nX-y: Z\r\n\r\n5\r\nhello\r\n11\r\n${'x'.repeat(17)}\r\n0\r\n\r\n`,
  );
  assert.ok(server.connection.idle);
});

test('to HTTP/1.0 an answer of unknown length goes on plain and ends with the connection', () => {
  for (const head of [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n',
    'HTTP/1.0 200 OK\r\nA: b\r\n\r\n',
  ]) {
    const server = waiting();
    server.peer.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    server.connection.respond(responseHead(head), false);
    data(server, 'hello');
    server.connection.end(trailers('trailing: lost\r\n'));
    assert.equal(server.peer.text, 'HTTP/1.1 200 OK\r\nconnection: close\r\nA: b\r\n\r\nhello');
    assert.ok(server.peer.ended);
  }
});

test('HTTP/1.0 with keep-alive is told that the connection stays, without it the connection ends', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
  const server = waiting();
  for (let i = 0; i < 3; i++) {
    server.peer.send('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
    server.connection.respond(responseHead(head), false);
    data(server, 'ok');
    server.connection.end(undefined);
    assert.equal(
      server.peer.take(),
      'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    );
  }
  server.peer.send('GET / HTTP/1.0\r\n\r\n');
  server.connection.respond(responseHead(head), false);
  data(server, 'ok');
  server.connection.end(undefined);
  assert.equal(server.peer.take(), 'HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 2\r\n\r\nok');
  assert.ok(server.peer.ended);
});

test("an answer of Weft's own ends the connection of an HTTP/1.0 client, which would wait for that", () => {
  const server = waiting();
  server.peer.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  server.connection.respondLocal(reply(503, 'no'));
  assert.match(server.peer.text, /\r\nconnection: close\r\n/);
  assert.ok(server.peer.ended);
});

test('informational answers go on in order, but not to HTTP/1.0', () => {
  const server = waiting();
  const hints = responseHead('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
  server.peer.send(get('/'));
  server.connection.informational(hints);
  server.connection.informational(hints);
  server.connection.respondLocal(reply(200));
  assert.match(
    server.peer.text,
    /^(HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\n){2}HTTP\/1\.1 200 /,
  );
  const old = waiting();
  old.peer.send('GET / HTTP/1.0\r\n\r\n');
  old.connection.informational(hints);
  old.connection.respondLocal(reply(200));
  assert.match(old.peer.text, /^HTTP\/1\.1 200 /);
});

test('an answer that comes before the body says that the connection ends, and what the client still sends is thrown away', async () => {
  const server = waiting();
  server.peer.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst');
  server.connection.respondLocal(reply(403, 'no'));
  assert.match(server.peer.text, /connection: close\r\n\r\nno$/);
  assert.ok(server.peer.ended);
  for (let i = 0; i < 10; i++) server.peer.send('x'.repeat(60_000));
  assert.equal(server.peer.unread, 0);
  assert.equal(server.last.body, 'first');
  assert.equal(server.closed, false, 'the client gets time to read');
  await server.clock.advance(1100);
  assert.equal(server.closed, true);
  assert.deepEqual(server.aborts, []);
});

test("an upstream's early answer without a body says that the connection ends", () => {
  const server = waiting();
  server.peer.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst');
  server.connection.respond(responseHead('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'), true);
  assert.equal(server.peer.text, 'HTTP/1.1 401 No\r\nconnection: close\r\nContent-Length: 0\r\n\r\n');
});

test('a final answer to Expect: 100-continue says that the connection ends, after 100 it does not', () => {
  const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
  const answer = 'HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n';
  const server = waiting();
  server.peer.send(expecting);
  server.connection.respond(responseHead(answer), false);
  data(server, 'no');
  server.connection.end(undefined);
  assert.equal(server.peer.text, 'HTTP/1.1 401 No\r\nconnection: close\r\nContent-Length: 2\r\n\r\nno');
  assert.ok(server.peer.ended);
  const other = waiting();
  other.peer.send(expecting);
  other.connection.informational(responseHead('HTTP/1.1 100 Continue\r\n\r\n'));
  other.peer.send('ab');
  other.connection.respond(responseHead(answer), false);
  data(other, 'no');
  other.connection.end(undefined);
  assert.equal(other.peer.text, `HTTP/1.1 100 Continue\r\n\r\n${answer}no`);
  assert.ok(other.connection.idle);
});

test('Connection: close is answered in kind and what follows is not read', () => {
  const server = new RecordingServer();
  server.peer.send(get('/a', 'Connection: close\r\n') + get('/b'));
  assert.equal(server.requests.length, 1);
  assert.match(server.peer.text, /connection: close/);
  assert.ok(server.peer.ended);
});

test('draining: the answer under way and the next ones end the connection, an idle one stays', () => {
  const server = waiting();
  server.connection.drain();
  assert.equal(server.peer.ended, false);
  server.peer.send(get('/'));
  server.connection.respond(responseHead('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), true);
  assert.match(server.peer.text, /connection: close/);
  assert.ok(server.peer.ended);
});

test('too large a head is refused before its end: 414 for the target, 431 for the headers', () => {
  const long = new RecordingServer();
  long.peer.send(`GET /${'x'.repeat(82_000)}`);
  assert.match(long.peer.text, /^HTTP\/1\.1 414 /);
  const large = new RecordingServer();
  large.peer.send(`GET / HTTP/1.1\r\nHost: a\r\n`);
  for (let i = 0; i < 20 && !large.peer.ended; i++) large.peer.send(`X-${i}: ${'y'.repeat(8000)}\r\n`);
  assert.match(large.peer.text, /^HTTP\/1\.1 431 /);
  const many = new RecordingServer();
  many.peer.send(`GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(1000)}`);
  assert.match(many.peer.text, /^HTTP\/1\.1 431 /);
  for (const server of [long, large, many]) {
    assert.equal(server.requests.length, 0);
    assert.ok(server.peer.ended);
  }
});

test('a slow head is answered with 408, however steadily it trickles', async () => {
  const server = new RecordingServer();
  for (const char of 'GET / HT') {
    server.peer.send(char);
    await server.clock.advance(700);
  }
  assert.match(server.peer.text, /^HTTP\/1\.1 408 (.|\r\n)*\(weft: head-timeout\)/);
  assert.ok(server.peer.ended);
  assert.deepEqual(server.faults, ['head-timeout']);
});

test('the time limit of a head ends with the head', async () => {
  const server = waiting();
  server.peer.send('GET / HTTP/1.1\r\n');
  server.peer.send('Host: a\r\n\r\n');
  await server.clock.advance(30_000);
  assert.equal(server.peer.text, '');
  assert.equal(server.closed, false);
});

test('an idle connection is closed without a word', async () => {
  const server = new RecordingServer();
  server.peer.send(get('/'));
  server.peer.take();
  await server.clock.advance(62_000);
  assert.equal(server.peer.text, '');
  assert.equal(server.closed, true);
});

test('a client that half-closes after Connection: close still gets its answer', () => {
  const server = waiting();
  server.peer.send(get('/', 'Connection: close\r\n'));
  server.peer.end();
  assert.deepEqual(server.aborts, []);
  server.connection.respondLocal(reply(200, 'late'));
  server.peer.pump();
  assert.match(server.peer.text, /late$/);
  assert.equal(server.closed, true);
});

test('a client that half-closes after a whole request gets its answer, whatever it asked of the connection', () => {
  for (const request of [get('/'), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi']) {
    const server = waiting();
    server.peer.send(request);
    server.peer.end();
    assert.deepEqual(server.aborts, []);
    server.connection.respond(responseHead('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'), false);
    data(server, 'late');
    server.connection.end(undefined);
    server.peer.pump();
    assert.match(server.peer.text, /\r\nconnection: close\r\n[\s\S]*late$/);
    assert.equal(server.closed, true);
  }
});

test('a client that half-closes while it is answered, or behind several requests, gets everything', () => {
  const begun = waiting();
  begun.peer.send(get('/'));
  begun.connection.respond(responseHead('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'), false);
  data(begun, 'be');
  begun.peer.end();
  data(begun, 'gn');
  begun.connection.end(undefined);
  begun.peer.pump();
  assert.match(begun.peer.text, /begn$/);
  assert.deepEqual([begun.aborts, begun.closed], [[], true]);

  const several = waiting();
  several.peer.send(get('/1') + get('/2') + get('/3'));
  several.peer.end();
  for (const word of ['one', 'two', 'three']) {
    assert.equal(several.closed, false, word);
    several.connection.respondLocal(reply(200, word));
    several.peer.pump();
  }
  assert.match(several.peer.text, /one[\s\S]*two[\s\S]*three$/);
  assert.deepEqual([several.requests.length, several.aborts, several.closed], [3, [], true]);

  const cut = waiting();
  cut.peer.send(`${get('/1')}GET /2 HT`);
  cut.peer.end();
  cut.connection.respondLocal(reply(200, 'one'));
  cut.peer.pump();
  assert.match(cut.peer.text, /one$/);
  assert.deepEqual([cut.requests.length, cut.aborts, cut.closed], [1, [], true]);
});

test('a client that breaks its connection while its answer is due has given up', () => {
  const server = waiting();
  server.peer.send(get('/'));
  server.peer.breakOff();
  assert.deepEqual(server.aborts, ['DC']);
  assert.equal(server.closed, true);
});

test('a tunnel whose client had ended before it was opened is told so', () => {
  const server = waiting();
  server.peer.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  server.peer.end();
  server.inTunnel = true;
  server.connection.respondLocal(reply(200, ''));
  assert.equal(server.tunnelEnded, true);
  data(server, 'still');
  assert.match(server.peer.text, /still$/);
  server.connection.end(undefined);
  server.peer.pump();
  assert.deepEqual([server.aborts, server.closed], [[], true]);
});

test('an answer of Weft has one content-type: the one that a policy sets, or none', () => {
  const sent = (contentType: string, ...fields: Field[]): string => {
    const server = waiting();
    server.peer.send(get('/'));
    server.connection.respondLocal({ status: 503, contentType, body: '{}', fields, close: false });
    return server.peer.text;
  };
  assert.match(
    sent('text/plain', ['Content-Type', 'application/json']),
    /\r\nContent-Type: application\/json\r\ncontent-length: 2/,
  );
  assert.equal(sent('text/plain', ['x', 'y'], ['content-type', 'a/b']).match(/content-type/gi)!.length, 1);
  assert.match(sent('text/plain', ['x-content-type', 'y']), /\r\ncontent-type: text\/plain\r\n/);
  assert.doesNotMatch(sent(''), /content-type/);
});

test('a client that goes in the middle of a body is told once', () => {
  for (const go of ['end', 'breakOff'] as const) {
    const server = waiting();
    server.peer.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst');
    server.peer[go]();
    assert.deepEqual(server.aborts, ['DC']);
    assert.equal(server.closed, true);
  }
});

test('a client that goes in the middle of a head, or while idle, aborts nothing', () => {
  for (const sent of ['', 'GET / HT']) {
    const server = waiting();
    if (sent !== '') server.peer.send(sent);
    server.peer.end();
    assert.deepEqual(server.aborts, []);
    assert.equal(server.closed, true);
  }
});

test('the end of an answer arrives though the client half-closes before it was taken', () => {
  const server = waiting();
  server.peer.send('GET / HTTP/1.0\r\n\r\n');
  server.peer.stalled = true;
  server.connection.respond(responseHead('HTTP/1.0 200 OK\r\n\r\n'), false);
  for (let i = 0; i < 4; i++) data(server, `${i}`.repeat(100_000));
  server.connection.end(undefined);
  server.peer.end();
  assert.equal(server.closed, false, 'the rest of the answer was thrown away');
  for (let i = 0; i < 9; i++) server.peer.release();
  assert.ok(server.peer.text.endsWith('3'.repeat(100_000)));
  assert.ok(server.peer.ended);
  assert.equal(server.closed, true);
});

test('the end of a kept answer arrives though the client half-closes before it was taken', () => {
  const server = waiting();
  server.peer.send(get('/'));
  server.peer.stalled = true;
  server.connection.respondLocal(reply(200, 'z'.repeat(300_000)));
  server.peer.end();
  for (let i = 0; i < 9; i++) server.peer.release();
  assert.ok(server.peer.text.endsWith('zzz'));
  assert.equal(server.peer.text.length > 300_000, true);
  assert.equal(server.closed, true);
});

test('a client that reads slowly gets the end of its answer, one that reads no more is let go', async () => {
  const server = waiting();
  server.peer.send('GET / HTTP/1.0\r\n\r\n');
  server.peer.stalled = true;
  server.connection.respondLocal(reply(200, 'z'.repeat(400_000)));
  for (let i = 0; i < 2; i++) {
    await server.clock.advance(1010);
    assert.equal(server.closed, false);
    server.peer.release(i === 0);
  }
  assert.ok(server.peer.text.endsWith('zzz'), 'cut off');
  const stuck = waiting();
  stuck.peer.send('GET / HTTP/1.0\r\n\r\n');
  stuck.peer.stalled = true;
  stuck.connection.respondLocal(reply(200, 'z'.repeat(400_000)));
  stuck.peer.end();
  await stuck.clock.advance(2100);
  assert.equal(stuck.closed, true);
});

test('a malformed body is told once, and answered when no answer has begun', () => {
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
  const server = waiting();
  server.peer.send(`${chunked}nonsense`);
  assert.deepEqual(server.aborts, ['DPE']);
  assert.deepEqual(server.faults, ['bad-chunk-size']);
  assert.match(server.peer.text, /^HTTP\/1\.1 400 /);
});

test('a malformed body behind the begin of an answer breaks the connection, once, and not in order', () => {
  const server = waiting();
  server.peer.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  server.connection.respond(responseHead('HTTP/1.1 200 OK\r\n\r\n'), false);
  data(server, 'part');
  server.peer.send('nonsense');
  assert.deepEqual(server.aborts, ['DPE']);
  assert.equal(server.closed, true);
  assert.doesNotMatch(server.peer.text, /0\r\n\r\n$|400/);
});

test('breaking off an answer cannot be taken for its end', () => {
  const cases = [
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', false],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', false],
    ['GET / HTTP/1.0\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', true],
  ] as const;
  for (const [request, head, reset] of cases) {
    const server = waiting();
    server.peer.send(request);
    server.connection.respond(responseHead(head), false);
    data(server, 'part');
    server.connection.abort('UC');
    assert.equal(server.closed, true);
    assert.equal(server.peer.wasReset, reset);
    assert.doesNotMatch(server.peer.text, /0\r\n\r\n$/);
    assert.deepEqual(server.aborts, []);
  }
});

test('back-pressure both ways: a slow client pauses the answer, a paused request is not read', () => {
  const server = waiting();
  server.peer.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
  server.connection.pauseRequest();
  server.peer.send('x'.repeat(1000));
  assert.equal(server.last.body, '');
  server.connection.resumeRequest();
  server.peer.pump();
  assert.equal(server.last.body.length, 1000);
  server.connection.respond(responseHead('HTTP/1.1 200 OK\r\n\r\n'), false);
  server.peer.stalled = true;
  let taken = 0;
  while (data(server, 'y'.repeat(60_000))) assert.ok(++taken < 10, 'back-pressure never came');
  assert.equal(server.writable, 0);
  server.peer.release();
  server.peer.release();
  assert.equal(server.writable, 1);
});

test('tunnels carry bytes both ways, what came early as well, and end one direction at a time', () => {
  for (const request of [
    'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    get('/', 'Connection: upgrade\r\nUpgrade: test\r\n'),
  ]) {
    const server = new RecordingServer();
    server.tunnels = true;
    server.peer.send(`${request}early\r\n`);
    assert.match(server.peer.take(), /^HTTP\/1\.1 (200 OK|101 Switching Protocols)\r\n(.+\r\n)*\r\n$/);
    server.peer.send('0\r\n\r\nGET / HTTP/1.1\r\n\r\n');
    assert.equal(server.tunnel, 'early\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n');
    server.peer.end();
    assert.equal(server.tunnelEnded, true);
    assert.equal(server.closed, false);
    data(server, 'still answering');
    assert.equal(server.peer.take(), 'still answering');
    server.connection.end(undefined);
    server.peer.pump();
    assert.equal(server.closed, true);
    assert.deepEqual(server.aborts, [], 'an orderly end was told as an abort');
  }
});

test('a tunnel that ends on our side first, and one that is reset', () => {
  const server = new RecordingServer();
  server.tunnels = true;
  server.peer.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  server.connection.end(undefined);
  server.peer.pump();
  assert.ok(server.peer.ended);
  server.peer.send('the other half');
  server.peer.end();
  assert.equal(server.tunnel, 'the other half');
  assert.equal(server.closed, true);
  assert.deepEqual(server.aborts, []);
  const broken = new RecordingServer();
  broken.tunnels = true;
  broken.peer.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  broken.peer.breakOff();
  assert.deepEqual(broken.aborts, ['DC']);
});

test('bytes that were read before the codec took over come first', () => {
  const server = new RecordingServer(undefined, undefined, 'GET /peeked HTTP/1.1\r\nHo');
  assert.equal(server.requests.length, 0);
  server.peer.send(`st: a\r\n\r\n${get('/next')}`);
  assert.deepEqual(
    server.requests.map(request => request.target),
    ['/peeked', '/next'],
  );
});

test('ten thousand pipelined requests are kept where they are, not copied for each of them', () => {
  const server = waiting();
  server.peer.send(get('/first'));
  server.peer.send(get('/next').repeat(1_500));
  const before = process.memoryUsage().arrayBuffers;
  const { concat, from } = Buffer;
  let copied = 0;
  Buffer.from = ((value: unknown, ...rest: never[]) => {
    if (Buffer.isBuffer(value)) copied += value.length;
    return (from as (...all: unknown[]) => Buffer)(value, ...rest);
  }) as typeof Buffer.from;
  Buffer.concat = (list, ...rest) => {
    copied += list.reduce((sum, each) => sum + each.length, 0);
    return concat(list, ...rest);
  };
  try {
    for (let i = 0; i < 1_000; i++) server.connection.respondLocal(reply(200, 'ok'));
  } finally {
    Buffer.from = from;
    Buffer.concat = concat;
  }
  assert.equal(server.requests.length, 1_001);
  assert.ok(
    copied < 100_000,
    `${copied} bytes were copied (${process.memoryUsage().arrayBuffers - before} kept)`,
  );
});

test('a client that sends requests and reads no answers is not served further until it does', () => {
  const server = new RecordingServer();
  server.answerWhen = 'never';
  server.peer.send(get('/first'));
  server.peer.send(get('/next').repeat(1_000));
  server.peer.stalled = true;
  const answer = 'z'.repeat(50_000);
  let answered = 0;
  while (answered < server.requests.length) {
    answered++;
    server.connection.respondLocal(reply(200, answer));
  }
  assert.ok(
    server.requests.length < 10,
    `${server.requests.length} answers wait for a client that does not read`,
  );
  const held = server.requests.length;
  server.peer.release();
  server.peer.pump();
  assert.equal(server.requests.length, held + 1, 'it goes on where it was');
  server.answerWhen = 'at-end';
  server.connection.respondLocal(reply(200, 'ok'));
  for (let i = 0; i < 10; i++) server.peer.pump();
  assert.equal(server.requests.length, 1_001);
  assert.equal(server.closed, false);
});
