import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { start } from '../testing.ts';

const post = (body: unknown) => ({ method: 'POST', body: JSON.stringify(body) });

test('answers with pod and version, and says who served it', async () => {
  await using ratings = await start('shop/ratings.ts', { POD_NAME: 'ratings-a', VERSION: 'v3' });
  const answer = await fetch(`${ratings.url}/ratings/p1`);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    service: 'ratings',
    pod: 'ratings-a',
    version: 'v3',
    id: 'p1',
    stars: 4,
  });
  assert.equal(answer.headers.get('served-by'), 'ratings/ratings-a/v3');
});

test('refuses unknown paths, unknown products and bodies that are not JSON', async () => {
  await using ratings = await start('shop/ratings.ts');
  assert.equal((await fetch(`${ratings.url}/nothing`)).status, 404);
  assert.equal((await fetch(`${ratings.url}/ratings/p99`)).status, 404);
  assert.equal((await fetch(`${ratings.url}/fault`, { method: 'POST', body: '{' })).status, 400);
});

test('the fault switch answers with its status on its path only, until cleared, and spares health', async () => {
  await using ratings = await start('shop/ratings.ts');
  await fetch(`${ratings.url}/fault`, post({ status: 503, path: '/ratings/p2' }));
  assert.equal((await fetch(`${ratings.url}/ratings/p2`)).status, 503);
  assert.equal((await fetch(`${ratings.url}/ratings/p1`)).status, 200);
  assert.equal((await fetch(`${ratings.url}/healthz`)).status, 200);
  await fetch(`${ratings.url}/fault`, { method: 'DELETE' });
  assert.equal((await fetch(`${ratings.url}/ratings/p2`)).status, 200);
});

test('the fault switch can close connections without an answer', async () => {
  await using ratings = await start('shop/ratings.ts');
  await fetch(`${ratings.url}/fault`, post({ reset: true }));
  await assert.rejects(fetch(`${ratings.url}/ratings/p1`));
});

test('counts the requests it served, without health checks and its own switches', async () => {
  await using ratings = await start('shop/ratings.ts');
  await fetch(`${ratings.url}/healthz`);
  await fetch(`${ratings.url}/ratings/p1`);
  await fetch(`${ratings.url}/ratings/p2`);
  const stats = (await (await fetch(`${ratings.url}/stats`)).json()) as { served: number };
  assert.equal(stats.served, 2);
});

test('the echo tells header lines in the order and case received, and the peer', async () => {
  await using ratings = await start('shop/ratings.ts');
  const socket = connect(ratings.port, '127.0.0.1');
  socket.write('GET /echo?x=1 HTTP/1.1\r\nhOsT: shop\r\nX-b: 2\r\nx-B: 3\r\nConnection: close\r\n\r\n');
  let text = '';
  socket.on('data', chunk => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'end');
  const told = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;
  assert.equal(told.requestLine, 'GET /echo?x=1 HTTP/1.1');
  assert.deepEqual(told.lines, ['hOsT: shop', 'X-b: 2', 'x-B: 3', 'Connection: close']);
  assert.equal((told.peer as { address: string }).address, '127.0.0.1');
  assert.match(text, /\r\nX-eChO-CaSe: Kept\r\n/);
});

test('on SIGTERM finishes what is in flight, refuses new connections and exits with 0', async () => {
  await using ratings = await start('shop/ratings.ts');
  await fetch(`${ratings.url}/fault`, post({ delayMs: 300 }));
  const slow = fetch(`${ratings.url}/ratings/p1`);
  for (let served = 0; served === 0; ) {
    served = ((await (await fetch(`${ratings.url}/stats`)).json()) as { served: number }).served;
  }
  const stopped = ratings.stop();
  const answer = await slow;
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('connection'), 'close');
  await answer.text();
  assert.equal(await stopped, 0);
  await assert.rejects(fetch(`${ratings.url}/healthz`));
});

test('a port in use is named and ends the program', async () => {
  await using ratings = await start('shop/ratings.ts');
  await assert.rejects(
    start('shop/ratings.ts', { PORT: String(ratings.port) }),
    /exited with 1: ratings cannot listen on port \d+: .*EADDRINUSE/s,
  );
});
