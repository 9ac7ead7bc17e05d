import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { below, oneOf, seeded } from '../cluster/testing/random.ts';
import {
  beginsMeshHello,
  type Hello,
  HelloScanner,
  isMeshHello,
  MAX_HELLO_BYTES,
  MAX_HELLO_RECORDS,
  readClientHello,
} from './index.ts';
import { clientHello } from './testing/hellos.ts';

/** What a real TLS client of Node's sends first. */
async function realHello(options: { servername?: string; ALPNProtocols?: string[] }): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  return bytes;
}

test('reads name and protocols of a real client, cut at every byte', async () => {
  const bytes = await realHello({ servername: 'reviews.shop', ALPNProtocols: ['weft/h1', 'weft/tcp'] });
  for (let length = 0; length < bytes.length; length++)
    assert.deepEqual(readClientHello(bytes.subarray(0, length)), { kind: 'more' }, `after ${length} bytes`);
  const hello = readClientHello(bytes);
  assert.deepEqual(hello, { kind: 'hello', serverName: 'reviews.shop', protocols: ['weft/h1', 'weft/tcp'] });
  assert.deepEqual(readClientHello(Buffer.concat([bytes, Buffer.from('more')])), hello);
});

test('reads a hello of several records, however they are cut', () => {
  for (const recordBytes of [1, 2, 3, 5, 50, 100]) {
    const bytes = clientHello({ serverName: 'a.b', protocols: ['h2'], recordBytes });
    const expected: Hello = { kind: 'hello', serverName: 'a.b', protocols: ['h2'] };
    assert.deepEqual(readClientHello(bytes), expected, `records of ${recordBytes}`);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(
        readClientHello(bytes.subarray(0, length)).kind,
        'more',
        `records of ${recordBytes}, ${length} bytes`,
      );
  }
});

test('without extensions, without a name, without protocols', () => {
  assert.deepEqual(readClientHello(clientHello()), { kind: 'hello', serverName: '', protocols: [] });
  assert.deepEqual(readClientHello(clientHello({ protocols: ['x'], sessionId: 32 })), {
    kind: 'hello',
    serverName: '',
    protocols: ['x'],
  });
  assert.deepEqual(
    readClientHello(clientHello({ extensions: [[0x2a2a, Buffer.from([0])]], serverName: 'a' })),
    {
      kind: 'hello',
      serverName: 'a',
      protocols: [],
    },
  );
});

test('what is no hello is not taken for one', () => {
  const hello = clientHello({ serverName: 'a' });
  const serverHello = Buffer.from(hello);
  serverHello[5] = 2;
  const odd: [string, Buffer][] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSL 2', Buffer.from('802e010301', 'hex')],
    ['another major version', Buffer.from('1602000010', 'hex')],
    ['an alert', Buffer.from('15030300020100', 'hex')],
    ['a ServerHello', serverHello],
    ['a hello of 16 MB', Buffer.from('160301400001ffffff', 'hex')],
    ['endless records', Buffer.concat(Array(5_000).fill(Buffer.from('16030100010', 'hex')) as Buffer[])],
  ];
  for (const [name, bytes] of odd) assert.equal(readClientHello(bytes).kind, 'not-tls', name);
});

test('lengths that lie cost nothing and are never believed', () => {
  const random = seeded(3);
  const bytes = clientHello({ serverName: 'reviews.shop', protocols: ['weft/h1', 'h2'] });
  for (let at = 5; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff, below(random, 256)]) {
      const lying = Buffer.from(bytes);
      lying[at] = value;
      readClientHello(lying);
    }
  }
});

