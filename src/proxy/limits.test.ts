// docs/beginnings.md says what is collected and for how long. Here: that the figures are those of the code, and that whoever
// sends one byte after the other, for ever, is given up when the document says so, and not a byte later.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import {
  MAX_LINE_BYTES,
  MAX_PROXY_LINE_BYTES,
  SILENCE_MS as STREAM_SILENCE_MS,
} from '../discovery/protocol.ts';
import { DEFAULT_LIMITS, LINE_TIMEOUT_MS } from '../http1/index.ts';
import { type InboundPort, parseSpiffe } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { MAX_HELLO_BYTES, MAX_HELLO_RECORDS } from '../tls/index.ts';
import { clientHello } from '../tls/testing/hellos.ts';
import { HANDSHAKE_TIMEOUT_MS } from './accept/mesh-accept.ts';
import { MAX_PREFACE_BYTES } from './connect/preface.ts';
import { SILENCE_MS } from './detection/detection.ts';
import { MAX_SNIFF_BYTES } from './detection/sniff.ts';
import { closeAll, rawConnection, tcpServer } from './testing/clients.ts';
import { eventually, type Redirected, redirectedInbound, redirectedOutbound } from './testing/redirected.ts';
import { credentialsOf, StaticMesh } from './testing/static-mesh.ts';

const hour = 3_600_000;
const { maxTargetBytes, maxHeaderBytes, maxTrailerBytes } = DEFAULT_LIMITS;
/** The first numbers of the two columns, by what is collected. */
const documented: Record<string, [bytes: number, ms: number | undefined]> = {
  'nothing, where only mutual TLS is taken': [0, HANDSHAKE_TIMEOUT_MS],
  'nothing, where only requests or a name can tell where it goes': [0, SILENCE_MS],
  'nothing, at a port declared HTTP or TLS': [0, hour],
  'nothing, where the app may speak first': [0, undefined],
  'first line': [MAX_SNIFF_BYTES, LINE_TIMEOUT_MS],
  'first bytes, where only mutual TLS is taken': [MAX_SNIFF_BYTES, HANDSHAKE_TIMEOUT_MS],
  ClientHello: [MAX_HELLO_BYTES, HANDSHAKE_TIMEOUT_MS],
  'preface between proxies': [MAX_PREFACE_BYTES, HANDSHAKE_TIMEOUT_MS],
  'ClientHello whose name decides (outbound)': [MAX_HELLO_BYTES, 5_000],
  'request target': [maxTargetBytes, LINE_TIMEOUT_MS],
  'header lines, of a request or an answer': [maxHeaderBytes, LINE_TIMEOUT_MS],
  'CONNECT request of explicit mode': [maxTargetBytes + maxHeaderBytes, LINE_TIMEOUT_MS],
  'chunk size': [13, LINE_TIMEOUT_MS],
  trailers: [maxTrailerBytes, LINE_TIMEOUT_MS],
  'line from a proxy to the control plane': [MAX_PROXY_LINE_BYTES, STREAM_SILENCE_MS],
  'line from the control plane to a proxy': [MAX_LINE_BYTES, STREAM_SILENCE_MS],
};

test('the document has every collection with the bounds of the code, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/beginnings.md'), 'utf8');
  const table = text.slice(text.indexOf('| what | bytes |')).split('\n\n')[0]!.split('\n').slice(2);
  const rows = table.map(line => line.split('|').map(cell => cell.trim()));
  const number = (cell: string): number | undefined => {
    const [found] = /^\d+/.exec(cell) ?? [];
    return found === undefined ? undefined : Number(found);
  };
  assert.deepEqual(
    Object.fromEntries(rows.map(row => [row[1], [number(row[2]!), number(row[3]!)]])),
    documented,
  );
  assert.ok(rows.filter(row => row[2]!.includes(`${MAX_HELLO_RECORDS} records`)).length === 2);
});

/** One client that sends `bytes` one by one, a second apart. */
interface Trickle {
  readonly name: string;
  readonly port: Partial<InboundPort>;
  /** Sent at once, before the clock runs. */
  readonly begin?: string;
  readonly byte: (i: number) => string;
  /** When it must be over. */
  readonly afterMs: number;
  readonly reason: RegExp;
}

