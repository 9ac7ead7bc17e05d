// gRPC-Web through a proxy, as a browser sends it, to a server that knows gRPC alone.
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { ask, closeAll } from '../../src/proxy/testing/clients.ts';
import { StaticMesh } from '../../src/proxy/testing/static-mesh.ts';
import { decoded, frames, message, spellingApp } from './spelling.ts';

async function setUp() {
  const app = await spellingApp();
  const mesh = new StaticMesh();
  const { plane } = mesh.proxy('client');
  mesh.set({ key: 'web.shop:80', protocol: 'grpc-web', endpoints: [mesh.plain(app.port)] });
  mesh.set({ key: 'other.shop:80', protocol: 'http', endpoints: [mesh.plain(app.port)] });
  after(() => closeAll(mesh, app));
  const call = (
    type: string,
    pieces: readonly (string | Buffer)[],
    host = 'web.shop:80',
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: plane.outboundPort,
          path: '/a.B/Spell',
          method: 'POST',
          headers: { host, 'content-type': type, 'x-grpc-web': '1' },
        },
        answer => {
          const got: Buffer[] = [];
          answer.on('data', (piece: Buffer) => got.push(piece));
          answer.on('end', () =>
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(got) }),
          );
        },
      ).on('error', reject);
      for (const piece of pieces) call.write(piece);
      call.end();
    });
  return Object.assign(call, { port: plane.outboundPort });
}

test('a call of gRPC-Web is one of gRPC to the server; its trailers come as the last frame', async () => {
  const call = await setUp();
  for (const type of ['application/grpc-web+proto', 'application/grpc-web']) {
    const { status, headers, body } = await call(type, [message('abc')]);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], type);
    const all = frames(body);
    assert.deepEqual(all.slice(0, 3), ['0:a', '0:b', '0:c']);
    assert.match(all[3]!, /^128:[\s\S]*grpc-status: 0\r\n/);
    assert.equal(all.length, 4);
  }
});

test('in base64, too, in whatever pieces it comes', async () => {
  const call = await setUp();
  const text = message('xyz').toString('base64');
  const halves =
    message('xyz').subarray(0, 4).toString('base64') + message('xyz').subarray(4).toString('base64');
  for (const pieces of [[text], [...text], [halves]]) {
    const { headers, body } = await call('application/grpc-web-text+proto', pieces);
    assert.equal(headers['content-type'], 'application/grpc-web-text+proto');
    assert.deepEqual(frames(decoded(body.toString())).slice(0, 3), ['0:x', '0:y', '0:z']);
  }
});

test('a status without a message is in the head', async () => {
  const call = await setUp();
  const { status, headers, body } = await call('application/grpc-web', [message('')]);
  assert.equal(status, 200);
  const told = headers['grpc-status'] ?? /grpc-status: (\d+)/.exec(frames(body)[0] ?? '')?.[1];
  assert.equal(told, '5');
});

test('what is no base64 is refused in words, as a call of gRPC-Web reads them', async () => {
  const { port } = await setUp();
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /a.B/Spell HTTP/1.1\r\nhost: web.shop:80\r\ncontent-type: application/grpc-web-text\r\ncontent-length: 4\r\n\r\n?!?!',
  );
  let said = '';
  for await (const piece of socket) {
    said += String(piece);
    if (said.includes('\r\n\r\n')) break;
  }
  assert.match(said, /^HTTP\/1\.1 200 OK\r\ngrpc-status: 13\r\ngrpc-message: [^\r]* no base64 \(DPE\)\r\n/);
  assert.match(said, /content-type: application\/grpc-web-text\r\n/);
});

test('a port that does not say gRPC-Web is sent what the client sent', async () => {
  const call = await setUp();
  const { headers } = await call('application/grpc-web', [message('abc')], 'other.shop:80');
  assert.notEqual(headers['content-type'], 'application/grpc-web');
});

test('a pod whose own port says gRPC-Web takes it from callers whose proxies know nothing of it', async t => {
  const app = await spellingApp();
  const mesh = new StaticMesh();
  const { plane } = mesh.proxy('client');
  const callee = mesh.proxy('callee', {
    ports: [{ number: app.port, protocol: 'grpc-web', mtls: 'strict' }],
  });
  mesh.set({ key: 'web.shop:80', endpoints: [mesh.meshed(callee, app.port)] });
  t.after(() => closeAll(mesh, app));
  const answer = await ask(plane.outboundPort, 'web.shop:80', {
    path: '/a.B/Spell',
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web-text', 'x-grpc-web': '1' },
    body: message('ab').toString('base64'),
  });
  assert.equal(answer.status, 200);
  const said = frames(decoded(answer.body));
  assert.deepEqual(said.slice(0, 2), ['0:a', '0:b']);
  assert.match(said.at(-1)!, /^128:[\s\S]*grpc-status: 0\r\n/);
});
