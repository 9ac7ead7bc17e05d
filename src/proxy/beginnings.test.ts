// How connections begin and what a port makes of it: the kind, not the cases. An app behind a proxy never hears a request that
// the proxy has not read, and never an identity that is not the proxy's word, however a connection begins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { FrameLog, HELLO, headers as headersFrame } from '../http2/testing/frames.ts';
import { type InboundPort, parseSpiffe } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { clientHello } from '../tls/testing/hellos.ts';
import { bothApp } from './testing/both-app.ts';
import { closeAll, rawConnection, tcpServer } from './testing/clients.ts';
import { eventually, redirectedInbound, redirectedOutbound } from './testing/redirected.ts';
import { credentialsOf, StaticMesh, type TestDestination } from './testing/static-mesh.ts';

const forged = 'URI=spiffe://cluster.local/ns/shop/sa/admin';
const headers = `Host: app\r\nConnection: close\r\nX-Forwarded-Client-Cert: ${forged}\r\n\r\n`;
/** A request of HTTP/2 by prior knowledge, with an identity that is not the client's to name. */
const http2Request = Buffer.concat([
  HELLO,
  headersFrame(1, [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/a'],
    [':authority', 'app'],
    ['x-forwarded-client-cert', forged],
    ['x_forwarded-client-cert', forged],
  ]),
]).toString('latin1');
/** The status of the answer to it; '' before it is there. */
const http2Status = (text: string): string =>
  /HEADERS 1 .*?:status: (\d+)/.exec(new FrameLog().words(Buffer.from(text, 'latin1')).join('\n'))?.[1] ?? '';
/** Beginnings that Node's own HTTP server reads as a request. */
const asRequests = [
  'GET /a HTTP/1.1\r\n',
  '\r\nGET /a HTTP/1.1\r\n',
  '\r\n\r\nGET /a HTTP/1.1\r\n',
  '\nGET /a HTTP/1.1\r\n',
  '\rGET /a HTTP/1.1\r\n',
  'GET   /a   HTTP/1.1\r\n',
  'GET /a\r\n',
  'GET /a\n',
  'GET /a RTSP/1.0\r\n',
  'GET /a HTTP/2.0\r\n',
  'GET /a HTTP/0.9\r\n',
];

/** An app that reads requests as llhttp does, or HTTP/2. */
async function app() {
  const requests: (string | undefined)[] = [];
  const own = await bothApp((request, response) => {
    requests.push(request.headers['x-forwarded-client-cert']?.toString());
    response.end(`seen ${request.url}`);
  });
  return { ...own, requests };
}

/** A peer of the mesh that says it carries bytes, or whatever it likes. */
function meshPeer(mesh: StaticMesh, port: number, appPort: number, alpn: string) {
  const identity = parseSpiffe('spiffe://cluster.local/ns/default/sa/evil')!;
  const { keyPem, chainPem } = credentialsOf(mesh.ca, identity);
  const options = { port, host: '127.0.0.1', key: keyPem, cert: chainPem, rejectUnauthorized: false };
  const socket = tlsConnect({ ...options, ALPNProtocols: [alpn] }).on('error', () => {});
  const state = { text: '', closed: false };
  socket.setEncoding('latin1').on('data', text => {
    state.text += String(text);
  });
  socket.on('close', () => {
    state.closed = true;
  });
  const write = (text: string): void => void socket.write(Buffer.from(text, 'latin1'));
  write(`WEFT/1 {"port":${appPort}}\n`);
  return { socket, state, write };
}

/** A raw connection that has sent `text`. */
async function rawText(port: number, text: string) {
  const raw = await rawConnection(port);
  raw.write(Buffer.from(text, 'latin1'));
  return raw;
}

type Protocol = InboundPort['protocol'];
const protocols: Protocol[] = ['http', 'http2', 'grpc', 'auto'];

function setUp(protocol: Protocol, port: number, more: Partial<InboundPort> = {}) {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const ports = [{ number: port, protocol, mtls: 'permissive', ...more } as const];
  const server = mesh.proxy('server', { mtls: 'permissive', clock, ports });
  const inbound = redirectedInbound(server.plane, port);
  const refusals = (): string[] =>
    [...server.plane.services.counters.refused.entries()].map(([labels]) => labels);
  return { mesh, clock, server, inbound, refusals };
}

