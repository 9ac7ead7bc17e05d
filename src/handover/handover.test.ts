// Processes that take over from each other, with what goes wrong: the one before goes on, and whoever knows the first process
// sees it live as long as any of them does.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../main/testing/running-proxy.ts';
import { freePorts } from '../wire/testing/ports.ts';

const program = join(import.meta.dirname, 'testing/echo-process.ts');

interface Rig {
  readonly child: ChildProcess;
  readonly port: number;
  /** What all generations have said. */
  log(): string;
}

async function start(context: TestContext, how: string): Promise<Rig> {
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, [program, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HOW: how },
  });
  let log = '';
  child.stdout!.on('data', text => {
    log += String(text);
  });
  context.after(() => child.kill('SIGKILL'));
  await until('it listens', () => log.includes('0 listens'));
  return { child, port, log: () => log };
}

async function ask(socket: Socket): Promise<{ readonly generation: number; readonly pid: number }> {
  socket.write('?');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  const [generation = -1, pid = 0] = answer.toString().split(' ').map(Number);
  return { generation, pid };
}

async function open(context: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  context.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const generationOf = async (context: TestContext, port: number): Promise<number> => {
  const socket = await open(context, port);
  const { generation } = await ask(socket);
  socket.destroy();
  return generation;
};

test('new connections go to the new process, an open one stays, and the first process waits for the last', async context => {
  const { child, port, log } = await start(context, 'good');
  const kept = await open(context, port);
  assert.deepEqual(await ask(kept), { generation: 0, pid: child.pid });
  child.kill('SIGUSR2');
  await until('it is handed over', () => log().includes('0 handed over'));
  assert.equal(await generationOf(context, port), 1);
  assert.equal((await ask(kept)).generation, 0, 'what was open goes on');
  kept.destroy();
  const next = await open(context, port);
  const { pid } = await ask(next);
  // The first process has drained and waits; the second hands over to a third, and ends.
  await until('the first has become small', async () => (await command(child.pid!)).includes(' keep '));
  process.kill(pid, 'SIGUSR2');
  await until('it is handed over again', () => log().includes('1 handed over'));
  assert.equal((await ask(next)).generation, 1);
  next.destroy();
  assert.equal(await generationOf(context, port), 2);
  await until('the second has ended', () => !isThere(pid));
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 7, 'it ends with what the last one says');
  await assert.rejects(generationOf(context, port), { code: 'ECONNREFUSED' });
});

for (const [how, words] of Object.entries({
  ends: /the new process is gone: it ended with 9/,
  waits: /not ready within 4 s: it waits for ever/,
}))
  test(`a new process that ${how}: the old one goes on, and says why`, async context => {
    const { child, port, log } = await start(context, how);
    const kept = await open(context, port);
    child.kill('SIGUSR2');
    await until('it has failed', () => words.test(log()));
    assert.equal((await ask(kept)).pid, child.pid);
    assert.equal(await generationOf(context, port), 0);
    child.kill('SIGTERM');
    assert.equal(((await once(child, 'exit')) as [number])[0], 7);
  });

test('a new process that dies after it took over: the old one accepts again, and no connection is refused', async context => {
  const { child, port, log } = await start(context, 'dies');
  // Until then the old one has something to do.
  const kept = await open(context, port);
  child.kill('SIGUSR2');
  await until('it is handed over', () => log().includes('0 handed over'));
  // Those that the new process accepted end with it; those in the queue are answered by the old one.
  await until('the old one answers', async () => (await generationOf(context, port)) === 0);
  assert.equal((await ask(kept)).pid, child.pid);
  child.kill('SIGTERM');
  assert.equal(((await once(child, 'exit')) as [number])[0], 7);
});

test('a new process that dies when the old one has gone ends the first, so that the container is started again', async context => {
  const { child, port, log } = await start(context, 'good');
  child.kill('SIGUSR2');
  await until('it is handed over', () => log().includes('0 handed over'));
  const next = await open(context, port);
  const { pid } = await ask(next);
  await until('the first has become small', async () => (await command(child.pid!)).includes(' keep '));
  process.kill(pid, 'SIGKILL');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 1);
});

test('the last process ends when the first is gone', async context => {
  const { child, port, log } = await start(context, 'good');
  child.kill('SIGUSR2');
  await until('it is handed over', () => log().includes('0 handed over'));
  const { pid } = await ask(await open(context, port));
  child.kill('SIGKILL');
  await until('the last has ended', () => !isThere(pid));
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function command(pid: number): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).replaceAll('\0', ' ');
}
