import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { machineCapabilities } from '../host/index.ts';
import { tailOf } from './log-file.ts';
import { startProcess } from './process.ts';
import { run } from './run.ts';

function logFile(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-process-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'log');
}

test('a process writes to its log and ends with its code', async context => {
  const log = logFile(context);
  const process = startProcess(['sh', '-c', 'echo out; echo err >&2; exit 7'], log);
  assert.deepEqual(await process.exited, { code: 7, signal: undefined });
  assert.equal(readFileSync(log, 'utf8'), 'out\nerr\n');
});

test('what a process leaves of its group goes with it', async context => {
  const log = logFile(context);
  const process = startProcess(['sh', '-c', 'sleep 600 & echo $!; exit 0'], log);
  await process.exited;
  const child = Number(readFileSync(log, 'utf8'));
  const gone = async (): Promise<boolean> =>
    (await run(['sh', '-c', `! kill -0 ${child} 2>/dev/null || grep -q ' Z ' /proc/${child}/stat`])).code ===
    0;
  while (!(await gone())) await new Promise(resolve => setImmediate(resolve));
});

test('SIGTERM reaches the process, and its end says so', async context => {
  const process = startProcess(['sleep', '600'], logFile(context));
  process.signal('SIGTERM');
  assert.deepEqual(await process.exited, { code: undefined, signal: 'SIGTERM' });
  process.signal('SIGTERM');
});

test('a process has entered its surroundings when it closes descriptor 3, or has ended', async context => {
  const flag = join(mkdtempSync(join(tmpdir(), 'weft-process-')), 'go');
  context.after(() => rmSync(dirname(flag), { recursive: true }));
  const script = `while [ ! -e ${flag} ]; do sleep 0.01; done; exec 3>&-; exec sleep 600`;
  const process = startProcess(['sh', '-c', script], logFile(context));
  let entered = false;
  const seen = process.entered.then(() => {
    entered = true;
  });
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(entered, false);
  writeFileSync(flag, '');
  await seen;
  process.signal('SIGTERM');
  assert.deepEqual(await process.exited, { code: undefined, signal: 'SIGTERM' });
  await startProcess(['sh', '-c', 'exit 3'], logFile(context)).entered;
  await startProcess(['/nonexistent/command'], logFile(context)).entered;
});

test('a command that does not exist is an exit code like in sh', async context => {
  const process = startProcess(['/nonexistent/command'], logFile(context));
  assert.deepEqual(await process.exited, { code: 127, signal: undefined });
});

test('run gives output and code, feeds input, and gives up after its time', async () => {
  assert.deepEqual(await run(['sh', '-c', 'cat; echo err >&2; exit 3'], { input: 'in' }), {
    code: 3,
    output: 'inerr',
  });
  assert.equal((await run(['/nonexistent/command'])).code, 127);
  assert.equal((await run(['sh', '-c', 'sleep 600 & wait'], { timeoutMs: 100 })).code, 124);
});

test('the tail of a log is its last lines, within a limit', async context => {
  const log = logFile(context);
  await startProcess(['sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; done'], log).exited;
  assert.equal(tailOf(log, 2), 'line 4\nline 5');
  assert.equal(tailOf(log, 9, 9), '4\nline 5'.slice(-9));
  assert.equal(tailOf('/nonexistent', 2), '');
});

test('what a process prints to /dev/stdout and /dev/stderr joins the rest, whoever it runs as, and cuts nothing', async context => {
  const log = logFile(context);
  const root = process.getuid?.() === 0;
  const user = root ? ['setpriv', '--reuid=10001', '--regid=10001', '--clear-groups'] : [];
  const script = 'echo one; echo two >/dev/stdout; echo three >/dev/stderr; echo four';
  const options = root ? { uid: 10_001 } : {};
  assert.equal((await startProcess([...user, 'sh', '-c', script], log, options).exited).code, 0);
  assert.equal(readFileSync(log, 'utf8'), 'one\ntwo\nthree\nfour\n');
});

test('a log is complete when its process has ended, however much it printed', async context => {
  const log = logFile(context);
  await startProcess(['sh', '-c', 'seq 1 200000; exit 3'], log).exited;
  assert.equal(readFileSync(log, 'utf8').split('\n').at(-2), '200000');
});

const noNamespaces = machineCapabilities().reasons.join('; ') || false;

test('in a PID namespace of its own a process is number 1, sees nobody else, and all of its own end with it', {
  skip: noNamespaces,
}, async context => {
  const log = logFile(context);
  const inner =
    "mount -t proc proc /proc; sleep 600 & setsid sleep 600 & echo $$ $(ls /proc | grep -c '^[0-9]'); kill -0 $OUTER || echo alone";
  const outer = startProcess(['sleep', '600'], logFile(context));
  const words = ['env', `OUTER=${outer.pid}`, 'unshare', '--mount', '--', 'sh', '-c', `${inner}; exit 4`];
  const inside = startProcess(words, log, { ownPids: true });
  assert.deepEqual(await inside.exited, { code: 4, signal: undefined });
  const [numbers, ...rest] = readFileSync(log, 'utf8').trim().split('\n');
  // sh, two sleeps, and what counts: ls and grep in a shell of their own.
  assert.match(numbers!, /^1 [3-7]$/);
  assert.match(rest.join(' '), /alone$/);
  // Whoever is started afterwards is in the machine's own again.
  const after = startProcess(['sleep', '600'], logFile(context));
  assert.equal(readlinkSync(`/proc/${after.pid}/ns/pid`), readlinkSync('/proc/self/ns/pid'));
  for (const one of [outer, after]) {
    one.signal('SIGKILL');
    await one.exited;
  }
});
