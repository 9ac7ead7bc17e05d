// Threads about failures that must be repeated, and ends that must arrive: envoy 11049 and 17629 (retries blind to trailers),
// 36450 and 20650 (streams refused or beyond a GOAWAY), 30149 and 38206 (a reset that overtakes trailers).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { FLAGS, FRAME } from '../../../src/http2/frames.ts';
import { block, frame, number, SETTINGS_ACK, settings } from '../../../src/http2/testing/frames.ts';
import type { RetryPolicy } from '../../../src/model/index.ts';
import { tcpServer } from '../../../src/proxy/testing/clients.ts';
import { MeshPath } from '../mesh-path.ts';
import { answer, Caller, failing, next, statusOf, TextServer } from './calls.ts';

/** A server of HTTP/2 that does with streams what no gRPC library does. */
async function rawServer(
  onStream: (stream: ServerHttp2Stream) => void,
): Promise<{ port: number; close(): void }> {
  const server: Http2Server = createServer();
  server.on('stream', stream => {
    stream.on('error', () => {});
    onStream(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** What `weft.dev/retry-on: unavailable` or `retryOn: unavailable` asks for. */
const onUnavailable: Partial<RetryPolicy> = { on: ['unavailable', 'connect-failure', 'refused-stream'] };

/** One message of text. */
function message(text: string): Buffer {
  const bytes = Buffer.alloc(5 + text.length);
  bytes.writeUInt32BE(text.length, 1);
  bytes.write(text, 5);
  return bytes;
}

const head = { ':status': 200, 'content-type': 'application/grpc' };

/** Answers as a gRPC server does. */
function good(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(message('good'));
}

test('UNAVAILABLE in trailers, behind headers that say 200, is tried again at another pod', async t => {
  const bad = await TextServer.start({ Ask: failing(status.UNAVAILABLE, 'not here') });
  const well = await TextServer.start({ Ask: answer('well') });
  const path = new MeshPath('mutual TLS', { retry: onUnavailable });
  path.serve(bad.port, well.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, bad, well]) each.close();
  });
  for (let i = 0; i < 20; i++) assert.equal(await caller.unary('Ask'), 'well');
  assert.ok(bad.calls.length > 0, 'the failing pod was never asked');
});

test('what nobody asked to be repeated is told as it is: a server may have acted on the call', async t => {
  const server = await TextServer.start({ Ask: failing(status.UNAVAILABLE, 'not here') });
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  await assert.rejects(caller.unary('Ask'), /14 UNAVAILABLE: not here/);
  assert.equal(server.calls.length, 1);
});

test('a status that says that the call itself is wrong is not repeated', async t => {
  const server = await TextServer.start({ Ask: failing(status.INVALID_ARGUMENT, 'no such thing') });
  const path = new MeshPath('mutual TLS', { retry: onUnavailable });
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  const error = await caller.unary('Ask').then(assert.fail, (thrown: ServiceError) => thrown);
  assert.deepEqual([error.code, error.details], [status.INVALID_ARGUMENT, 'no such thing']);
  assert.equal(server.calls.length, 1);
});

test('a negative pushback forbids the repetition', async t => {
  const metadata = new Metadata();
  metadata.set('grpc-retry-pushback-ms', '-1');
  const server = await TextServer.start({ Ask: failing(status.UNAVAILABLE, 'stay away', metadata) });
  const path = new MeshPath('mutual TLS', { retry: onUnavailable });
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  await assert.rejects(caller.unary('Ask'), /stay away/);
  assert.equal(server.calls.length, 1);
});

test('a stream that was refused goes out again, although it is a POST', async t => {
  let asked = 0;
  const server = await rawServer(stream => {
    if (asked++ === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else good(stream);
  });
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  assert.equal(await caller.unary('Ask'), 'good');
  assert.equal(asked, 2);
});

test('a stream beyond the last one of a GOAWAY goes out again on another connection', async t => {
  let asked = 0;
  const server = await rawServer(stream => {
    if (asked++ !== 1) return good(stream);
    // As if this stream had crossed the GOAWAY on its way.
    stream.session!.goaway(constants.NGHTTP2_NO_ERROR, stream.id! - 2);
    stream.session!.destroy();
    return undefined;
  });
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  for (let i = 0; i < 4; i++) assert.equal(await caller.unary('Ask'), 'good');
  assert.equal(asked, 5);
});

test('a whole answer with its status arrives, though the server resets the stream before the request has ended', async t => {
  // Node's server would drop the trailers, so frames by hand: all of them leave together, RST_STREAM (NO_ERROR) last.
  const server = await tcpServer(socket => {
    socket.once('data', () => socket.write(settings()));
    socket.on('data', (bytes: Buffer) => {
      if (!bytes.includes('/test.Text/Upload')) return;
      const end = block([
        ['grpc-status', '9'],
        ['grpc-message', 'enough'],
      ]);
      socket.write(
        Buffer.concat([
          SETTINGS_ACK,
          frame(
            FRAME.HEADERS,
            FLAGS.END_HEADERS,
            1,
            block([
              [':status', '200'],
              ['content-type', 'application/grpc'],
            ]),
          ),
          frame(FRAME.DATA, 0, 1, message('early')),
          frame(FRAME.HEADERS, FLAGS.END_HEADERS | FLAGS.END_STREAM, 1, end),
          frame(FRAME.RST_STREAM, 0, 1, number(0)),
        ]),
      );
    });
  });
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  const call = caller.stream('Upload');
  const ended = statusOf(call);
  call.write('the first of many');
  assert.equal(await next(call), 'early');
  const { code, details } = await ended;
  assert.deepEqual([code, details], [status.FAILED_PRECONDITION, 'enough']);
});