const strict = { mtls: 'strict' } as const;
const http = { protocol: 'http' } as const;
const hello = clientHello({ extensions: [[0x2a2a, Buffer.alloc(9_000)]] }).toString('latin1');
const a = (): string => 'a';
const trickles: Trickle[] = [
  {
    name: 'nothing, strict',
    port: strict,
    byte: () => '',
    afterMs: 10_000,
    reason: /sent nothing for 10000 ms/,
  },
  {
    name: 'plaintext, strict',
    port: strict,
    begin: 'GET /',
    byte: a,
    afterMs: 10_000,
    reason: /mutual TLS only/,
  },
  {
    name: 'a ClientHello, strict',
    port: strict,
    byte: i => hello[i]!,
    afterMs: 10_000,
    reason: /no complete mesh TLS/,
  },
  {
    name: 'a ClientHello, permissive',
    port: {},
    begin: hello.slice(0, 20),
    byte: i => hello[20 + i]!,
    afterMs: 10_000,
    reason: /no complete mesh TLS/,
  },
  {
    name: 'a first line, unknown',
    port: {},
    begin: 'GET /',
    byte: a,
    afterMs: 60_000,
    reason: /first line or ClientHello was not complete/,
  },
  {
    name: 'line ends, unknown',
    port: {},
    begin: '\n',
    byte: () => '\n',
    afterMs: 60_000,
    reason: /first line or ClientHello was not complete/,
  },
  {
    name: 'a preface of HTTP/2, declared',
    port: { protocol: 'grpc' },
    begin: 'PRI * HTTP/2.0\r\n',
    byte: () => '',
    afterMs: 60_000,
    reason: /first line or ClientHello was not complete/,
  },
  {
    name: 'a request line, HTTP',
    port: http,
    begin: 'GET /',
    byte: a,
    afterMs: 61_000,
    reason: /head-timeout/,
  },
  {
    name: 'a head, HTTP',
    port: http,
    begin: 'GET / HTTP/1.1\r\nHost: a\r\nX: ',
    byte: a,
    afterMs: 60_000,
    reason: /head-timeout/,
  },
  {
    name: 'a chunk size',
    port: http,
    begin: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1',
    byte: i => (i === 0 ? '0' : ''),
    afterMs: 60_000,
    reason: /line-timeout/,
  },
  {
    name: 'trailers',
    port: http,
    begin: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ',
    byte: a,
    afterMs: 60_000,
    reason: /line-timeout/,
  },
];

for (const { name, port, begin = '', byte, afterMs, reason } of trickles)
  test(`whoever sends byte after byte is given up in time: ${name}`, async t => {
    const mesh = new StaticMesh();
    const clock = new FakeClock();
    const app = await tcpServer(socket => socket.resume());
    const ports = [{ number: app.port, protocol: 'auto', mtls: 'permissive', ...port } as const];
    const server = mesh.proxy('server', { clock, ports });
    const inbound = redirectedInbound(server.plane, app.port);
    t.after(() => closeAll(inbound, mesh, app));
    const raw = await rawConnection(inbound.port);
    await eventually(() => inbound.wires.length === 1);
    const spentMs = await trickle(
      clock,
      inbound,
      text => raw.write(Buffer.from(text, 'latin1')),
      begin,
      byte,
    );
    assert.ok(spentMs >= afterMs - 1_000 && spentMs <= afterMs + 1_000, `over after ${spentMs} ms`);
    await raw.until(({ ended, closed }) => ended || closed);
    const words = [raw.text, ...server.log.lines.map(line => line.message)].join('\n');
    assert.match(words, reason);
    await clock.advance(2_000);
    await eventually(() => inbound.closed() === 1);
  });

