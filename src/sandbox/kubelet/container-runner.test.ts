import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import type { Container, Handler, Probe, RestartPolicy } from '../kube/index.ts';
import type { Exit, RunningProcess } from '../runtime/index.ts';
import { type ContainerBackend, ContainerRunner } from './container-runner.ts';
import type { ProbeOutcome } from './prober.ts';

/** A machine whose processes only note what is done to them; `obey` says which signals end them. */
class FakeMachine implements ContainerBackend {
  readonly clock = new FakeClock();
  readonly graceMs = 30_000;
  readonly did: string[] = [];
  readonly events: string[] = [];
  problem: string | undefined;
  obey: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGKILL'];
  healthy = true;
  hookMs = 0;
  hookFails = false;
  #exit: ((exit: Exit) => void) | undefined;

  launch(_container: Container, restarts: number) {
    if (this.problem) return { problem: this.problem };
    this.#note(`launch ${restarts}`);
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.#exit = resolve;
    const process: RunningProcess = {
      pid: 100 + restarts,
      entered: Promise.resolve(),
      exited: promise,
      signal: signal => {
        this.#note(signal);
        if (this.obey.includes(signal)) resolve({ code: undefined, signal });
      },
    };
    return { process, logPath: '/nonexistent' };
  }

  probe(_container: Container, _probe: Probe): Promise<ProbeOutcome> {
    return Promise.resolve({ ok: this.healthy, detail: 'sick' });
  }

  hook(_container: Container, handler: Handler): Promise<ProbeOutcome> {
    const name = handler.exec?.command?.[0] ?? 'hook';
    this.#note(name);
    return new Promise(resolve => {
      this.clock.after(this.hookMs, () => resolve({ ok: !this.hookFails, detail: 'hook failed' }));
    });
  }

  changed(): void {}

  event(_type: string, reason: string, message: string): void {
    this.events.push(`${reason}: ${message}`);
  }

  /** The process ends by itself. */
  async end(code: number): Promise<void> {
    this.#exit?.({ code, signal: undefined });
    await this.clock.advance(0);
  }

  #note(what: string): void {
    this.did.push(`${(this.clock.monotonic() / 1000).toFixed(1)} ${what}`);
  }
}

function run(more: Partial<Container> = {}, policy: RestartPolicy = 'Always') {
  const machine = new FakeMachine();
  const runner = new ContainerRunner({ name: 'app', command: ['run'], ...more }, policy, machine);
  const ended: { code?: number } = {};
  const begin = async (): Promise<void> => {
    void runner.run().then(code => (ended.code = code));
    await machine.clock.advance(0);
  };
  return { machine, runner, ended, begin };
}

test('a crash is restarted at once the first time, then after growing pauses, and said with its exit code', async () => {
  const { machine, runner, begin } = run();
  await begin();
  await machine.end(3);
  assert.deepEqual(machine.did, ['0.0 launch 0', '0.0 launch 1']);
  await machine.end(3);
  assert.equal(runner.status().state.waiting?.reason, 'CrashLoopBackOff');
  await machine.clock.advance(1000);
  await machine.end(3);
  await machine.clock.advance(1999);
  assert.equal(machine.did.length, 3);
  await machine.clock.advance(1);
  assert.deepEqual(machine.did.slice(2), ['1.0 launch 2', '3.0 launch 3']);
  const status = runner.status();
  assert.deepEqual([status.restartCount, status.lastState.terminated?.exitCode], [3, 3]);
  assert.match(machine.events[0]!, /^Crashed: container app exited with code 3/);
});

test('a container that ran well for a minute is restarted at once again', async () => {
  const { machine, begin } = run();
  await begin();
  await machine.end(1);
  await machine.clock.advance(61_000);
  await machine.end(1);
  assert.deepEqual(machine.did, ['0.0 launch 0', '0.0 launch 1', '61.0 launch 2']);
});

test('OnFailure ends with success and Never with anything', async () => {
  const onFailure = run({}, 'OnFailure');
  await onFailure.begin();
  await onFailure.machine.end(2);
  assert.equal(onFailure.ended.code, undefined);
  await onFailure.machine.end(0);
  assert.equal(onFailure.ended.code, 0);
  const never = run({}, 'Never');
  await never.begin();
  await never.machine.end(2);
  assert.equal(never.ended.code, 2);
  assert.equal(never.runner.status().state.terminated?.reason, 'Error');
});