test('no beginning, at no port whose owner did not say tcp, carries a forged identity to an app that reads requests', async t => {
  for (const protocol of protocols) {
    const own = await app();
    const { mesh, inbound, server } = setUp(protocol, own.port);
    t.after(() => closeAll(inbound, mesh, own));
    for (const first of asRequests) {
      const raw = await rawConnection(inbound.port);
      raw.write(Buffer.from(first + headers, 'latin1'));
      await raw.until(({ ended, closed }) => ended || closed);
      assert.match(raw.text, /^HTTP\/1\.1 (?:200|400) /, `${protocol}: ${JSON.stringify(first)}`);
      for (const alpn of ['weft/tcp', 'weft/h1']) {
        const peer = meshPeer(mesh, inbound.port, own.port, alpn);
        peer.write(first + headers);
        await eventually(() => peer.state.closed);
        assert.match(
          peer.state.text,
          /^HTTP\/1\.1 (?:200|400) /,
          `${protocol} ${alpn}: ${JSON.stringify(first)}`,
        );
      }
    }
    const told = new Set(own.requests);
    const { principal } = server;
    assert.deepEqual([...told].sort(), [
      `By=${principal};URI=spiffe://cluster.local/ns/default/sa/evil`,
      undefined,
    ]);
  }
});

test('a request whose first bytes come slowly is read as a request all the same', async t => {
  for (const protocol of protocols) {
    const own = await app();
    const { mesh, inbound, clock } = setUp(protocol, own.port);
    t.after(() => closeAll(inbound, mesh, own));
    for (const cut of [1, 2, 4, 7, 16]) {
      const text = `\r\nGET /a HTTP/1.1\r\n${headers}`;
      const raw = await rawConnection(inbound.port);
      const wires = inbound.wires.length;
      raw.write(Buffer.from(text.slice(0, cut), 'latin1'));
      await eventually(() => inbound.wires.length >= wires && inbound.wires.at(-1)!.bytesRead === cut);
      await clock.advance(1_000);
      raw.write(Buffer.from(text.slice(cut), 'latin1'));
      await raw.until(({ ended, closed }) => ended || closed);
      assert.match(raw.text, /^HTTP\/1\.1 200 /, `${protocol}, cut after ${cut}`);
    }
    assert.deepEqual(new Set(own.requests), new Set([undefined]), protocol);
  }
});

test('what is no HTTP is refused at a port that is, in words, and counted: by anybody, over mesh TLS as well', async t => {
  const own = await app();
  const { mesh, inbound, refusals, server } = setUp('http', own.port);
  t.after(() => closeAll(inbound, mesh, own));
  const others = {
    tls: clientHello({ serverName: 'app' }).toString('latin1'),
    binary: '\x00\x01\x02\x03',
    redis: 'GET mykey\r\n',
    smtp: 'EHLO a\r\n',
  };
  for (const [name, bytes] of Object.entries(others)) {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.from(bytes, 'latin1'));
    await raw.until(({ ended, closed }) => ended || closed);
    const peer = meshPeer(mesh, inbound.port, own.port, 'weft/tcp');
    peer.write(bytes);
    await eventually(() => peer.state.closed);
    for (const text of [raw.text, peer.state.text]) {
      if (name === 'tls') assert.equal(text, '');
      else
        assert.match(
          text,
          /port \d+ speaks HTTP \(its name or appProtocol says http\) and what came is/,
          name,
        );
    }
  }
  assert.deepEqual(own.heard, []);
  assert.deepEqual(refusals(), [`port="${own.port}",reason="not-http"`]);
  assert.ok(
    server.log.lines.some(({ message }) => /refused a connection: port \d+ speaks HTTP/.test(message)),
  );
  assert.ok(server.access.records.every(({ detail }) => /^not-http: port/.test(detail)));
  assert.equal(server.access.records.length, Object.keys(others).length * 2);
});