/** Sends and turns the clock until the proxy has had enough; how long that took. */
async function trickle(
  clock: FakeClock,
  { wires }: Redirected,
  write: (text: string) => void,
  begin: string,
  byte: (i: number) => string,
): Promise<number> {
  const wire = wires[0]!;
  let sent = begin.length;
  const isOver = (): boolean => wire.closed || wire.ending;
  write(begin);
  for (let second = 0; second < 100; second++) {
    await eventually(() => wire.bytesRead >= sent || isOver());
    if (isOver()) return second * 1_000;
    await clock.advance(1_000);
    if (isOver()) return (second + 1) * 1_000;
    write(byte(second));
    sent += byte(second).length;
  }
  return Number.POSITIVE_INFINITY;
}

test('a mesh peer that sends its preface byte after byte has no more time than for all of its handshake', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const server = mesh.proxy('server', { clock });
  const inbound = redirectedInbound(server.plane, 80);
  t.after(() => closeAll(inbound, mesh));
  const { keyPem, chainPem } = credentialsOf(
    mesh.ca,
    parseSpiffe('spiffe://cluster.local/ns/default/sa/evil')!,
  );
  const options = {
    port: inbound.port,
    host: '127.0.0.1',
    key: keyPem,
    cert: chainPem,
    rejectUnauthorized: false,
  };
  const peer = tlsConnect({ ...options, ALPNProtocols: ['weft/tcp'] }).on('error', () => {});
  let closed = false;
  peer.on('close', () => {
    closed = true;
  });
  await new Promise<void>(resolve => peer.once('secureConnect', () => resolve()));
  let seconds = 0;
  for (; seconds < 30 && !closed; seconds++) {
    await new Promise(resolve => peer.write('W', resolve));
    await clock.advance(1_000);
    if (seconds >= 10) await eventually(() => closed);
  }
  assert.ok(seconds <= 11, `${seconds} s`);
  assert.match(server.log.lines.at(-1)!.message, /no complete mesh TLS handshake within 10000 ms/);
});

test('a ClientHello whose name decides has five seconds, and goes on without a name then', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  let heard = '';
  const app = await tcpServer(socket => socket.on('data', data => (heard += data.toString('latin1'))));
  const key = '10.0.0.1:443';
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  const outbound = redirectedOutbound(client.plane, '10.0.0.1', 443);
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => [...client.plane.destinations.running].length === 1);
  const { resource } = [...client.plane.destinations.running][0]!;
  client.plane.apply({ ...resource, tls: [{ serverNames: ['a'], clusters: resource.tcp }] });
  raw.socket.destroy();
  const slow = await rawConnection(outbound.port);
  await eventually(() => outbound.wires.length === 2);
  slow.write(Buffer.from(hello.slice(0, 20), 'latin1'));
  let sent = 20;
  for (let second = 0; second < 6; second++) {
    await eventually(() => outbound.wires[1]!.bytesRead === sent || heard !== '');
    await clock.advance(1_000);
    slow.write(Buffer.from(hello[sent++]!, 'latin1'));
  }
  await eventually(() => heard.length >= 20);
  assert.ok(hello.startsWith(heard));
});

test('a silent client has an hour where HTTP is declared, ten seconds where only its request could tell, and no end where the app may speak', async () => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const app = await tcpServer(socket => socket.resume());
  const limit = {
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 1_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
  };
  const cases: [Partial<InboundPort>, number][] = [
    [{ protocol: 'http' }, hour],
    [{ protocol: 'grpc' }, hour],
    [{ rateLimits: [limit] }, SILENCE_MS],
    [{}, Number.POSITIVE_INFINITY],
  ];
  for (const [port, ms] of cases) {
    const ports = [{ number: app.port, protocol: 'auto', mtls: 'permissive', ...port } as const];
    const server = mesh.proxy('server', { clock, ports });
    const inbound = redirectedInbound(server.plane, app.port);
    const raw = await rawConnection(inbound.port);
    await eventually(() => inbound.wires.length === 1);
    const wire = inbound.wires[0]!;
    await clock.advance(Math.min(ms, 2 * hour) - 2_000);
    assert.equal(wire.closed, false, JSON.stringify(port));
    await clock.advance(5_000);
    assert.equal(wire.closed, ms < 2 * hour, JSON.stringify(port));
    raw.socket.destroy();
    inbound.close();
  }
  closeAll(mesh, app);
});
