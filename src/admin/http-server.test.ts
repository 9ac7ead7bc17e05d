import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../http1/index.ts';
import { rawConnection } from '../proxy/testing/clients.ts';
import { systemClock, TimerWheel } from '../time/index.ts';
import { AdminServer, BREAK_OFF, json, text } from './http-server.ts';

function serve(routes: ConstructorParameters<typeof AdminServer>[3]): AdminServer {
  const timers = new TimerWheel(systemClock);
  const options = {
    limits: DEFAULT_LIMITS,
    timers,
    headTimeoutMs: 5_000,
    idleTimeoutMs: 60_000,
    lingerMs: 100,
  };
  return new AdminServer(['127.0.0.1'], { port: 0, purpose: 'admin' }, options, routes);
}

/** Sends bytes and returns the answer, up to the connection's end. */
async function exchange(port: number, bytes: string): Promise<string> {
  const raw = await rawConnection(port);
  raw.write(bytes);
  await raw.until(connection => connection.ended || connection.closed);
  raw.socket.destroy();
  return raw.text;
}

const targets = [
  '//',
  '///',
  '//a:b',
  '//[',
  '//[::1',
  '//%zz',
  '//:99999/',
  '/%',
  '/%ff%fe',
  '/\\\\',
  '/?a=%',
  '/a?b?c#'.replace('#', ''),
  'http://a',
  'http://[::1]:80/',
  'http://a:99999999/',
  'ftp://x/',
  '*',
  '/..//../..',
  `/${'a'.repeat(60_000)}`,
];
test('no target of a request can hurt the process', async t => {
  const server = serve({ 'GET /': () => text('root\n'), 'GET /known': () => text('known\n') });
  t.after(() => server.close());
  for (const target of targets) {
    for (const method of ['GET', 'POST', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'FOO', 'CONNECT']) {
      const host = /^http:\/\/([^/]*)/.exec(target)?.[1] ?? 'a';
      const answer = await exchange(
        server.port,
        `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 (200|400|404|405|501) /, `${method} ${target.slice(0, 50)}`);
    }
  }
  assert.match(await exchange(server.port, 'GET /known HTTP/1.0\r\n\r\n'), /known/);
});

test('what is not there is answered with what is', async t => {
  const server = serve({ 'GET /a': () => text('a\n'), 'POST /b': () => text('b\n') });
  t.after(() => server.close());
  const answer = await exchange(server.port, 'GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 404 /);
  assert.match(answer, /no GET \/b here; there are:\n {2}GET \/a\n {2}POST \/b/);
  for (const method of ['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'FOO'])
    assert.match(
      await exchange(server.port, `${method} /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
      /^HTTP\/1\.1 404 /,
      `${method} did what GET does`,
    );
});

test('handlers may be slow, and may fail; several requests in one packet are answered in their order', async t => {
  const server = serve({
    'GET /slow': async request => {
      await new Promise(resolve => setTimeout(resolve, 30));
      return json({ x: request.query.get('x') });
    },
    'GET /fails': () => {
      throw new Error('the disk is full');
    },
    'GET /below/*': request => text(`${request.path}\n`),
    'POST /body': () => text('took it\n'),
  });
  t.after(() => server.close());
  const answer = await exchange(
    server.port,
    [
      'GET /slow?x=1%202 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /fails HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /below/this/and/that HTTP/1.1\r\nHost: a\r\n\r\n',
      'HEAD /below/x HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ].join(''),
  );
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), [
    'HTTP/1.1 200',
    'HTTP/1.1 500',
    'HTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 200',
  ]);
  assert.match(
    answer,
    /"x": "1 2"[\s\S]*weft: the disk is full[\s\S]*\/below\/this\/and\/that[\s\S]*took it/,
  );
});

test('a client that goes away while a handler works leaves no trace', async t => {
  let finish = (): void => {};
  const server = serve({
    'GET /slow': () =>
      new Promise(resolve => {
        finish = () => resolve(text('late\n'));
      }),
    'GET /quick': () => text('quick\n'),
  });
  t.after(() => server.close());
  const raw = await rawConnection(server.port);
  raw.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(await exchange(server.port, 'GET /quick HTTP/1.0\r\n\r\n'), /quick/);
  raw.socket.resetAndDestroy();
  assert.match(await exchange(server.port, 'GET /quick HTTP/1.0\r\n\r\n'), /quick/);
  finish();
  assert.match(await exchange(server.port, 'GET /quick HTTP/1.0\r\n\r\n'), /quick/);
});

test('a path with two slashes in front, as old kubelets write those of hooks, finds its handler', async t => {
  const server = serve({ 'GET /app-drained': ({ query }) => text(`drained ${query.get('seconds')}\n`) });
  t.after(() => server.close());
  const answer = await exchange(
    server.port,
    'GET //app-drained?seconds=3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*drained 3\n$/);
});

/** A body of `count` pieces of 64 KB, and how many were made. */
function pieces(count: number): { made: number; cancelled: boolean; body: Iterable<string> } {
  const state = { made: 0, cancelled: false, body: [] as Iterable<string> };
  state.body = (function* () {
    try {
      for (; state.made < count; state.made++) yield 'x'.repeat(64 << 10);
    } finally {
      state.cancelled = state.made < count;
    }
  })();
  return state;
}
const inPieces = (body: Iterable<string>) => ({
  status: 200,
  contentType: 'text/plain',
  body: '',
  pieces: body,
});

test('a body in pieces arrives whole, chunked or, for HTTP/1.0, until the end; HEAD makes none', async t => {
  const made: ReturnType<typeof pieces>[] = [];
  const server = serve({
    'GET /large': () => {
      made.push(pieces(40));
      return inPieces(made.at(-1)!.body);
    },
  });
  t.after(() => server.close());
  const answer = await fetch(`http://127.0.0.1:${server.port}/large`);
  assert.equal((await answer.text()).length, 40 << 16);
  const old = await exchange(server.port, 'GET /large HTTP/1.0\r\n\r\n');
  assert.equal(old.split('\r\n\r\n')[1]!.length, 40 << 16);
  const head = await exchange(server.port, 'HEAD /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/);
  assert.equal(made[2]!.made, 0);
});

test('a body in pieces is made only as fast as it is read, and not at all for who went away', async t => {
  const state = pieces(10_000);
  const server = serve({ 'GET /large': () => inPieces(state.body) });
  t.after(() => server.close());
  const raw = await rawConnection(server.port);
  raw.socket.pause();
  raw.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  let before = -1;
  while (state.made === 0 || state.made !== before) {
    before = state.made;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.ok(state.made < 1_000, `${state.made} pieces were made for a client that reads none`);
  raw.socket.destroy();
  while (!state.cancelled) await new Promise(resolve => setTimeout(resolve, 10));
});

test('so many bodies in pieces at once and no more; a piece that cannot be made breaks the answer off', async t => {
  const server = serve({
    'GET /large': () => inPieces(pieces(10_000).body),
    'GET /broken': () =>
      inPieces(
        (function* () {
          yield 'half';
          throw new Error('no more');
        })(),
      ),
  });
  t.after(() => server.close());
  const readers = await Promise.all(Array.from({ length: 4 }, () => rawConnection(server.port)));
  for (const reader of readers) {
    reader.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    await reader.until(({ text: got }) => got.length > 0);
    reader.socket.pause();
  }
  const refused = await exchange(server.port, 'GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
  for (const reader of readers) reader.socket.destroy();
  await assert.rejects(async () => {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${server.port}/broken`);
      if (answer.status === 200) await answer.text();
    }
  });
});

test('a reply that breaks off ends the connection without a byte; a handler learns when its asker has gone', async t => {
  const signals: (AbortSignal | undefined)[] = [];
  const server = serve({
    'GET /off': () => BREAK_OFF,
    'GET /wait': ({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  });
  t.after(() => server.close());
  assert.equal(await exchange(server.port, 'GET /off HTTP/1.1\r\nHost: a\r\n\r\n'), '');
  const raw = await rawConnection(server.port);
  raw.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n');
  while (signals.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(signals[0]!.aborted, false);
  raw.socket.destroy();
  while (!signals[0]!.aborted) await new Promise(resolve => setTimeout(resolve, 5));
});

test('more connections than there may be make room for the next, and one that waits for its answer is the last to go', async t => {
  let answer = (): void => {};
  const server = serve({
    'GET /wait': () =>
      new Promise(resolve => {
        answer = () => resolve(text('at last\n'));
      }),
    'GET /ready': () => text('ready\n'),
  });
  t.after(() => server.close());
  const waiting = await rawConnection(server.port);
  waiting.write('GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const held = [];
  for (let i = 0; i < 400; i++) {
    const raw = await rawConnection(server.port);
    raw.write(i % 2 === 0 ? 'GET /ready HTTP/1.1\r\nHo' : '');
    held.push(raw);
  }
  assert.match(
    await exchange(server.port, 'GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /ready\n$/,
  );
  await held[0]!.until(({ closed, ended }) => closed || ended);
  assert.equal(held.at(-1)!.closed, false);
  answer();
  await waiting.until(({ ended, closed }) => ended || closed);
  assert.match(waiting.text, /at last\n$/);
  for (const raw of held) raw.socket.destroy();
});