test('a port declared HTTP/2 tells what is neither of the two versions so in a GOAWAY', async t => {
  const own = await app();
  const { mesh, inbound, refusals } = setUp('grpc', own.port);
  t.after(() => closeAll(inbound, mesh, own));
  const raw = await rawText(inbound.port, 'INVALID CONNECTION PREFACE\r\n\r\n');
  await raw.until(({ ended, closed }) => ended || closed);
  const words = new FrameLog().words(Buffer.from(raw.text, 'latin1'));
  assert.match(words.join('\n'), /^SETTINGS\nGOAWAY 0 PROTOCOL_ERROR weft: .* port \d+ speaks HTTP \(/);
  assert.deepEqual(refusals(), [`port="${own.port}",reason="not-http"`]);
});

test('where rules about requests apply nothing else passes, though nobody said what the port speaks', async t => {
  const own = await app();
  const limit = {
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
  };
  const { mesh, inbound, refusals, clock } = setUp('auto', own.port, { rateLimits: [limit] });
  t.after(() => closeAll(inbound, mesh, own));
  for (const bytes of ['EHLO a\r\n', '\x00\x01', clientHello().toString('latin1')]) {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.from(bytes, 'latin1'));
    await raw.until(({ ended, closed }) => ended || closed);
  }
  const statuses: string[] = [];
  for (const first of ['GET /a HTTP/1.1\r\n', '\nGET /a HTTP/1.1\r\n', 'GET /a HTTP/1.1\r\n']) {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.from(first + headers, 'latin1'));
    await raw.until(({ ended, closed }) => ended || closed);
    statuses.push(raw.text.slice(9, 12));
  }
  assert.deepEqual(statuses, ['200', '400', '429']);
  const silent = await rawConnection(inbound.port);
  await eventually(() => inbound.wires.length === 7);
  await clock.advance(11_000);
  await silent.until(({ closed }) => closed);
  assert.deepEqual(refusals(), [
    `port="${own.port}",reason="not-http"`,
    `port="${own.port}",reason="silent-client"`,
  ]);
});

test('where a rate limit applies HTTP/2 and opaque bytes do not go around it, whatever HTTP the port is declared as and whoever sends them', async t => {
  const limit = {
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
    from: { apiVersion: 'weft.dev/v1alpha1', kind: 'RateLimit', namespace: 'shop', name: 'one' },
  };
  for (const protocol of protocols) {
    const own = await app();
    const { mesh, inbound, refusals, server } = setUp(protocol, own.port, { rateLimits: [limit] });
    t.after(() => closeAll(inbound, mesh, own));
    for (const bytes of ['\x00\x01\x02\x03', clientHello({ serverName: 'app' }).toString('latin1')]) {
      const raw = await rawConnection(inbound.port);
      raw.write(Buffer.from(bytes, 'latin1'));
      await raw.until(({ ended, closed }) => ended || closed);
      const peer = meshPeer(mesh, inbound.port, own.port, 'weft/tcp');
      peer.write(bytes);
      await eventually(() => peer.state.closed);
      for (const text of [raw.text, peer.state.text]) {
        if (bytes[0] !== '\x00') continue;
        assert.match(text, /RateLimit one\.shop applies to its requests\) and what came is not/, protocol);
        assert.match(text, /or declare it as bytes/, protocol);
      }
    }
    assert.deepEqual(own.heard, [], protocol);
    assert.deepEqual(refusals(), [`port="${own.port}",reason="not-http"`]);
    assert.ok(
      server.access.records.every(({ flag, detail }) => flag === 'DPE' && /^not-http: port/.test(detail)),
    );
    const statuses: string[] = [];
    for (const alpn of ['weft/tcp', 'weft/h1']) {
      const peer = meshPeer(mesh, inbound.port, own.port, alpn);
      peer.write(`GET /a HTTP/1.1\r\n${headers}`);
      await eventually(() => peer.state.closed);
      statuses.push(peer.state.text.slice(9, 12));
    }
    for (const alpn of ['weft/tcp', 'weft/h2', '']) {
      const state =
        alpn === ''
          ? await rawText(inbound.port, http2Request)
          : meshPeer(mesh, inbound.port, own.port, alpn);
      if ('write' in state) state.write(http2Request);
      const heard = 'state' in state ? state.state : state;
      await eventually(() => http2Status(heard.text) !== '' || heard.closed);
      statuses.push(http2Status(heard.text));
    }
    assert.deepEqual(statuses, ['200', '429', '429', '429', '429'], `${protocol}: whatever carries them`);
  }
});

