// The two connections linked, over real sockets: what a client and an upstream see of each other through the codec.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { LoopProxy } from './testing/loop-proxy.ts';
import { RawBackend, RawClient } from './testing/raw-peers.ts';

const timeout = 20_000;
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
let backend: RawBackend;
let proxy: LoopProxy;

before(async () => {
  backend = await RawBackend.listen();
  proxy = new LoopProxy({ upstreamPort: backend.port, lingerMs: 100 });
});
afterEach(async () => {
  proxy.destroyConnections();
  await proxy.until(() => proxy.downstream.size === 0 && proxy.upstream.size === 0);
  // Only now: what one test has left in sockets must not reach the script, or the lists, of the next.
  await backend.drop();
  proxy.aborts.length = 0;
  proxy.failures.length = 0;
});
after(async () => {
  proxy.close();
  await backend.close();
});

test('requests of one client share one upstream connection', { timeout }, async () => {
  const client = await RawClient.connect(proxy.port);
  const dialled = proxy.dialled;
  for (let i = 0; i < 10; i++) assert.equal(await client.exchange(get), ok);
  assert.equal(proxy.dialled - dialled, 1);
});

test('what goes through is what was sent, byte for byte', { timeout }, async () => {
  const request =
    'PUT /%7Efoo//bar?q="x"&y HTTP/1.1\r\nhOST: Exa-mple\r\nX-UPPER:a\r\nx-lower:   b  \r\nX-UPPER: c\r\ncontent-LENGTH: 3\r\n\r\nabc';
  const answer =
    'HTTP/1.1 299 Weird  Reason\r\nsET-cookie: a\r\nServer:x\r\nSet-Cookie:  b \r\nCONTENT-length: 2\r\n\r\nok';
  backend.reset(answer);
  const client = await RawClient.connect(proxy.port);
  assert.equal(await client.exchange(request), answer);
  assert.equal(backend.text, request);
});

test('ab: HTTP/1.0 with and without keep-alive', { timeout }, async () => {
  const lines = 'Host: a:80\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n';
  const kept = await RawClient.connect(proxy.port);
  for (let i = 0; i < 3; i++) {
    const answer = await kept.exchange(`GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n${lines}`);
    assert.equal(answer, 'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nContent-Length: 2\r\n\r\nok');
  }
  assert.match(
    backend.text,
    /^(GET \/ HTTP\/1\.1\r\nHost: a:80\r\nUser-Agent: ApacheBench\/2\.3\r\nAccept: \*\/\*\r\n\r\n){3}$/,
  );
  const single = await RawClient.connect(proxy.port);
  single.send(`GET / HTTP/1.0\r\n${lines}`);
  assert.match(
    await single.untilEnd(),
    /^HTTP\/1\.1 200 OK\r\nconnection: close\r\nContent-Length: 2\r\n\r\nok$/,
  );
});

test('nginx proxy_pass as it comes: HTTP/1.0, Connection: close, any answer', { timeout }, async () => {
  const request = 'GET /x HTTP/1.0\r\nHost: backend\r\nConnection: close\r\nAccept: */*\r\n\r\n';
  for (const [answer, body] of [
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n', 'abc'],
    [ok, 'ok'],
    ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  ] as const) {
    backend.reset(answer);
    const client = await RawClient.connect(proxy.port);
    client.send(request);
    const text = await client.untilEnd();
    assert.match(text, /\r\nconnection: close\r\n/);
    assert.doesNotMatch(text, /transfer-encoding/i);
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), body);
  }
});

test('an upstream that ends its answer with its connection', { timeout }, async () => {
  backend.reset(socket => socket.end('HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello'));
  const client = await RawClient.connect(proxy.port);
  client.send(get);
  const text = await client.until(received => received.endsWith('0\r\n\r\n'));
  assert.equal(text, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  const old = await RawClient.connect(proxy.port);
  old.send('GET / HTTP/1.0\r\n\r\n');
  assert.equal(await old.untilEnd(), 'HTTP/1.1 200 OK\r\nconnection: close\r\nX: y\r\n\r\nhello');
});

test('96 KB of headers and a 64 KB URL go through whole', { timeout }, async () => {
  let lines = '';
  for (let i = 0; i < 12; i++) lines += `X-Large-${i}: ${String.fromCharCode(97 + i).repeat(8100)}\r\n`;
  const request = `GET /${'u'.repeat(65_535)} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  backend.reset(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`);
  const client = await RawClient.connect(proxy.port);
  assert.equal(await client.exchange(request), `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`);
  assert.equal(backend.text, request);
});

test('over the limits: 414 and 431 at once, and nothing reaches the upstream', { timeout }, async () => {
  const long = await RawClient.connect(proxy.port);
  long.send(`GET /${'u'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.match(await long.untilEnd(), /^HTTP\/1\.1 414 /);
  const large = await RawClient.connect(proxy.port);
  large.send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(140_000)}\r\n\r\n`);
  assert.match(await large.untilEnd(), /^HTTP\/1\.1 431 /);
  assert.equal(backend.text, '');
});

