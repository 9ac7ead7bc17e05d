// A gateway by real sockets: which host and listener a connection and a request are for, TLS, client addresses, and changes under
// way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ListenerOptions } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { httpServer, rawConnection } from '../testing/clients.ts';
import {
  authority,
  certificateFor,
  GatewayRig,
  gateway,
  route,
  secret,
  service,
} from './testing/gateway-rig.ts';

const http = '{ name: http, port: 80, protocol: HTTP }';

/** A server that answers its name and what it was told of the client. */
async function app(t: TestContext, name: string): Promise<number> {
  const { port, close } = await httpServer(({ url, headers }, response) => {
    const told = Object.entries(headers).filter(
      ([field]) => /^x|^ssl/.test(field) && field !== 'x-request-id',
    );
    response.end(JSON.stringify({ name, url, host: headers.host, ...Object.fromEntries(told) }));
  });
  t.after(close);
  return port;
}

async function rig(t: TestContext, yaml: string): Promise<GatewayRig> {
  const made = new GatewayRig(yaml);
  t.after(() => made.close());
  await eventually(() => made.plane.gateway!.notReady() === undefined);
  return made;
}

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setImmediate(resolve));
}

interface Asked {
  readonly status: number;
  readonly text: string;
  readonly json: Record<string, string>;
}