test('50,000 random and mutated beginnings: no error, no endless wait for more', () => {
  const random = seeded(4);
  const good = [
    clientHello({ serverName: 'a.b.c', protocols: ['weft/tcp'] }),
    clientHello({ recordBytes: 7, serverName: 'x' }),
  ];
  for (let i = 0; i < 50_000; i++) {
    const bytes =
      random() < 0.3
        ? Buffer.concat([
            Buffer.from([0x16, 3, 1]),
            Buffer.from(Array.from({ length: below(random, 60) }, () => below(random, 256))),
          ])
        : Buffer.from(oneOf(random, good));
    for (let n = below(random, 6); n > 0; n--) bytes[below(random, bytes.length)] = below(random, 256);
    const hello = readClientHello(bytes.subarray(0, 1 + below(random, bytes.length)));
    if (hello.kind === 'hello') for (const name of hello.protocols) assert.ok(name.length <= 255);
  }
  assert.equal(
    readClientHello(Buffer.concat([Buffer.from('1603014000', 'hex'), Buffer.alloc(17_000, 1)])).kind,
    'not-tls',
  );
});

test('a hello that can never be whole is given up at once, not waited for', () => {
  const begun = Buffer.from('16030100040100 3fff'.replaceAll(' ', ''), 'hex');
  const odd: [string, Buffer][] = [
    ['another record type behind its beginning', Buffer.from('1703030010', 'hex')],
    ['an empty record behind it', Buffer.from('1603010000', 'hex')],
    ['zeros behind it', Buffer.alloc(16)],
    ['a record longer than any', Buffer.from('160301ffff', 'hex')],
  ];
  for (const [name, more] of odd) {
    const scanner = new HelloScanner();
    assert.equal(scanner.push(begun, 0, begun.length).kind, 'more');
    assert.equal(scanner.push(more, 0, more.length).kind, 'not-tls', name);
    assert.equal(scanner.push(more, 0, more.length).kind, 'not-tls', `${name}, and more`);
  }
});

test('a hello is bounded in bytes and in records, and however it is cut each byte is read once', () => {
  const extensions = [[0x2a2a, Buffer.alloc(MAX_HELLO_BYTES - 200)]] as const;
  const large = clientHello({ serverName: 'a.b', protocols: ['h2'], extensions, recordBytes: 100 });
  const scanner = new HelloScanner();
  for (let at = 0; at < large.length; at++) {
    assert.equal(scanner.result.kind, 'more', `after ${at} bytes`);
    scanner.push(large, at, at + 1);
  }
  assert.deepEqual(scanner.result, { kind: 'hello', serverName: 'a.b', protocols: ['h2'] });
  const many = new HelloScanner();
  const tiny = clientHello({ extensions, recordBytes: 1 });
  let at = 0;
  while (at < tiny.length && many.push(tiny, at, at + 1).kind === 'more') at++;
  assert.equal(many.result.kind, 'not-tls');
  assert.equal(Math.floor(at / 6), MAX_HELLO_RECORDS);
});

test('only the mesh is taken for the mesh', () => {
  const cases: [string[], boolean][] = [
    [['weft/h1'], true],
    [['weft/tcp'], true],
    [['http/1.1', 'weft/tcp'], true],
    [['weft/discovery/1'], false],
    [['WEFT/H1'], false],
    [['weft/h1 '], false],
    [['h2', 'http/1.1'], false],
    [['istio-peer-exchange', 'istio'], false],
    [[], false],
  ];
  for (const [protocols, expected] of cases) assert.equal(isMeshHello(protocols), expected, protocols.join());
});

test("the first part of a ClientHello counts as the mesh's; a whole one by what it offers", () => {
  const mesh = clientHello({ protocols: ['weft/h2', 'weft/h1'] });
  for (const length of [0, 1, 5, 40, mesh.length])
    assert.equal(beginsMeshHello(mesh.subarray(0, length)), true, `${length}`);
  assert.equal(beginsMeshHello(clientHello({ protocols: ['h2'] })), false);
  for (const text of ['GET / HTTP/1.1\r\n', 'EHLO there\r\n'])
    assert.equal(beginsMeshHello(Buffer.from(text)), false, text);
});
