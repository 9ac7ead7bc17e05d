// Probes and hooks against servers that answer, redirect, stall and break off, beside what the kubelet does with them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import forge from 'node-forge';
import { CLOSED_PORT } from '../wire/testing/ports.ts';
import { hookHttp, probeHttp, probeTcp } from './index.ts';

const pod = { host: '127.0.0.1' };
const second = { timeoutMs: 1_000 };

async function portOf(context: TestContext, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function app(
  context: TestContext,
  listener: RequestListener,
): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.host} ${request.headers.referer ?? '-'}`);
    listener(request, response);
  });
  context.after(() => server.closeAllConnections());
  return { port: await portOf(context, server), asked };
}

/** Redirects /N to /N-1 … to /0, which answers 200. */
const countDown: RequestListener = (request, response) => {
  const left = Number(request.url!.slice(1));
  if (left === 0) response.end('ok');
  else response.writeHead(302, { location: `/${left - 1}` }).end();
};

test('redirects on the same host are followed, ten of them and no more', async context => {
  const { port, asked } = await app(context, countDown);
  assert.equal(await probeHttp({ path: '/9', port }, pod, second), undefined);
  assert.equal(asked.length, 10);
  assert.equal(asked[1], `/8 127.0.0.1:${port} http://127.0.0.1:${port}/9`);
  assert.match((await probeHttp({ path: '/10', port }, pod, second))!, /redirected 10 times/);
});

test('a redirect that ends badly is a failure, one to another host success, one to another port followed', async context => {
  const other = await app(context, (_, response) => response.writeHead(503).end());
  const { port } = await app(context, (request, response) => {
    const location: Record<string, string> = {
      '/bad': '/500',
      '/host': 'http://elsewhere.example/',
      '/local': `http://localhost:${other.port}/`,
      '/port': `http://127.0.0.1:${other.port}/`,
      '/ftp': 'ftp://127.0.0.1/',
    };
    const to = location[request.url!];
    if (to === undefined) response.writeHead(Number(request.url!.slice(1)) || 404).end();
    else response.writeHead(307, { location: to }).end();
  });
  const probe = (path: string) => probeHttp({ path, port }, pod, second);
  assert.match((await probe('/bad'))!, /answered 500/);
  assert.equal(await probe('/host'), undefined);
  assert.equal(await probe('/local'), undefined);
  assert.equal(other.asked.length, 0);
  assert.match((await probe('/port'))!, /answered 503/);
  assert.match((await probe('/ftp'))!, /ftp:, which is not HTTP/);
  for (const path of ['/301', '/300', '/304', '/399']) assert.equal(await probe(path), undefined, path);
  for (const path of ['/400', '/404', '/599']) assert.match((await probe(path))!, /answered/, path);
});

test('a Host of the probe’s own goes along a redirect without a host, and not with one', async context => {
  const { port, asked } = await app(context, (request, response) => {
    if (request.url === '/a') response.writeHead(301, { location: 'b' }).end();
    else if (request.url === '/b') response.writeHead(301, { location: `http://127.0.0.1:${port}/c` }).end();
    else response.end();
  });
  const httpHeaders = [{ name: 'Host', value: 'shop.example' }];
  assert.equal(await probeHttp({ path: 'a', port, httpHeaders }, pod, second), undefined);
  assert.deepEqual(
    asked.map(each => each.split(' ').slice(0, 2).join(' ')),
    ['/a shop.example', '/b shop.example', `/c 127.0.0.1:${port}`],
  );
});

test('the time of a probe covers the body, and the body is read to 10 KB', async context => {
  const { port } = await app(context, (request, response) => {
    if (request.url === '/slow') response.writeHead(200, { 'content-length': 100 }).write('half');
    else response.writeHead(200, { 'content-length': 1 << 20 }).write('x'.repeat(10 << 10));
  });
  assert.match(
    (await probeHttp({ path: '/slow', port }, pod, { timeoutMs: 100 }))!,
    /no answer within 100 ms$/,
  );
  assert.equal(await probeHttp({ path: '/long', port }, pod, second), undefined);
});