async function ask(
  port: number,
  host: string,
  headers: Record<string, string> = {},
  path = '/',
): Promise<Asked> {
  const sent = request({ host: '127.0.0.1', port, path, headers: { host, ...headers }, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return read(response);
}

async function read(response: IncomingMessage): Promise<Asked> {
  let text = '';
  for await (const piece of response) text += String(piece);
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, string>) : {};
  return { status: response.statusCode!, text, json };
}

async function secured(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** One request of HTTP/1.1 over a socket that is closed afterwards; what came. */
async function over(socket: NodeJS.ReadWriteStream, head: string): Promise<string> {
  let text = '';
  socket.on('data', piece => {
    text += String(piece);
  });
  socket.write(head);
  await once(socket, 'close');
  return text;
}

const get = (host: string, more = ''): string =>
  `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

test('requests go by host, to the routes of the most specific listener alone; what no listener or route is for is answered 404', async t => {
  const [a, b] = [await app(t, 'a'), await app(t, 'b')];
  const { port } = await rig(
    t,
    gateway(`${http}, { name: narrow, port: 80, protocol: HTTP, hostname: "*.narrow.example" }`) +
      service('a', a) +
      service('b', b) +
      route('a', 'a', 'www.example.com') +
      route('b', 'b', '"*.example.com"') +
      route('narrow', 'a', 'x.narrow.example'),
  ).then(made => ({ port: made.port(80) }));
  const seen = async (host: string): Promise<string> => {
    const { status, json } = await ask(port, host);
    return status === 200 ? json.name! : String(status);
  };
  assert.equal(await seen('www.example.com'), 'a');
  assert.equal(await seen('WWW.Example.com:8080'), 'a');
  assert.equal(await seen('www.example.com.'), 'a');
  assert.equal(await seen('other.example.com'), 'b');
  assert.equal(await seen('deep.other.example.com'), 'b');
  assert.equal(await seen('example.com'), '404');
  assert.equal(await seen('x.narrow.example'), 'a');
  assert.equal(await seen('y.narrow.example'), '404');
});

test('TLS ends with the certificate of the name that is asked for; h2 and http/1.1 by ALPN; the first is for who asks for none', async t => {
  const [one, two] = [certificateFor(['one.example']), certificateFor(['*.two.example'])];
  const made = await rig(
    t,
    gateway(
      '{ name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: one }, { name: two }] } }',
    ) +
      secret('one', one) +
      secret('two', two) +
      service('a', await app(t, 'a')) +
      route('a', 'a'),
  );
  const port = made.port(443);
  const shown = async (servername: string): Promise<string> => {
    const socket = await secured(port, { servername });
    const name = socket.getPeerCertificate().subjectaltname ?? '';
    socket.destroy();
    return name;
  };
  assert.equal(await shown('one.example'), 'DNS:one.example');
  assert.equal(await shown('x.two.example'), 'DNS:*.two.example');
  assert.equal(await shown('other.example'), 'DNS:one.example');
  assert.equal(await shown(''), 'DNS:one.example');
  const socket = await secured(port, { servername: 'one.example', ALPNProtocols: ['http/1.1'] });
  assert.match(await over(socket, get('one.example')), /"x-forwarded-proto":"https"/);
  const old = await secured(port, { servername: 'one.example', maxVersion: 'TLSv1.2' });
  assert.equal(old.getProtocol(), 'TLSv1.2');
  old.destroy();
  const session = connectHttp2(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    servername: 'one.example',
  });
  const stream = session.request({ ':path': '/h2', ':authority': 'one.example' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(headers[':status'], 200);
  session.destroy();
});

test('a request for another listener than the one whose TLS its connection has is answered 421, for none 404', async t => {
  const both = certificateFor(['a.example', 'b.example']);
  const listener = (name: string): string =>
    `{ name: ${name}, port: 443, protocol: HTTPS, hostname: ${name}.example, tls: { certificateRefs: [{ name: both }] } }`;
  const made = await rig(
    t,
    gateway(`${listener('a')}, ${listener('b')}`) +
      secret('both', both) +
      service('app', await app(t, 'app')) +
      route('all', 'app'),
  );
  const status = async (servername: string, host: string): Promise<string> => {
    const socket = await secured(made.port(443), { servername });
    return (await over(socket, get(host))).slice(9, 12);
  };
  assert.equal(await status('a.example', 'a.example'), '200');
  assert.equal(await status('a.example', 'b.example'), '421');
  assert.equal(await status('b.example', 'c.example'), '404');
});

test('a certificate that is missing, or does not fit its key, is named, and the rest goes on; one that comes is used at once', async t => {
  const [good, other] = [certificateFor(['good.example']), certificateFor(['bad.example'])];
  const listener = (name: string): string =>
    `{ name: ${name}, port: 443, protocol: HTTPS, hostname: ${name}.example, tls: { certificateRefs: [{ name: ${name} }] } }`;
  const all =
    gateway([listener('good'), listener('bad'), listener('missing')].join(', ')) +
    secret('good', good) +
    service('app', await app(t, 'app')) +
    route('all', 'app');
  const made = await rig(t, all + secret('bad', { pem: other.pem, keyPem: good.keyPem }));
  const works = async (name: string): Promise<boolean> => {
    const socket = connect({
      port: made.port(443),
      host: '127.0.0.1',
      servername: name,
      rejectUnauthorized: false,
    });
    const worked = await new Promise<boolean>(resolve => {
      socket.on('secureConnect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
    });
    socket.destroy();
    return worked;
  };
  assert.deepEqual([await works('good.example'), await works('bad.example')], [true, false]);
  assert.equal(await works('missing.example'), false);
  const said = made.log.lines.map(each => `${each.message} ${JSON.stringify(each.fields)}`).join('\n');
  assert.match(said, /Secret shop\/bad: the private key does not belong to the certificate/);
  assert.match(
    made.access.records.map(each => each.detail).join('\n'),
    /Secret shop\/missing does not exist/,
  );
  made.tell(all + secret('bad', other) + secret('missing', certificateFor(['missing.example'])));
  for (const name of ['bad.example', 'missing.example']) while (!(await works(name)));
});

test('of what clients say of where they come from nothing is believed, unless who they are is trusted', async t => {
  const spoofed = {
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-port': '666',
    'x-real-ip': '1.2.3.4',
    forwarded: 'for=1.2.3.4',
    'x-forwarded-client-cert': 'By=me',
    'x-weft-translated': '1',
    'SSL-Client-Verify': 'SUCCESS',
    'ssl-client-subject-dn': 'CN=root',
    'ssl-client-issuer-dn': 'CN=authority',
    'ssl-client-cert': 'a',
    // To servers that keep fields as variables these are the same.
    x_forwarded_for: '1.2.3.4',
    'x_forwarded-proto': 'https',
    x_real_ip: '1.2.3.4',
    ssl_client_verify: 'SUCCESS',
    'ssl-client_subject-dn': 'CN=root',
    'ssl.client.issuer.dn': 'CN=authority',
    SSL_CLIENT_CERT: 'a',
  };
  const told = async (
    annotations: string,
    headers: Record<string, string>,
  ): Promise<Record<string, string>> => {
    const made = await rig(t, gateway(http, annotations) + service('a', await app(t, 'a')) + route('a', 'a'));
    return (await ask(made.port(80), 'www.example.com', headers)).json;
  };
  const stranger = await told('{}', spoofed);
  assert.equal(stranger['x-forwarded-for'], '127.0.0.1');
  assert.equal(stranger['x-forwarded-proto'], 'http');
  assert.equal(stranger['x-forwarded-host'], 'www.example.com');
  assert.equal(stranger['x-forwarded-port'], '80');
  assert.equal(stranger['x-real-ip'], '127.0.0.1');
  assert.equal(stranger['x-forwarded-client-cert'], undefined);
  assert.equal(stranger['x-weft-translated'], undefined);
  for (const seen of [stranger, await told('{ weft.dev/trusted-ranges: "127.0.0.0/8" }', spoofed)])
    assert.deepEqual(
      Object.keys(seen).filter(name => /^x[^-]|^x-.*_|^ssl/.test(name)),
      [],
    );
  const trusted = await told('{ weft.dev/trusted-ranges: "127.0.0.0/8, 10.0.0.0/8" }', {
    'x-forwarded-for': '9.9.9.9, 8.8.8.8, 10.0.0.1',
    'x-forwarded-proto': 'https',
  });
  assert.equal(trusted['x-forwarded-for'], '9.9.9.9, 8.8.8.8, 10.0.0.1, 127.0.0.1');
  assert.equal(trusted['x-forwarded-proto'], 'https');
  assert.equal(trusted['x-real-ip'], '8.8.8.8');
  const hops = await told('{ weft.dev/trusted-hops: "2" }', {
    'x-forwarded-for': '9.9.9.9, 8.8.8.8, 7.7.7.7',
  });
  assert.equal(hops['x-real-ip'], '8.8.8.8');
  const far = await told('{ weft.dev/trusted-ranges: "10.0.0.0/8" }', spoofed);
  assert.equal(far['x-forwarded-for'], '127.0.0.1');
});

test('a PROXY header of either version says who the client is; where one is demanded nobody gets through without', async t => {
  const upstream = await app(t, 'a');
  const objects = (how: string): string =>
    gateway(http, `{ weft.dev/proxy-protocol: ${how} }`) + service('a', upstream) + route('a', 'a');
  const made = await rig(t, objects('require'));
  const sent = async (header: Buffer | string): Promise<string> => {
    const raw = await rawConnection(made.port(80));
    raw.socket.write(header);
    raw.socket.write(get('a.example'));
    await raw.until(({ closed, ended }) => closed || ended);
    raw.socket.destroy();
    return /"x-forwarded-for":"([^"]*)"/.exec(raw.text)?.[1] ?? raw.text.slice(0, 12);
  };
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000c01020304050607080050' + '0051', 'hex');
  assert.equal(await sent('PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n'), '1.2.3.4');
  assert.equal(await sent(v2), '1.2.3.4');
  assert.equal(await sent('PROXY UNKNOWN\r\n'), '127.0.0.1');
  assert.equal(await sent(''), '');
  assert.equal(await sent('PROXY TCP4 1.2.3.4\r\n'), '');
  made.tell(objects('accept'));
  while ((await sent('')) !== '127.0.0.1');
});

test('connections of TLS go on by the name that they ask for, and bytes of a port to one place; others are reset', async t => {
  const echo = createTcp(socket => {
    socket.on('error', () => {});
    socket.once('data', bytes => socket.end(`${bytes.length} bytes that begin with ${bytes[0]}`));
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  t.after(() => echo.close());
  const made = await rig(
    t,
    `${gateway('{ name: tls, port: 443, protocol: TLS, tls: { mode: Passthrough } }, { name: tcp, port: 9, protocol: TCP }')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: tls, namespace: shop }
spec: { parentRefs: [{ name: edge, sectionName: tls }], hostnames: [db.example], rules: [{ backendRefs: [{ name: echo, port: 80 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: tcp, namespace: shop }
spec: { parentRefs: [{ name: edge, sectionName: tcp }], rules: [{ backendRefs: [{ name: echo, port: 80 }] }] }
${service('echo', (echo.address() as AddressInfo).port)}`,
  );
  const hello = async (servername: string): Promise<string> => {
    const socket = connect({
      port: made.port(443),
      host: '127.0.0.1',
      servername,
      rejectUnauthorized: false,
    });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    return error.code ?? '';
  };
  // What answers is no TLS, and so it was reached.
  assert.match(await hello('db.example'), /WRONG_VERSION|SSL/);
  assert.equal(await hello('other.example'), 'ECONNRESET');
  const raw = await rawConnection(made.port(9));
  raw.socket.write('abc');
  await raw.until(({ ended }) => ended);
  assert.equal(raw.text, '3 bytes that begin with 97');
});

test('where certificates of clients are demanded, who has none or another authority does not get in, unless the fallback lets everybody in', async t => {
  const trusted = authority();
  const own = certificateFor(['a.example']);
  const refs = 'caCertificateRefs: [{ kind: ConfigMap, group: "", name: ca }]';
  const made = await rig(
    t,
    `${gateway(
      [443, 8443]
        .map(
          port =>
            `{ name: https-${port}, port: ${port}, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }`,
        )
        .join(', '),
      '{}',
      `tls: { frontend: { default: { validation: { ${refs} } }, perPort: [{ port: 8443, tls: { validation: { mode: AllowInsecureFallback, ${refs} } } }] } },`,
    )}${secret('own', own)}${service('a', await app(t, 'a'))}${route('a', 'a')}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ca, namespace: shop }
data: { ca.crt: ${JSON.stringify(trusted.pem)} }
`,
  );
  const asks = async (options: ConnectionOptions, port = 443): Promise<string> => {
    const socket = connect({
      port: made.port(port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...options,
    });
    socket.on('error', () => {});
    return (await over(socket, get('a.example'))).slice(0, 12);
  };
  const client = certificateFor(['client'], trusted);
  const foreign = certificateFor(['client'], authority());
  assert.equal(await asks({ key: client.keyPem, cert: client.pem }), 'HTTP/1.1 200');
  assert.equal(await asks({}), '');
  assert.equal(await asks({ key: foreign.keyPem, cert: foreign.pem }), '');
  for (const shown of [undefined, client, foreign]) {
    const options = shown ? { key: shown.keyPem, cert: shown.pem } : {};
    assert.equal(await asks(options, 8443), 'HTTP/1.1 200');
  }
});

test('a port that is in use is named and tried again, and the others are listened on', async t => {
  const taken = createTcp().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const free = createTcp().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const other = (free.address() as AddressInfo).port;
  free.close();
  await once(free, 'close');
  const clock = new FakeClock();
  const made = new GatewayRig(
    gateway(`{ name: a, port: ${port}, protocol: HTTP }, { name: b, port: ${other}, protocol: HTTP }`),
    clock,
    0,
  );
  t.after(() => made.close());
  await eventually(() => made.plane.gateway!.ports.length === 2);
  assert.deepEqual(
    made.plane.gateway!.ports.map(({ bound, trouble }) => [bound, /in use/.test(trouble ?? '')]),
    [
      [0, true],
      [other, false],
    ],
  );
  taken.close();
  await once(taken, 'close');
  clock.advance(5_000);
  assert.equal(made.port(port), port);
});

test('connections live on while routes, certificates and listeners change: tunnels and requests, none cut and none lost', async t => {
  const upgraded = createServer().listen(0, '127.0.0.1');
  upgraded.on('request', (_, response) => response.end('ok'));
  upgraded.on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', piece => socket.write(piece));
  });
  await once(upgraded, 'listening');
  const plain = await app(t, 'b');
  t.after(() => {
    upgraded.close();
    upgraded.closeAllConnections();
  });
  const upstream = service('a', (upgraded.address() as AddressInfo).port) + service('b', plain);
  const names = Array.from({ length: 4 }, () => certificateFor(['a.example']));
  const https = '{ name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }';
  const version = (n: number): string =>
    gateway(
      n % 3 === 0 ? `${http}, ${https}` : `${http}, ${https}, { name: more, port: 81, protocol: HTTP }`,
    ) +
    secret('own', names[n % names.length]!) +
    upstream +
    route('a', 'a', '', `name: v${n}`) +
    route(`more-${n % 5}`, 'b', `h${n}.example`);
  const made = await rig(t, version(0));
  const socket = await secured(made.port(443), { ALPNProtocols: ['http/1.1'] });
  let echoed = '';
  socket.on('data', (piece: Buffer) => {
    echoed += piece.toString('latin1');
  });
  socket.write('GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await eventually(() => echoed.includes('\r\n\r\n'));
  assert.match(echoed, /^HTTP\/1.1 101 /);
  echoed = '';
  const kept = await rawConnection(made.port(80));
  let answers = 0;
  for (let n = 1; n <= 60; n++) {
    made.tell(version(n));
    kept.socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    socket.write(`${n};`);
    await kept.until(({ text }) => text.split('HTTP/1.1 200').length > n);
    answers++;
    const { status } = await ask(made.port(80), 'a.example');
    assert.equal(status, 200);
    await eventually(() => echoed.endsWith(`${n};`));
  }
  assert.equal(answers, 60);
  assert.equal(kept.closed || socket.destroyed, false);
  const fresh = await secured(made.port(443), {});
  assert.equal(
    fresh.getPeerX509Certificate()!.toString().trim(),
    names[60 % names.length]!.pem.trim(),
    'new connections have the newest certificate',
  );
  fresh.destroy();
  socket.destroy();
  kept.socket.destroy();
});

test('what attacks gateways is refused: see docs/gateway.md', async t => {
  const made = await rig(t, gateway(http) + service('a', await app(t, 'a')) + route('a', 'a'));
  const sent = async (bytes: string): Promise<string> => {
    const socket = connectTcp({ port: made.port(80), host: '127.0.0.1' });
    socket.on('error', () => {});
    return (await over(socket, bytes)).slice(0, 12);
  };
  const rows: readonly (readonly [what: string, bytes: string, status: string])[] = [
    [
      'a target of another host',
      `GET http://evil.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      '400',
    ],
    [
      'a URL of the same host is its path',
      `GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      '200',
    ],
    ['CONNECT', 'CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: 10.0.0.1:22\r\nConnection: close\r\n\r\n', '400'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', '400'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400'],
    ['a blank before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', '400'],
    ['no HTTP at all', '\x01\x02\x03\x04\x05\x06\x07\x08\r\n\r\n', '400'],
  ];
  for (const [what, bytes, status] of rows) assert.equal((await sent(bytes)).slice(9), status, what);
});

test('who speaks TLS to a port of HTTP, or HTTP to one of TLS, is answered in clear what to write', async t => {
  const own = certificateFor(['a.example']);
  const https = '{ name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }';
  const made = await rig(t, gateway(`${http}, ${https}`) + secret('own', own));
  await eventually(() => made.port(443) > 0);
  const sent = (port: number, bytes: string): Promise<string> => {
    const socket = connectTcp({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    return over(socket, bytes);
  };
  // How a ClientHello of 256 bytes begins.
  const hello = '\x16\x03\x01\x01\x04\x01\x00\x01\x00\x03\x03';
  const toHttp = await sent(made.port(80), hello);
  assert.match(toHttp, /^HTTP\/1\.1 400 .*port 80 speaks HTTP in clear.*write http:\/\//s);
  const toTls = await sent(made.port(443), get('a'));
  assert.match(toTls, /^HTTP\/1\.1 400 .*port 443 speaks TLS.*write https:\/\//s);
});

test('who never ends a handshake or a head is cut off in time', async t => {
  const clock = new FakeClock();
  const own = certificateFor(['a.example']);
  const made = new GatewayRig(
    gateway(
      `${http}, { name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }`,
    ) + secret('own', own),
    clock,
  );
  t.after(() => made.close());
  await eventually(() => made.port(443) > 0);
  const slow = await Promise.all([
    rawConnection(made.port(443)),
    rawConnection(made.port(443)),
    rawConnection(made.port(80)),
  ]);
  slow[1]!.socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
  slow[2]!.socket.write('GET / HTTP/1.1\r\nHo');
  await eventually(() => made.plane.underWay.inbound === 3);
  const all = Promise.all(slow.map(each => each.until(({ closed, ended }) => closed || ended)));
  let over = false;
  void all.then(() => {
    over = true;
  });
  for (let waited = 0; !over && waited < 200; waited++) {
    clock.advance(1_000);
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.ok(over, 'within the time that heads and handshakes have');
  for (const { socket } of slow) socket.destroy();
});

/** A gateway for one app, whose listener says this of its connections. */
async function bounded(t: TestContext, options: ListenerOptions): Promise<number> {
  const yaml = gateway(http) + service('a', await app(t, 'a')) + route('a', 'a');
  const made = new GatewayRig(yaml, undefined, undefined, options);
  t.after(() => made.close());
  await eventually(() => made.plane.gateway!.notReady() === undefined);
  return made.port(80);
}

test('a connection carries as many requests as its listener says, and its last answer says so', async t => {
  const raw = await rawConnection(await bounded(t, { maxRequestsPerConnection: 2 }));
  const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
  raw.write(get);
  await raw.until(({ text }) => text.includes('"name"'));
  assert.doesNotMatch(raw.text, /connection: close/i);
  raw.text = '';
  raw.write(get);
  await raw.until(({ ended, closed }) => ended || closed);
  assert.match(raw.text, /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*"name"/i);
});

test('fields that are larger than the listener takes are refused, over both versions', async t => {
  const port = await bounded(t, { maxHeadBytes: 2048 });
  assert.equal((await ask(port, 'a.example', { 'x-small': 'x'.repeat(1000) })).status, 200);
  assert.equal((await ask(port, 'a.example', { 'x-large': 'x'.repeat(3000) })).status, 431);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const statusOf = async (length: number): Promise<unknown> => {
    const stream = session.request({ ':authority': 'a.example', 'x-field': 'x'.repeat(length) });
    const [headers] = await once(stream, 'response');
    stream.resume();
    return headers[':status'];
  };
  assert.equal(await statusOf(1000), 200);
  assert.equal(await statusOf(3000), 431);
});

test('of more connections than the listener takes the last waits until another is gone', async t => {
  const port = await bounded(t, { maxConnections: 1 });
  const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
  const first = await rawConnection(port);
  first.write(get);
  await first.until(({ text }) => text.includes('"name"'));
  const second = await rawConnection(port);
  second.write(get);
  first.text = '';
  first.write(get);
  await first.until(({ text }) => text.includes('"name"'));
  assert.equal(second.text, '');
  first.socket.destroy();
  await second.until(({ text }) => text.includes('"name"'));
  second.socket.destroy();
});

test('a connection without a request, and a head that stays half, have the time that the listener gives', async t => {
  const clock = new FakeClock();
  const yaml = gateway(http) + service('a', await app(t, 'a')) + route('a', 'a');
  const made = new GatewayRig(yaml, clock, 'any', { idleTimeoutMs: 7_000, headTimeoutMs: 3_000 });
  t.after(() => made.close());
  await eventually(() => made.plane.gateway!.notReady() === undefined);
  const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n';
  const [idle, half] = [await rawConnection(made.port(80)), await rawConnection(made.port(80))];
  for (const each of [idle, half]) {
    each.write(`${get}\r\n`);
    await each.until(({ text }) => text.includes('"name"'));
    each.text = '';
  }
  half.write(get);
  await eventually(() => made.plane.gateway!.ports[0]!.open === 2);
  await new Promise(resolve => setTimeout(resolve, 20));
  await clock.advance(3_100);
  await half.until(({ ended, closed }) => ended || closed);
  assert.match(half.text, /^HTTP\/1\.1 408 /);
  assert.equal(idle.ended, false);
  await clock.advance(4_000);
  await idle.until(({ ended, closed }) => ended || closed);
});

test('the share of a backend that does not exist, or that nobody grants, is answered 500, the rest as ever', async t => {
  const shared = (name: string, host: string, ref: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [${host}]
  rules: [{ backendRefs: [{ name: web, port: 80, weight: 1 }, ${ref}] }]
`;
  const made = await rig(
    t,
    gateway(http) +
      service('web', await app(t, 'web')) +
      shared('missing', 'missing.example', '{ name: gone, port: 80, weight: 1 }') +
      shared('foreign', 'foreign.example', '{ name: web, namespace: other, port: 80, weight: 1 }') +
      shared('unknown', 'unknown.example', '{ group: example.com, kind: Bucket, name: web, weight: 1 }') +
      route('none', 'gone', 'none.example'),
  );
  const port = made.port(80);
  for (const host of ['missing.example', 'foreign.example', 'unknown.example']) {
    const statuses = new Set<number>();
    // Of a hundred requests all to one of two halves: once in 10^30 runs.
    for (let i = 0; i < 100; i++) statuses.add((await ask(port, host)).status);
    assert.deepEqual([...statuses].sort(), [200, 500], host);
  }
  assert.equal((await ask(port, 'none.example')).status, 500);
});
