import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { type CompilerMachine, linux, yieldToTraffic } from './index.ts';

/** A machine by hand: `state` says how busy it is and how long its one worker has waited. */
function machine(state: { busy: number; waitedMs: number }) {
  const idle: number[] = [];
  const told = { pauses: 0, alone: false };
  const made: CompilerMachine = {
    workers: () => [7, 8],
    makeIdle: thread => void idle.push(thread),
    waitedMs: thread => (thread === 7 ? state.waitedMs : 0),
    busy: () => state.busy,
    collectAlone: () => {
      told.alone = true;
    },
    pause: () => void told.pauses++,
  };
  return { made, idle, told };
}

test('in a real process the workers of V8 become idle threads, and nothing else does', () => {
  // In a process of its own: there is no way back for the workers of this one.
  const program = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { linux, yieldToTraffic } from './src/compiler/index.ts';
    import { systemClock } from './src/time/index.ts';
    const why = yieldToTraffic(systemClock, linux());
    if (why !== undefined) throw new Error(why);
    for (const thread of readdirSync('/proc/self/task')) {
      const policy = readFileSync('/proc/self/task/' + thread + '/sched', 'latin1').match(/^policy *: *(\\d+)/m)?.[1];
      console.log(readFileSync('/proc/self/task/' + thread + '/comm', 'latin1').trim(), policy);
    }`;
  const printed = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
  });
  const lines = printed.trim().split('\n');
  const workers = lines.filter(line => line.startsWith('V8Worker'));
  assert.ok(workers.length > 0, printed);
  for (const line of lines) assert.equal(line.split(' ')[1], workers.includes(line) ? '5' : '0', printed);
});

test('the machine tells how long a thread has waited and how busy the loop was', () => {
  const real = linux();
  const thread = Number(readdirSync('/proc/self/task')[0]);
  const counts = readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1') !== '';
  assert.equal(typeof real.waitedMs(thread), counts ? 'number' : 'undefined');
  assert.equal(real.waitedMs(2 ** 30), undefined);
  const began = performance.now();
  real.pause(20);
  assert.ok(performance.now() - began >= 19);
});

test('a compiler that a full core starves gets a fifth of it until it is through', async () => {
  const clock = new FakeClock();
  const state = { busy: 1, waitedMs: 0 };
  const { made, idle, told } = machine(state);
  assert.equal(yieldToTraffic(clock, made), undefined);
  assert.deepEqual(idle, [7, 8]);
  assert.equal(told.alone, true, 'collections do not wait for idle threads');
  await clock.advance(250);
  state.waitedMs += 200;
  assert.equal(told.pauses, 0);
  await clock.advance(250);
  state.waitedMs += 200;
  await clock.advance(245);
  assert.ok(told.pauses >= 48 && told.pauses <= 50, `${told.pauses}`);
  // Through: it waits no more.
  await clock.advance(10_000);
  assert.ok(told.pauses <= 101, `${told.pauses}`);
});

test('a compiler that waits while the loop has time to spare is not starved', async () => {
  const clock = new FakeClock();
  const state = { busy: 0.5, waitedMs: 0 };
  const { made, told } = machine(state);
  yieldToTraffic(clock, made);
  for (let look = 0; look < 8; look++) {
    state.waitedMs += 200;
    await clock.advance(250);
  }
  // Busy from now on: what it waited before does not count.
  state.busy = 1;
  await clock.advance(2_000);
  assert.equal(told.pauses, 0);
});

test('where the call is refused, or threads have other names, it says why and schedules nothing', () => {
  const clock = new FakeClock();
  const { made } = machine({ busy: 1, waitedMs: 0 });
  const refused = yieldToTraffic(clock, {
    ...made,
    makeIdle: () => {
      throw new Error('sched_setscheduler was refused');
    },
  });
  assert.equal(refused, 'sched_setscheduler was refused');
  assert.match(yieldToTraffic(clock, { ...made, workers: () => [] }) ?? '', /no thread/);
  assert.equal(clock.pending, 0);
});
