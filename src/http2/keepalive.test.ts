import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAGS } from './frames.ts';
import { ping, settings } from './testing/frames.ts';
import { RecordingClient } from './testing/recording-client.ts';

/** A connection whose pool asks for PINGs, and whose peer has said hello. */
function keptAlive(): RecordingClient {
  const client = new RecordingClient({}, {}, { intervalMs: 10_000, timeoutMs: 2_000 });
  client.send(settings());
  return client;
}

const answered = ping('weftping', FLAGS.ACK);

test('an idle connection is asked at the interval, and lives as long as it answers', async () => {
  const client = keptAlive();
  for (let n = 0; n < 3; n++) {
    assert.deepEqual(client.said(), []);
    await client.clock.advance(11_100);
    // What is written by a timer leaves with the turn.
    await new Promise(resolve => setImmediate(resolve));
    assert.match(client.said().join(), /^PING/);
    client.send(answered);
  }
  await client.clock.advance(5_000);
  assert.equal(client.gone, 0);
});

test('a connection whose peer does not answer in time is closed', async () => {
  const client = keptAlive();
  await client.clock.advance(10_100);
  client.send(ping('otherpin', FLAGS.ACK));
  await client.clock.advance(1_000);
  assert.equal(client.gone, 0);
  await client.clock.advance(1_200);
  assert.equal(client.gone, 1, 'the answer to another PING is none to this');
});

test('no PING is sent where nobody asks for them', async () => {
  const client = new RecordingClient();
  client.send(settings());
  await client.clock.advance(60_000);
  assert.deepEqual(client.said(), []);
});