test('a hook has no limit of its own, and ends when nobody waits for it', async context => {
  const held: (() => void)[] = [];
  const { port } = await app(context, (request, response) => {
    if (request.url === '/later') held.push(() => response.end());
  });
  const later = hookHttp({ path: '/later', port }, pod, {});
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve));
  held[0]!();
  assert.equal(await later, undefined);
  const gone = new AbortController();
  const never = hookHttp({ path: '/never', port }, pod, { signal: gone.signal });
  gone.abort();
  assert.match((await never)!, /nobody waits/);
});

test('any answer to a hook is success, and none is a failure', async context => {
  const { port } = await app(context, (request, response) => {
    if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy());
    else response.writeHead(Number(request.url!.slice(1))).end();
  });
  for (const path of ['/200', '/404', '/500', '/cut'])
    assert.equal(await hookHttp({ path, port }, pod, {}), undefined, path);
  assert.match((await hookHttp({ port: CLOSED_PORT }, pod, {}))!, /ECONNREFUSED/);
});

function certificate(): { key: string; cert: string } {
  const keys = forge.pki.rsa.generateKeyPair(1024);
  const made = forge.pki.createCertificate();
  made.publicKey = keys.publicKey;
  made.validity.notAfter = new Date(made.validity.notBefore.getTime() - 1_000);
  made.setSubject([{ name: 'commonName', value: 'elsewhere' }]);
  made.setIssuer([{ name: 'commonName', value: 'nobody' }]);
  made.sign(keys.privateKey, forge.md.sha256.create());
  return { key: forge.pki.privateKeyToPem(keys.privateKey), cert: forge.pki.certificateToPem(made) };
}

test('HTTPS is not verified: another name, expired, a short key, signed by nobody; HTTP/2 where it is chosen', async context => {
  const tls = { ...certificate(), ciphers: 'DEFAULT:@SECLEVEL=0' };
  const https = await portOf(
    context,
    createHttps(tls, (_, response) => response.end('ok')),
  );
  assert.equal(await probeHttp({ port: https, scheme: 'HTTPS' }, pod, second), undefined);
  const only2 = createSecureServer({ ...tls, allowHTTP1: false });
  only2.on('stream', (stream, headers) => {
    stream.respond({ ':status': headers[':path'] === '/ok' ? 200 : 503 });
    stream.end('body');
  });
  const http2 = await portOf(context, only2 as unknown as Server);
  assert.equal(await probeHttp({ port: http2, scheme: 'HTTPS', path: 'ok' }, pod, second), undefined);
  assert.match((await probeHttp({ port: http2, scheme: 'HTTPS' }, pod, second))!, /answered 503/);
});

test('an HTTPS hook of an app that speaks plain HTTP is asked again so, without its credentials; a probe is not', async context => {
  const seen: (string | undefined)[] = [];
  const { port } = await app(context, (request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  const get = { port, scheme: 'HTTPS' as const, httpHeaders: [{ name: 'Authorization', value: 'secret' }] };
  assert.equal(await hookHttp(get, pod, {}), undefined);
  assert.deepEqual(seen, [undefined]);
  assert.notEqual(await probeHttp(get, pod, second), undefined);
});

/** A server that speaks first or not, and how each of its connections ended. */
async function greeter(
  context: TestContext,
  greeting: string,
): Promise<{ port: number; ends: Promise<string>[] }> {
  const ends: Promise<string>[] = [];
  const server = createTcp((socket: Socket) => {
    ends.push(
      new Promise(resolve => {
        socket.on('error', error => resolve(String((error as NodeJS.ErrnoException).code)));
        socket.on('end', () => resolve('end'));
      }),
    );
    socket.resume();
    if (greeting !== '') socket.write(greeting);
  });
  return { port: await portOf(context, server), ends };
}

test('a TCP probe is no aborted client to a server that speaks first, or to one that does not', async context => {
  for (const greeting of ['5.5.5-10.11.6-MariaDB\0', `220 ${'x'.repeat(70_000)}\r\n`, '']) {
    const { port, ends } = await greeter(context, greeting);
    assert.equal(await probeTcp(port, pod, 1_000), undefined);
    while (ends.length === 0) await new Promise(resolve => setImmediate(resolve));
    assert.equal(await ends[0], 'end', greeting.slice(0, 20));
  }
  assert.match((await probeTcp(CLOSED_PORT, pod, 1_000))!, /ECONNREFUSED/);
});