test('an upgrade to HTTP/2 is none where a rate limit counts requests, and what was switched to counts as one', async t => {
  const own = await app();
  const limit = {
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
  };
  const { mesh, inbound } = setUp('grpc', own.port, { rateLimits: [limit] });
  t.after(() => closeAll(inbound, mesh, own));
  const statuses: string[] = [];
  for (const more of [
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
    '',
  ]) {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.from(`GET /a HTTP/1.1\r\n${more}${headers}`, 'latin1'));
    await raw.until(({ ended, closed }) => ended || closed);
    statuses.push(raw.text.slice(9, 12));
  }
  assert.deepEqual(statuses, ['200', '429']);
});

test('HTTP/2 is read at every port that may carry requests, and whoever sends it names no identity but its own', async t => {
  for (const protocol of protocols) {
    const own = await app();
    const { mesh, inbound, server } = setUp(protocol, own.port);
    t.after(() => closeAll(inbound, mesh, own));
    const raw = await rawText(inbound.port, http2Request);
    await eventually(() => http2Status(raw.text) !== '' || raw.closed);
    assert.equal(http2Status(raw.text), '200', protocol);
    for (const alpn of ['weft/tcp', 'weft/h2']) {
      const peer = meshPeer(mesh, inbound.port, own.port, alpn);
      peer.write(http2Request);
      await eventually(() => http2Status(peer.state.text) !== '' || peer.state.closed);
      assert.equal(http2Status(peer.state.text), '200', `${protocol} ${alpn}`);
      peer.socket.destroy();
    }
    const evil = `By=${server.principal};URI=spiffe://cluster.local/ns/default/sa/evil`;
    assert.deepEqual(own.requests, [undefined, evil, evil], protocol);
    await eventually(() => server.access.records.length === 3);
    assert.deepEqual(
      server.access.records.map(each => each.protocol),
      ['HTTP/2', 'HTTP/2', 'HTTP/2'],
    );
  }
});

test('HTTP/2 passes unread at ports of bytes', async t => {
  const echo = await tcpServer(socket => socket.on('data', data => socket.write(data)).on('error', () => {}));
  const { mesh, inbound } = setUp('tcp', echo.port);
  t.after(() => closeAll(inbound, mesh, echo));
  const raw = await rawText(inbound.port, http2Request);
  await eventually(() => raw.text === http2Request || raw.closed);
  assert.equal(raw.text, http2Request);
  const peer = meshPeer(mesh, inbound.port, echo.port, 'weft/tcp');
  peer.write(http2Request);
  await eventually(() => peer.state.text === http2Request || peer.state.closed);
  assert.equal(peer.state.text, http2Request);
  peer.socket.destroy();
});

test('HTTP/2 without a certificate, where one is needed, reads in its GOAWAY what to do', async t => {
  const own = await app();
  const { mesh, inbound, refusals } = setUp('grpc', own.port, { mtls: 'strict' });
  t.after(() => closeAll(inbound, mesh, own));
  const raw = await rawConnection(inbound.port);
  raw.write(Buffer.from(http2Request, 'latin1'));
  await raw.until(({ ended, closed }) => ended || closed);
  const words = new FrameLog().words(Buffer.from(raw.text, 'latin1'));
  assert.match(
    words[1]!,
    /^GOAWAY 0 INADEQUATE_SECURITY weft: port \d+ takes mutual TLS only .*weft\.dev\/inject/,
  );
  assert.deepEqual(refusals(), [`port="${own.port}",reason="plaintext"`]);
  assert.deepEqual(own.heard, []);
});

