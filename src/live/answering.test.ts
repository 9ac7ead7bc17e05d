import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnswerSink, MAX_QUESTIONS } from '../discovery/index.ts';
import { type InternalError, onInternalError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import { type AnswererTable, Answering, type Asker } from './index.ts';

class Heard implements AnswerSink {
  readonly items: string[] = [];
  readonly lines: number[] = [];
  left = 0;
  ended: string | undefined;

  said(items: readonly string[], left: number): void {
    this.items.push(...items);
    this.lines.push(items.length);
    this.left += left;
  }

  done(error?: string): void {
    this.ended = error ?? 'done';
  }
}

function setUp(answerers?: AnswererTable, threads?: number) {
  const clock = new FakeClock();
  const askers: Asker[] = [];
  const gone: number[] = [];
  const answering = new Answering({
    answerers: answerers ?? {
      tap(_question, asker) {
        const index = askers.push(asker) - 1;
        return () => void gone.push(index);
      },
    },
    clock,
    ...(threads && { threads }),
  });
  const ask = (id: number, kind = 'tap'): Heard => {
    const heard = new Heard();
    answering.ask({ type: 'ask', id, question: { kind } }, heard);
    return heard;
  };
  return { clock, askers, gone, answering, ask };
}

test('what is said within fifty milliseconds goes out as one line, and the rest with the end', async () => {
  const { clock, askers, ask, gone } = setUp();
  const heard = ask(1);
  askers[0]!.say({ path: '/a' });
  askers[0]!.say({ path: '/b' });
  assert.deepEqual(heard.lines, []);
  await clock.advance(50);
  assert.deepEqual([heard.lines, heard.items], [[2], ['{"path":"/a"}', '{"path":"/b"}']]);
  askers[0]!.say({ path: '/c' });
  askers[0]!.done();
  assert.deepEqual([heard.items.length, heard.ended, gone], [3, 'done', [0]]);
  assert.equal(askers[0]!.say({}), false);
  await clock.advance(1000);
  assert.equal(heard.items.length, 3);
});

test('bytes are bounded: what is beyond is left out, counted and told, and there is more a second later', async () => {
  const { clock, askers, ask } = setUp();
  const heard = ask(1);
  const item = { text: 'x'.repeat(1000) };
  let said = 0;
  for (let i = 0; i < 3000; i++) if (askers[0]!.say(item)) said++;
  await clock.advance(50);
  assert.ok(said > 1000 && said < 1100, `${said} said at once`);
  assert.deepEqual([heard.items.length, heard.left], [said, 3000 - said]);
  assert.ok(Math.max(...heard.lines) < 40, 'no line grows beyond what is gathered');
  await clock.advance(1000);
  assert.equal(askers[0]!.say(item), true);
});

test('the bounds are those of the whole proxy, whatever the number of threads and questions', async () => {
  const { askers, ask } = setUp(undefined, 4);
  ask(1);
  ask(2);
  assert.equal(askers[0]!.share, 0.25);
  const item = { text: 'x'.repeat(1000) };
  let said = 0;
  for (let i = 0; i < 600; i++) if (askers[i % 2]!.say(item)) said++;
  assert.ok(said > 250 && said < 280, `${said}`);
});

test('one item that is too long costs the others nothing', async () => {
  const { clock, askers, ask } = setUp();
  const heard = ask(1);
  assert.equal(askers[0]!.say({ text: 'x'.repeat(40_000) }), false);
  assert.equal(askers[0]!.say({ text: 'short' }), true);
  await clock.advance(50);
  assert.deepEqual([heard.items.length, heard.left], [1, 1]);
});

test('who asks for what is not known, or too much at once, is told so', () => {
  const { ask, answering, gone } = setUp();
  assert.match(ask(1, 'weather').ended!, /no answer to 'weather'; it knows tap/);
  assert.match(ask(1, '__proto__').ended!, /no answer/);
  for (let i = 0; i < MAX_QUESTIONS; i++) assert.equal(ask(i + 10).ended, undefined);
  assert.match(ask(99).ended!, /16 questions are open/);
  answering.unask(10);
  assert.deepEqual(gone, [0]);
  assert.equal(ask(99).ended, undefined);
  answering.over();
  assert.equal(gone.length, MAX_QUESTIONS + 1);
});

test('an answer that is complete at once ends, and an answerer that fails says so', t => {
  const told: InternalError[] = [];
  onInternalError(error => told.push(error));
  t.after(() => onInternalError(undefined));
  let stopped = 0;
  const { ask } = setUp({
    all(_question, asker) {
      asker.say({ n: 1 });
      asker.done();
      return () => void stopped++;
    },
    broken() {
      throw new Error('injected');
    },
  });
  const heard = ask(1, 'all');
  assert.deepEqual([heard.items, heard.ended, stopped], [['{"n":1}'], 'done', 1]);
  assert.match(ask(2, 'broken').ended!, /internal error/);
  assert.deepEqual(
    told.map(({ where }) => where),
    ['live.ask'],
  );
});
