import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { leading } from './beginnings/generate.ts';
import { problemOf, READERS, type Reader } from './beginnings/readers.ts';
import { fuzzBeginnings } from './beginnings/run.ts';
import { runLlhttp } from './llhttp.ts';
import { Random } from './random.ts';

for (const reader of READERS) {
  test(`${reader.name}: 1,500 beginnings are read without a throw, within bounds, the same in any pieces`, () => {
    assert.deepEqual(fuzzBeginnings({ cases: 1_500, seed: 20_261, maxFindings: 1 }, [reader]), []);
  });
}

test('every reader decides about some of what is generated, and differently', () => {
  for (const reader of READERS) {
    const readings = new Set<string>();
    for (let n = 0; n < 500; n++) readings.add(reader.read([reader.generate(new Random(1, n))]));
    assert.ok(readings.size >= 3, `${reader.name}: ${[...readings].join('; ').slice(0, 200)}`);
  }
});

test('a reader that throws, never decides, or reads pieces differently is found out', () => {
  const faulty = (read: Reader['read']): Reader => ({ ...READERS[0]!, mostBytes: 10, read });
  const bytes = Buffer.alloc(500, 'a');
  const found = (read: Reader['read']) => problemOf(faulty(read), bytes, new Random(3));
  assert.match(
    found(() => {
      throw new Error('boom');
    })!,
    /throws Error: boom/,
  );
  assert.match(found(() => '')!, /undecided after 500 bytes/);
  assert.match(found(pieces => String(pieces.length))!, /in pieces of/);
  assert.equal(
    found(() => 'read'),
    undefined,
  );
});

test("what Node's HTTP server takes for a request, llhttp as it is asked here does too", async () => {
  let requests = 0;
  for (let n = 0; n < 300; n++) {
    const bytes = leading(new Random(5, n));
    if (!(await isServed(bytes))) continue;
    requests++;
    const { messages } = runLlhttp({ kind: 'request', bytes: '', toHead: [] }, bytes);
    assert.ok(messages.length > 0, bytes.toString('latin1'));
  }
  assert.ok(requests > 30, String(requests));
});

/** Whether a server of node:http tells its owner of a request. */
async function isServed(bytes: Buffer): Promise<boolean> {
  let served = false;
  const told = () => {
    served = true;
  };
  const server = createServer(told)
    .on('connect', told)
    .on('upgrade', told)
    .on('clientError', () => {});
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  socket.on('error', () => {});
  server.emit('connection', socket);
  socket.push(bytes);
  await new Promise(setImmediate);
  socket.destroy();
  server.closeAllConnections();
  return served;
}