test('stopping runs the preStop hook, then SIGTERM, then SIGKILL when the grace period is over', async () => {
  const { machine, runner, ended, begin } = run({
    lifecycle: { preStop: { exec: { command: ['pre-stop'] } } },
  });
  machine.obey = ['SIGKILL'];
  machine.hookMs = 4000;
  await begin();
  void runner.stop(10_000);
  await machine.clock.advance(20_000);
  assert.deepEqual(machine.did, ['0.0 launch 0', '0.0 pre-stop', '4.0 SIGTERM', '10.0 SIGKILL']);
  assert.equal(ended.code, 137);
  assert.deepEqual(machine.events, []);
});

test('a preStop hook that used up the grace period leaves two seconds after SIGTERM', async () => {
  const { machine, runner, begin } = run({ lifecycle: { preStop: { exec: { command: ['pre-stop'] } } } });
  machine.obey = ['SIGKILL'];
  machine.hookMs = 3000;
  await begin();
  void runner.stop(3000);
  await machine.clock.advance(10_000);
  assert.deepEqual(machine.did.slice(2), ['3.0 SIGTERM', '5.0 SIGKILL']);
});

test('a second stop without grace kills at once', async () => {
  const { machine, runner, begin } = run();
  machine.obey = ['SIGKILL'];
  await begin();
  void runner.stop(30_000);
  await machine.clock.advance(1000);
  await runner.stop(0);
  assert.deepEqual(machine.did, ['0.0 launch 0', '0.0 SIGTERM', '1.0 SIGKILL']);
});

test('stopping during a restart pause starts nothing more', async () => {
  const { machine, runner, ended, begin } = run();
  await begin();
  await machine.end(1);
  await machine.end(1);
  await runner.stop(30_000);
  await machine.clock.advance(60_000);
  assert.equal(machine.did.length, 2);
  assert.equal(ended.code, 1);
});

test('ready only while its readiness probe succeeds', async () => {
  const { machine, runner, begin } = run({ readinessProbe: { periodSeconds: 1, failureThreshold: 1 } });
  machine.healthy = false;
  await begin();
  await machine.clock.advance(500);
  assert.equal(runner.status().ready, false);
  machine.healthy = true;
  await machine.clock.advance(200);
  assert.equal(runner.status().ready, true);
  machine.healthy = false;
  await machine.clock.advance(1100);
  assert.equal(runner.status().ready, false);
  assert.match(machine.events.at(-1)!, /container app is not ready: sick/);
});

test('a failed liveness probe restarts it in order, and the reason is said', async () => {
  const { machine, runner, begin } = run({ livenessProbe: { periodSeconds: 1, failureThreshold: 2 } });
  await begin();
  await machine.clock.advance(100);
  machine.healthy = false;
  await machine.clock.advance(2500);
  assert.deepEqual(machine.did.slice(0, 3), ['0.0 launch 0', '2.0 SIGTERM', '2.0 launch 1']);
  assert.match(machine.events[0]!, /^Unhealthy: container app is restarted: its liveness probe failed: sick/);
  assert.equal(runner.status().restartCount, 1);
});

test('a startup probe holds back the others and condemns what does not start', async () => {
  const { machine, runner, begin } = run({
    startupProbe: { periodSeconds: 1, failureThreshold: 3 },
    readinessProbe: { periodSeconds: 1 },
  });
  machine.healthy = false;
  await begin();
  await machine.clock.advance(1900);
  assert.deepEqual([runner.status().started, machine.did.length], [false, 1]);
  await machine.clock.advance(200);
  assert.deepEqual(machine.did.slice(1), ['2.0 SIGTERM', '2.0 launch 1']);
  machine.healthy = true;
  await machine.clock.advance(300);
  assert.deepEqual([runner.status().started, runner.status().ready], [true, true]);
});

test('launched waits for the postStart hook, and a failed hook restarts the container', async () => {
  const { machine, runner, begin } = run({ lifecycle: { postStart: { exec: { command: ['wait'] } } } });
  machine.hookMs = 500;
  machine.hookFails = true;
  let launched = false;
  await begin();
  void runner.launched.then(() => (launched = true));
  await machine.clock.advance(400);
  assert.equal(launched, false);
  await machine.clock.advance(200);
  assert.equal(launched, true);
  assert.deepEqual(machine.did, ['0.0 launch 0', '0.0 wait', '0.5 SIGTERM', '0.5 launch 1', '0.5 wait']);
});

test('what is missing for a start is said, and tried again', async () => {
  const { machine, runner, begin } = run();
  machine.problem = 'it needs ConfigMap settings';
  await begin();
  assert.deepEqual(runner.status().state.waiting, {
    reason: 'CreateContainerConfigError',
    message: 'it needs ConfigMap settings',
  });
  machine.problem = undefined;
  await machine.clock.advance(500);
  assert.ok(runner.status().state.running);
});
