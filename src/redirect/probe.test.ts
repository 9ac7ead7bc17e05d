import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { PROBE_PORT } from './plan.ts';
import { answerProbes, isProbe, PROBE_ANSWER, probe } from './probe.ts';

// That a probe finds a real redirection, and misses it where there is none, is shown in ../cli/init.test.ts.

/** The self-test has its own port, so each test takes an address of its own on loopback. */
async function answering(t: TestContext, last: number, answer: (socket: Socket) => void): Promise<string> {
  const host = `127.${1 + (process.pid % 250)}.77.${last}`;
  const server = createServer(socket => {
    socket.on('error', () => {});
    answer(socket);
  });
  server.listen({ host, port: PROBE_PORT });
  await once(server, 'listening');
  t.after(() => server.close());
  return host;
}

describe('probe', () => {
  test('is content with the answer of the proxy, also in pieces', async t => {
    const host = await answering(t, 1, socket => {
      socket.write(PROBE_ANSWER.slice(0, 5));
      setImmediate(() => socket.end(PROBE_ANSWER.slice(5)));
    });
    assert.equal(await probe(host), undefined);
  });

  test('is not deceived by something else that listens there', async t => {
    const host = await answering(t, 2, socket => socket.end('SSH-2.0-OpenSSH\r\n'));
    const problem = await probe(host);
    assert.equal(problem?.code, 'redirect-probe-failed');
    assert.match(problem.message, /something else than the proxy answers/);
  });

  test('nor by what closes at once, or stays silent', async t => {
    const closing = await answering(t, 3, socket => socket.end());
    assert.match((await probe(closing))!.message, /closed the connection without the proxy's answer/);
    const sockets: Socket[] = [];
    const silent = await answering(t, 4, socket => sockets.push(socket));
    assert.match((await probe(silent, 20))!.message, /did not answer within 20 ms/);
    for (const socket of sockets) socket.destroy();
  });

  test('names the error when nothing listens', async () => {
    assert.match((await probe('127.0.77.5'))!.message, /ECONNREFUSED.*did weft-proxy init run/);
  });
});

test('isProbe is true only for the pod that calls itself on the port of the self-test', () => {
  assert.ok(isProbe({ host: '10.0.0.1', port: PROBE_PORT }, '10.0.0.1'));
  assert.ok(!isProbe({ host: '10.0.0.1', port: PROBE_PORT }, '10.0.0.2'));
  assert.ok(!isProbe({ host: '10.0.0.1', port: 80 }, '10.0.0.1'));
});

test('answerProbes leaves a port that is taken to who has it', async t => {
  const taken = createServer();
  taken.listen({ host: '127.0.0.1', port: 0 });
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  assert.equal(await answerProbes('10.0.0.1', port), undefined);
});
