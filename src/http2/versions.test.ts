// Both codecs in every combination, with Node's clients and servers at the ends.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createServer1,
  type IncomingMessage,
  request as request1,
  type Server,
} from 'node:http';
import {
  type ClientHttp2Session,
  connect as connect2,
  createServer as createServer2,
  type Http2Server,
} from 'node:http2';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { PairProxy, type Version } from './testing/pair-proxy.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  readonly informational: readonly number[];
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Buffer;
  readonly trailers?: Readonly<Record<string, string>>;
}

const large = Buffer.alloc(700_000, 'weft ');

/** What both versions' servers do; Node gives them nearly the same interface. */
function serve(request: IncomingMessage, response: import('node:http').ServerResponse): void {
  const path = request.url ?? '';
  if (path === '/echo') {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200, {
        'x-method': request.method ?? '',
        'x-seen': JSON.stringify(request.headers),
      });
      for (const chunk of chunks) response.write(chunk);
      response.addTrailers({ 'x-sum': request.trailers['x-sent'] ?? 'none', 'grpc-status': '0' });
      response.end();
    });
  } else if (path === '/large') response.writeHead(200, { 'content-length': large.length }).end(large);
  else if (path === '/204') response.writeHead(204).end();
  else if (path === '/304') response.writeHead(304, { etag: '"a"' }).end();
  else if (path === '/early') {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end('late');
  } else if (path === '/break') {
    response.writeHead(200);
    response.write('half');
    setImmediate(() => response.destroy());
  } else response.end(path);
}

function backend(version: Version): Server | Http2Server {
  if (version === 1) {
    const server = createServer1(serve);
    server.on('upgrade', (request, socket: Socket) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    return server;
  }
  const server = createServer2({ settings: { enableConnectProtocol: true } }, serve as never);
  // What is still open when the test ends.
  server.on('session', session => session.on('error', () => {}));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':protocol'] !== 'websocket') return;
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  // The compatible interface answers CONNECT itself; the stream above has.
  server.on('connect', () => {});
  return server;
}

for (const down of [1, 2] as const)
  for (const up of [1, 2] as const)
    describe(`HTTP/${down} to HTTP/${up}`, () => {
      let server: Server | Http2Server;
      let proxy: PairProxy;
      let session: ClientHttp2Session | undefined;

      before(async () => {
        server = backend(up);
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        proxy = new PairProxy({ upstreamPort: (server.address() as AddressInfo).port, down, up });
        if (down === 2) session = connect2(`http://127.0.0.1:${proxy.port}`).on('error', () => {});
      });
      after(() => {
        session?.destroy();
        proxy.close();
        if ('closeAllConnections' in server) server.closeAllConnections();
        server.close();
      });

      const ask = (asked: Asked): Promise<Answer> =>
        session === undefined ? askOne(proxy.port, asked) : askTwo(session, asked);

      test('a request with fields, cookies and a query arrives as it was sent', async () => {
        const { status, headers, body } = await ask({
          path: '/echo',
          headers: { 'x-a': '1', cookie: 'a=1; b=2', accept: '*/*' },
        });
        assert.equal(status, 200);
        assert.equal(body.length, 0);
        assert.equal(headers['x-method'], 'GET');
        const seen = JSON.parse(String(headers['x-seen'])) as Record<string, string>;
        assert.equal(seen['x-a'], '1');
        assert.equal(seen.cookie, 'a=1; b=2');
        assert.equal(seen.host ?? seen[':authority'], `127.0.0.1:${proxy.port}`);
        assert.equal((await ask({ path: '/q?a=b%20c&d' })).body.toString(), '/q?a=b%20c&d');
      });

      test('bodies of every size around powers of two, and trailers both ways', async () => {
        for (let power = 0; power <= 17; power++)
          for (const size of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
            const sent = large.subarray(0, size);
            const { body, trailers } = await ask({
              method: 'POST',
              path: '/echo',
              body: sent,
              trailers: { 'x-sent': `${size}` },
            });
            assert.ok(body.equals(sent), `${size} bytes`);
            assert.equal(trailers['x-sum'], `${size}`);
            assert.equal(trailers['grpc-status'], '0');
          }
      });

      test('a large answer, and many at once', async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => ask({ path: '/large' })));
        for (const { status, body } of answers) assert.ok(body.equals(large), `${status} ${body.length}`);
        assert.deepEqual(proxy.failures, []);
      });

      test('answers without a body, and what comes before an answer', async () => {
        assert.equal((await ask({ method: 'HEAD', path: '/large' })).body.length, 0);
        assert.equal((await ask({ path: '/204' })).status, 204);
        const { status, headers } = await ask({ path: '/304' });
        assert.deepEqual([status, headers.etag], [304, '"a"']);
        const early = await ask({ path: '/early' });
        assert.deepEqual(early.informational, [103]);
        assert.deepEqual(early.headers['set-cookie'], ['a=1', 'b=2']);
        assert.equal(early.body.toString(), 'late');
      });

      test('an answer that breaks off is no whole one, and others go on', async () => {
        await assert.rejects(ask({ path: '/break' }));
        assert.equal((await ask({ path: '/ok' })).body.toString(), '/ok');
      });

      test('96 KB of headers', async () => {
        const headers = Object.fromEntries(
          Array.from({ length: 12 }, (_, n) => [`x-${n}`, 'y'.repeat(1000)]),
        );
        assert.equal((await ask({ path: '/ok', headers })).status, 200);
      });

      test('a WebSocket', async () => {
        const echoed = session === undefined ? await upgradeOne(proxy.port) : await upgradeTwo(session);
        assert.equal(echoed, 'hello, socket');
      });
    });