/** Sizes on both sides of every power of two up to 128 KiB. */
const sizes: number[] = [];
for (let power = 0; power <= 17; power++) sizes.push(2 ** power - 1, 2 ** power, 2 ** power + 1);

/** A Node server that sends back the body in chunks, with trailers that tell how much it was and echo the request's. */
async function echo(): Promise<Server> {
  const server = createServer((request, response) => {
    let bytes = 0;
    response.writeHead(200, { trailer: 'x-bytes, x-echo' });
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      response.write(chunk);
    });
    request.on('end', () => {
      response.addTrailers({ 'x-bytes': String(bytes), 'x-echo': request.trailers['x-sent'] ?? 'none' });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('chunked bodies with trailers, both ways, at every size around a power of two', {
  timeout,
}, async () => {
  const server = await echo();
  const through = new LoopProxy({ upstreamPort: (server.address() as AddressInfo).port });
  const { Agent } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const one = async (size: number): Promise<void> => {
    const body = Buffer.alloc(size, String(size % 10));
    const sent = httpRequest({ port: through.port, method: 'POST', agent, headers: { trailer: 'x-sent' } });
    sent.addTrailers({ 'x-sent': `s${size}` });
    // A head of its own, so that sizes of chunks and not of packets count.
    sent.flushHeaders();
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(body), `body of ${size}`);
    assert.equal(response.trailers['x-bytes'], String(size));
    assert.equal(response.trailers['x-echo'], `s${size}`, `trailers of the request, ${size}`);
  };
  await Promise.all(sizes.map(one));
  assert.equal(through.completed, sizes.length);
  agent.destroy();
  through.close();
  server.close();
});

test('informational answers arrive before the final one, in order', { timeout }, async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n';
  backend.reset(`HTTP/1.1 102 Processing\r\n\r\n${hints}${ok}`);
  const client = await RawClient.connect(proxy.port);
  client.send(get);
  const text = await client.until(received => received.endsWith('ok'));
  assert.equal(text, `HTTP/1.1 102 Processing\r\n\r\n${hints}${ok}`);
});

const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';

test('Expect: 100-continue: the body waits for 100 and then goes', { timeout }, async () => {
  backend.reset((socket, text) => {
    if (text === 'body') socket.write(ok);
    else if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  });
  const client = await RawClient.connect(proxy.port);
  client.send(expecting);
  await client.until(text => text === 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send('body');
  await client.until(text => text.endsWith(ok));
  assert.equal(backend.text, `${expecting}body`);
  await proxy.until(() => proxy.idleConnections === 1);
});

test('Expect: 100-continue: 401 and redirects come before the body, which is never asked for', {
  timeout,
}, async () => {
  for (const answer of [
    'HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno',
    'HTTP/1.1 307 There\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n',
  ]) {
    backend.reset(answerHead(answer));
    const client = await RawClient.connect(proxy.port);
    client.send(expecting);
    const text = await client.untilEnd();
    assert.equal(text, answer.replace('\r\n', '\r\nconnection: close\r\n'));
    await proxy.until(() => proxy.upstream.size === 0);
    assert.equal(backend.text, expecting);
  }
});

/** Answers as soon as the head is there, whatever the body. */
function answerHead(answer: string): (socket: Socket, text: string) => void {
  return (socket, text) => {
    if (text.includes('\r\n\r\n')) socket.write(answer);
  };
}

test('Expect: 100-continue: a client that does not wait, and an upstream that never says 100', {
  timeout,
}, async () => {
  const eager = await RawClient.connect(proxy.port);
  assert.equal(await eager.exchange(`${expecting}body`), ok);
  const patient = await RawClient.connect(proxy.port);
  patient.send(expecting);
  await backend.until(() => backend.text.split('POST').length === 3);
  patient.send('body');
  await patient.until(text => text === ok);
});

test('an answer that comes while the body is still coming reaches the client whole', {
  timeout,
}, async () => {
  backend.reset(answerHead('HTTP/1.1 413 Too much\r\nContent-Length: 8\r\n\r\ntoo much'));
  const client = await RawClient.connect(proxy.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  const block = Buffer.alloc(100_000);
  for (let i = 0; i < 20; i++) client.send(block);
  await client.until(text => text.endsWith('too much'));
  await proxy.until(() => proxy.upstream.size === 0);
});

test('WebSocket: upgraded both ways, and each direction ends by itself', { timeout }, async () => {
  const upgrade =
    'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n';
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
  let upstream: Socket | undefined;
  let tunnel = '';
  backend.reset((socket, text) => {
    if (upstream === undefined) socket.write(`${switched}hello`);
    else tunnel += text;
    upstream = socket;
    if (tunnel !== '') socket.write('');
  });
  const client = await RawClient.connect(proxy.port);
  client.send(upgrade);
  await client.until(text => text === `${switched}hello`);
  assert.equal(backend.text, upgrade);
  client.send('frame');
  await backend.until(() => backend.text.endsWith('frame'));
  client.end();
  await once(upstream!, 'end');
  assert.equal(client.over, '', 'the other direction ended as well');
  await client.untilEnd();
  await proxy.until(() => proxy.downstream.size === 0 && proxy.upstream.size === 0);
  assert.deepEqual(proxy.aborts, []);
  assert.deepEqual(proxy.failures, []);
});

test('a tunnel whose upstream ends first goes on carrying what the client sends', { timeout }, async () => {
  const received: Buffer[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, socket => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 Connected\r\n\r\nbye');
      socket.on('data', chunk => received.push(chunk));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new LoopProxy({ upstreamPort: (server.address() as AddressInfo).port });
  const client = await RawClient.connect(through.port);
  client.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  await client.until(text => text.endsWith('bye'));
  while (client.over === '') await new Promise(resolve => setImmediate(resolve));
  assert.equal(client.over, 'end');
  client.send('after your end');
  client.end();
  await through.until(() => through.downstream.size === 0 && through.upstream.size === 0);
  assert.equal(Buffer.concat(received).toString(), 'after your end');
  assert.deepEqual(through.failures, []);
  assert.deepEqual(through.aborts, []);
  through.close();
  server.close();
});

test('a client that goes takes its upstream connection with it, in every phase', { timeout }, async () => {
  const phases: [string, string, string | undefined][] = [
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf', 'half', undefined],
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'half\r\n', undefined],
    [get, '\r\n\r\n', undefined],
    [get, '\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    [get, '\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ];
  for (const [sent, arrived, answer] of phases) {
    backend.reset((socket, text) => {
      if (answer !== undefined && text.endsWith(arrived)) socket.write(answer);
    });
    const client = await RawClient.connect(proxy.port);
    client.send(sent);
    await backend.until(() => backend.text.endsWith(arrived));
    if (answer !== undefined) await client.until(text => text.includes('half'));
    const before = proxy.aborts.length;
    client.socket.resetAndDestroy();
    await proxy.until(() => proxy.upstream.size === 0);
    assert.deepEqual(proxy.aborts.slice(before), ['DC']);
    assert.ok(!backend.text.endsWith('0\r\n\r\n'));
  }
});

test('an upstream that goes: an answer of our own before the head, a broken connection after it', {
  timeout,
}, async () => {
  const cases: [string, RegExp, boolean][] = [
    ['', /^HTTP\/1\.1 502 /, true],
    ['HTTP/1.1 20', /^HTTP\/1\.1 502 /, true],
    ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', /half$/, false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', /half\r\n$/, false],
  ];
  for (const [answer, expected, kept] of cases) {
    backend.reset(socket =>
      answer === '' ? socket.destroy() : socket.write(answer, () => socket.destroy()),
    );
    const client = await RawClient.connect(proxy.port);
    client.send(get);
    if (kept)
      await client.until(text => text.includes('without an answer\n') || text.includes('of its answer\n'));
    else await client.untilEnd();
    assert.match(client.text, expected);
    assert.equal(client.over === '', kept);
    client.destroy();
  }
});

test('a hundred megabytes each way, with the other side slow, are not held in memory', {
  timeout: 60_000,
}, async () => {
  const total = 100 * 1024 * 1024;
  const block = Buffer.alloc(1024 * 1024, 'x');
  const server = createTcpServer(socket => {
    let left = -1;
    let received = 0;
    const send = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('drain', send);
    socket.on('error', () => {});
    socket.on('data', chunk => {
      received += chunk.length;
      // Slowly: a pause after every piece.
      if (left < 0 && received < total) {
        socket.pause();
        setImmediate(() => socket.resume());
        return;
      }
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      left = total;
      send();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new LoopProxy({ upstreamPort: (server.address() as AddressInfo).port });
  const client = await RawClient.connect(through.port);
  let most = 0;
  const pending = (): void => {
    for (const side of [through.downstream, through.upstream])
      for (const connection of side) most = Math.max(most, connection.wire.pendingBytes);
  };
  client.socket.removeAllListeners('data');
  let received = 0;
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
  for (let sent = 0; sent < total; sent += block.length) {
    if (!client.socket.write(block)) await once(client.socket, 'drain');
    pending();
  }
  await new Promise<void>(resolve => {
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      pending();
      client.socket.pause();
      setImmediate(() => client.socket.resume());
      if (received > total) resolve();
    });
  });
  assert.ok(received > total);
  assert.ok(most > 0, 'nothing was ever held back, so this proves nothing');
  assert.ok(most < 1024 * 1024, `${most} bytes were held for one connection`);
  client.destroy();
  await through.until(() => through.downstream.size === 0);
  through.close();
  server.close();
});

test('pipelined requests are answered in order by an upstream that takes them one at a time', {
  timeout,
}, async () => {
  let busy = 0;
  backend.reset((socket, text) => {
    const path = /^GET (\S+) .+\r\n(.+\r\n)*\r\n$/.exec(text)?.[1];
    if (path === undefined) return;
    assert.equal(++busy, 1, 'two requests at once on one connection');
    busy--;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  });
  const client = await RawClient.connect(proxy.port);
  const paths = Array.from({ length: 100 }, (_, i) => `/p${i}`);
  client.send(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  const text = await client.until(received => received.endsWith('/p99'));
  assert.deepEqual(text.match(/\/p\d+/g), paths);
});
