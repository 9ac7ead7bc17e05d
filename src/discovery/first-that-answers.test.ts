import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { firstThatAnswers, type Search } from './first-that-answers.ts';

/** Attempts that are decided by hand. */
class Attempts {
  readonly all: { resolve(socket: TLSSocket): void; reject(error: Error): void; signal: AbortSignal }[] = [];
  #more: () => void = () => {};

  readonly connect = (signal: AbortSignal): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      this.all.push({ resolve, reject, signal });
      this.#more();
    });

  async until(count: number): Promise<void> {
    // What waits for a timer keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    while (this.all.length < count)
      await new Promise<void>(resolve => {
        this.#more = resolve;
      });
    clearInterval(alive);
  }
}

const search: Search = { attempts: 6, hurried: 6, apartMs: 5, insists: false };

function socket(): TLSSocket & { destroyed: boolean } {
  const made = {
    destroyed: false,
    destroy() {
      made.destroyed = true;
    },
  };
  return made as unknown as TLSSocket & { destroyed: boolean };
}

test('the first that succeeds counts, however late it began, and the others are given up', async () => {
  const { signal } = new AbortController();
  const attempts = new Attempts();
  const found = firstThatAnswers(attempts.connect, search, signal);
  await attempts.until(3);
  const [first, second, third] = [socket(), socket(), attempts.all[2]!];
  third.resolve(second);
  assert.equal(await found, second);
  assert.deepEqual(
    attempts.all.slice(0, 3).map(each => each.signal.aborted),
    [true, true, false],
    'it is not the one that counts that is given up',
  );
  attempts.all[0]!.resolve(first);
  assert.equal(second.destroyed, false);
});

test('no more than four are under way, and the oldest makes room', async () => {
  const stop = new AbortController();
  const attempts = new Attempts();
  const found = firstThatAnswers(attempts.connect, search, stop.signal);
  await attempts.until(6);
  assert.deepEqual(
    attempts.all.map(each => each.signal.aborted),
    [true, true, false, false, false, false],
  );
  stop.abort();
  await assert.rejects(found, /given up/);
  assert.ok(attempts.all.every(each => each.signal.aborted));
  await assert.rejects(firstThatAnswers(attempts.connect, search, stop.signal), /given up/);
  assert.equal(attempts.all.length, 6, 'who has given up begins nothing');
});

test('one alone that fails ends the search, unless it insists; beside others it does not', async () => {
  const { signal } = new AbortController();
  const alone = new Attempts();
  const found = firstThatAnswers(alone.connect, { ...search, apartMs: 60_000 }, signal);
  alone.all[0]!.reject(new Error('refused'));
  await assert.rejects(found, /refused/);

  const insisting = new Attempts();
  const wanted = { ...search, attempts: 3, apartMs: 60_000, insists: true };
  const tried = firstThatAnswers(insisting.connect, wanted, signal);
  for (let count = 1; count <= 3; count++) {
    await insisting.until(count);
    insisting.all[count - 1]!.reject(new Error(`refused ${count}`));
  }
  await assert.rejects(tried, /refused 3/);

  const beside = new Attempts();
  const kept = firstThatAnswers(beside.connect, search, signal);
  await beside.until(2);
  beside.all[1]!.reject(new Error('refused'));
  const good = socket();
  beside.all[0]!.resolve(good);
  assert.equal(await kept, good);
});