function askOne(
  port: number,
  { method = 'GET', path, headers = {}, body, trailers }: Asked,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const informational: number[] = [];
    const chunked =
      trailers === undefined ? {} : { 'transfer-encoding': 'chunked', trailer: Object.keys(trailers).join() };
    const request = request1(
      { port, host: '127.0.0.1', method, path, headers: { ...headers, ...chunked } },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', chunk => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks),
            trailers: response.trailers,
            informational,
          }),
        );
      },
    );
    request.on('information', ({ statusCode }) => informational.push(statusCode));
    request.on('error', reject);
    if (trailers !== undefined) request.addTrailers(trailers);
    request.end(body);
  });
}

function askTwo(
  session: ClientHttp2Session,
  { method = 'GET', path, headers = {}, body, trailers }: Asked,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const hasBody = body !== undefined || trailers !== undefined;
    const stream = session.request({ ':method': method, ':path': path, ...headers }, {
      endStream: !hasBody,
      waitForTrailers: trailers !== undefined,
    } as object);
    const chunks: Buffer[] = [];
    const informational: number[] = [];
    let answer: Record<string, string | string[] | undefined> = {};
    let received: Record<string, string | string[] | undefined> = {};
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.on('headers', each => informational.push(Number(each[':status'])));
    stream.on('response', each => {
      answer = each as typeof answer;
    });
    stream.on('trailers', each => {
      received = each as typeof received;
    });
    stream.on('data', chunk => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => {
      if (stream.rstCode > 0) reject(new Error(`reset ${stream.rstCode}`));
      else
        resolve({
          status: Number(answer[':status']),
          headers: answer,
          body: Buffer.concat(chunks),
          trailers: received,
          informational,
        });
    });
    if (hasBody) stream.end(body);
  });
}

async function upgradeOne(port: number): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(
    'GET /chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  let text = '';
  socket.on('data', chunk => {
    text += chunk.toString('latin1');
  });
  while (!text.includes('\r\n\r\n')) await once(socket, 'data');
  assert.match(text, /^HTTP\/1.1 101 .*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/is);
  socket.write('hello, ');
  socket.write('socket');
  while (!text.endsWith('socket')) await once(socket, 'data');
  socket.destroy();
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

async function upgradeTwo(session: ClientHttp2Session): Promise<string> {
  if (session.remoteSettings?.enableConnectProtocol !== true) await once(session, 'remoteSettings');
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/chat',
    ':scheme': 'http',
    'sec-websocket-version': '13',
  });
  const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(answer[':status'], 200);
  stream.write('hello, ');
  stream.end('socket');
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}