test('binary protocols that begin like HTTP or TLS go through whole at unnamed ports, as do words without a line end', async t => {
  const echo = await tcpServer(socket => socket.on('data', data => socket.write(data)).on('error', () => {}));
  const { mesh, inbound, clock } = setUp('auto', echo.port);
  t.after(() => closeAll(inbound, mesh, echo));
  const all = [
    'GET \x00\x01\x02',
    'POST \xff\xfe\x00',
    '\x16',
    '\x16\x03',
    '\x16\x03\x01\x00\x10\x02\x00\x00',
    '\x16\x03\x00\x00\x00\x00',
    'ruok',
    'GET',
    'PRI ',
    '\r\n',
    'GET mykey\r\n',
    'CONNECT {"verbose":false}\r\n',
  ];
  for (const text of all) {
    const raw = await rawConnection(inbound.port);
    raw.write(Buffer.from(text, 'latin1'));
    await eventually(() => inbound.wires.at(-1)!.bytesRead === text.length);
    await clock.advance(100);
    await raw.until(connection => connection.text === text || connection.closed);
    assert.equal(raw.text, text);
    raw.write(Buffer.from(' and more\x00', 'latin1'));
    await raw.until(connection => connection.text === `${text} and more\x00` || connection.closed);
    assert.equal(raw.text, `${text} and more\x00`);
    raw.socket.destroy();
  }
});

test('bytes that were lent to an app before they became a request are no request there', async t => {
  const own = await app();
  const { mesh, inbound, clock } = setUp('auto', own.port);
  t.after(() => closeAll(inbound, mesh, own));
  const raw = await rawConnection(inbound.port);
  raw.write('GET /a HTT');
  await eventually(() => inbound.wires[0]?.bytesRead === 10);
  await clock.advance(100);
  await eventually(() => own.heard.length === 1);
  raw.write(`P/1.1\r\n${headers}`);
  await raw.until(({ ended, closed }) => ended || closed);
  assert.match(raw.text, /^HTTP\/1\.1 200 /);
  assert.equal(own.heard[0], 'GET /a HTT');
  assert.deepEqual(own.requests, [undefined]);
});

test('an app’s connection to a port that is HTTP is refused in words when it is none, and a slow request gets its rule', async t => {
  const own = await app();
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  const destination: TestDestination = {
    key: '10.0.0.1:80',
    endpoints: [mesh.plain(own.port)],
    protocol: 'http',
  };
  mesh.set(destination);
  const outbound = redirectedOutbound(client.plane, '10.0.0.1', 80);
  t.after(() => closeAll(outbound, mesh, own));
  for (const bytes of ['\x16\x00', '\x00\x01', 'EHLO a\r\n']) {
    const raw = await rawConnection(outbound.port);
    raw.write(Buffer.from(bytes, 'latin1'));
    await raw.until(({ ended, closed }) => ended || closed);
    assert.match(raw.text, /port 80 speaks HTTP \(/);
  }
  const raw = await rawConnection(outbound.port);
  raw.write('G');
  await eventually(() => outbound.wires.at(-1)!.bytesRead === 1);
  await clock.advance(300);
  raw.write(`ET /a HTTP/1.1\r\n${headers}`);
  await raw.until(({ ended, closed }) => ended || closed);
  assert.match(raw.text, /^HTTP\/1\.1 200 /);
  assert.equal(client.access.records.at(-1)!.protocol, 'HTTP/1.1');
  assert.deepEqual(
    [...client.plane.services.counters.refusedOutbound.entries()],
    [['port="80",reason="not-http"', 3]],
  );
});

test('ports of the proxy itself are nobody’s to reach through it, whatever is spoken', async t => {
  const own = await app();
  const mesh = new StaticMesh();
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const { inboundPort, outboundPort } = server.plane;
  t.after(() => closeAll(mesh, own));
  for (const port of [inboundPort, outboundPort])
    for (const alpn of ['weft/h1', 'weft/tcp']) {
      const peer = meshPeer(mesh, inboundPort, port, alpn);
      peer.write(`GET /status HTTP/1.1\r\nHost: a:${own.port}\r\n\r\n`);
      await eventually(() => peer.state.closed);
      assert.equal(peer.state.text, '');
    }
  assert.deepEqual(
    [...server.plane.services.counters.refused.entries()],
    [
      [`port="${inboundPort}",reason="own-port"`, 2],
      [`port="${outboundPort}",reason="own-port"`, 2],
    ],
  );
  const peer = meshPeer(mesh, inboundPort, own.port, 'weft/tcp');
  peer.write(`GET /a HTTP/1.1\r\n${headers}`);
  await eventually(() => peer.state.closed);
  assert.match(
    peer.state.text,
    /seen \/a/,
    'a port of the app is not reached either, so that this test shows nothing',
  );
});
