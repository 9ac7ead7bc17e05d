import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAGS } from './frames.ts';
import { headers, ping } from './testing/frames.ts';
import { RecordingServer } from './testing/recording-server.ts';

const quietPeer = { quietMs: 60_000, patienceMs: 20_000 };

/** A server with one stream that is not answered yet. */
function withOpenStream(): RecordingServer {
  const server = new RecordingServer({}, { quietPeer });
  server.answer = undefined;
  server.begin(headers(1));
  return server;
}

test('a client that is gone without a word loses its streams when it does not answer in time', async () => {
  const server = withOpenStream();
  await server.clock.advance(59_000);
  assert.deepEqual(server.said(), []);
  await server.clock.advance(2_000);
  assert.deepEqual(server.said(), ['PING']);
  await server.clock.advance(21_000);
  assert.equal(server.closed, true);
  assert.match(server.last.abort, /^DC .*ETIMEDOUT/);
  assert.equal(server.count('dead-peer'), 1);
});

test('one that answers stays for as long as its streams last, and is asked again', async () => {
  const server = withOpenStream();
  for (let times = 0; times < 5; times++) {
    let seconds = 0;
    while (!server.said().includes('PING') && seconds++ < 90) await server.clock.advance(1_000);
    assert.ok(seconds >= 60 - quietPeer.patienceMs / 1_000 && seconds <= 81, `${seconds} s`);
    server.peer.send(ping('weftlive', FLAGS.ACK));
  }
  await server.clock.advance(30_000);
  assert.equal(server.closed, false);
  assert.equal(server.count('dead-peer'), 0);
});

test('nobody is asked where no stream is open', async () => {
  const server = new RecordingServer({}, { quietPeer });
  server.begin(headers(1));
  await server.clock.advance(600_000);
  assert.deepEqual(server.said(), []);
  assert.equal(server.closed, false);
});

test('the PING of a client is answered while the server drains', () => {
  const server = withOpenStream();
  server.connection.drain();
  server.said();
  assert.deepEqual(server.send(ping()), ['PING ack']);
  server.send(ping('weftdrai', FLAGS.ACK));
  assert.deepEqual(server.send(ping()), ['PING ack']);
});
